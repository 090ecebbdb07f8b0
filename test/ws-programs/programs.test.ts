// Programs that were written for `ws`, unchanged, with the packed `@hawser/ws` in its place by npm's `overrides`. Their clients are on `ws` itself.

import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { packAll } from "../harness/packed.js";
import { projectRoot } from "../harness/root.js";

const programs = join(projectRoot, "test/ws-programs/programs");
/** Kept from run to run: what is in it takes a minute to install. */
const folder = join(projectRoot, ".cache/ws-programs");
const installed = (path: string): string => join(folder, "node_modules", path);
const tarballs = packAll();

before(async () => {
  mkdirSync(folder, { recursive: true });
  const wanted = readFileSync(join(projectRoot, "test/ws-programs/tools.json"), "utf8");
  const manifest = join(folder, "package.json");
  const done = installed(".installed");
  if (!existsSync(done) || readFileSync(done, "utf8") !== wanted) {
    writeFileSync(manifest, wanted);
    cpSync(tarballs.get("hawser")!, join(folder, "hawser.tgz"));
    cpSync(tarballs.get("@hawser/ws")!, join(folder, "hawser-ws.tgz"));
    rmSync(installed(""), { recursive: true, force: true });
    const options = ["--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts", "--prefer-offline"];
    await run("npm", ["install", ...options]);
    writeFileSync(done, wanted);
  }
  // Ours as they are now, without npm.
  unpack("hawser", "hawser");
  unpack("@hawser/ws", "ws");
  cpSync(programs, folder, { recursive: true });
});

describe("in place of ws", () => {
  it("is the only one but for those of the clients", () => {
    const names = readdirSync(installed(""), { recursive: true, encoding: "utf8" })
      .map((path) => path.replaceAll("\\", "/"))
      .filter((path) => /(^|\/node_modules\/)ws\/package\.json$/.test(path))
      .map((path) => [path, (JSON.parse(readFileSync(installed(path), "utf8")) as { name: string }).name]);
    assert.deepEqual(Object.fromEntries(names), {
      "ws/package.json": "@hawser/ws",
      "engine.io-client/node_modules/ws/package.json": "ws",
    });
  });

  for (const name of readdirSync(programs).filter((one) => one.endsWith(".mjs"))) {
    it(name.replace(".mjs", ""), async () => void (await run(process.execPath, [name])));
  }
});

function unpack(name: string, path: string): void {
  rmSync(installed(`${path}/dist`), { recursive: true, force: true });
  execFileSync("tar", ["-xzf", tarballs.get(name)!, "-C", installed(path), "--strip-components=1"]);
}

/** @throws with all that it printed unless it ends well */
function run(command: string, args: string[]): Promise<string> {
  // What npm and the test runner tell those that they start is not for these.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_)/i.test(name)));
  const options = { cwd: folder, env, shell: process.platform === "win32" && command === "npm" };
  return new Promise((resolve, reject) => {
    execFile(command, args, options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${command} ${args.join(" ")}\n${stdout}\n${stderr}`, { cause: error }));
    });
  });
}
