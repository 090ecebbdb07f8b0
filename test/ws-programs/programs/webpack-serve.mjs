// `webpack serve`, with the defaults of its servers in a file that NODE_OPTIONS has Node load before it.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WebSocket } from "ws-itself";

const context = mkdtempSync(join(tmpdir(), "hawser-webpack-"));
const config = join(context, "webpack.config.js");
const devServer = { host: "127.0.0.1", port: "auto", open: false, static: false, allowedHosts: "all" };
writeFileSync(join(context, "index.js"), "console.log(1);");
writeFileSync(
  config,
  `module.exports = ${JSON.stringify({ mode: "development", context, entry: "./index.js", devServer })};`,
);
const program = spawn(process.execPath, ["node_modules/webpack/bin/webpack.js", "serve", "--config", config], {
  env: { ...process.env, NODE_OPTIONS: "--import ./preloaded/set-defaults.mjs" },
});
process.once("exit", () => program.kill());
let printed = "";
const port = await new Promise((found, failed) => {
  for (const stream of [program.stdout, program.stderr]) {
    stream.on("data", (text) => {
      printed += text;
      const url = /Loopback:.*?:(\d+)\//.exec(printed);
      if (url !== null) found(url[1]);
    });
  }
  program.once("exit", () => failed(new Error(printed)));
});

const answerTo = async (origin) => {
  const page = new WebSocket(`ws://127.0.0.1:${port}/ws`, { origin });
  const answer = await new Promise((come) => {
    page.once("message", (data) => come(JSON.parse(data).type));
    page.once("error", ({ message }) => come(message));
  });
  page.terminate();
  return answer;
};

assert.equal(await answerTo("https://app.example"), "hot");
assert.equal(await answerTo("https://evil.example"), "Unexpected server response: 403");
const ended = once(program, "exit");
program.kill();
await ended;
rmSync(context, { recursive: true });
