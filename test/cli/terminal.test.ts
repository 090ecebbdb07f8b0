// `hawser serve` on a terminal, which `script` (util-linux) provides.

import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { connect } from "node:net";
import { describe, test, type TestContext } from "node:test";

import { sleep, until } from "../harness/concurrency.js";
import { cliPath } from "../harness/server.js";

const hasScript = spawnSync("script", ["-qec", "true", "/dev/null"]).status === 0;

interface Terminal {
  child: ChildProcess;
  port: number;
  /** What has appeared on the screen. */
  screen: () => string;
}

async function started(t: TestContext): Promise<Terminal> {
  // exec: some shells stay in between, and their exit code after Ctrl+C is 130, whatever the server's is.
  const command = `exec ${[process.execPath, cliPath(), "serve", "--port", "0"].map((word) => `'${word}'`).join(" ")}`;
  const child = spawn("script", ["-qec", command, "/dev/null"], { stdio: ["pipe", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  await until(() => text.includes("in two tabs"), "the welcome");
  return { child, port: Number(/localhost:(\d+)/.exec(text)?.[1]), screen: () => text };
}

describe(
  "on a terminal",
  { skip: !hasScript && "cannot be installed here: a terminal takes script of util-linux", concurrency: 2 },
  () => {
    test("lines are for people, Ctrl+C shuts down, and the exit code is 0", async (t) => {
      const { child, port, screen } = await started(t);
      assert.ok(
        screen().includes(
          `Hawser serves rooms on ws://localhost:${port}/ - open http://localhost:${port}/lobby in two tabs\r\n`,
        ),
      );
      assert.match(screen(), /listening url=ws:\/\/127\.0\.0\.1:\d+\/ /);
      child.stdin!.write("\u0003");
      assert.equal(await new Promise((done) => child.once("close", done)), 0);
      assert.match(screen(), /signal signal=SIGINT[\s\S]*shutdown-finished clients=0 /);
      assert.doesNotMatch(screen(), /^\{/m, "no JSON");
    });

    test("a terminal that is closed leaves no server behind", async (t) => {
      const { child, port } = await started(t);
      assert.equal(await isListening(port), true);
      child.kill("SIGKILL");
      while (await isListening(port)) await sleep(50);
    });
  },
);

function isListening(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      done(true);
    });
    socket.once("error", () => done(false));
  });
}
