// Which signals count, without a process to send them to; and what closeOnSignals makes of them, in one.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { createInterface } from "node:readline";
import { beforeEach, describe, it, test } from "node:test";
import { onStopSignals } from "#hawser/index.js";
import { notOnWindows } from "../harness/platform.js";
import { projectRoot } from "../harness/root.js";

let source: EventEmitter;
let now: number;
let seen: unknown[];

beforeEach(() => {
  source = new EventEmitter();
  now = 1000;
  seen = [];
});

function watch(): () => void {
  const actions = {
    stop: (signal: string) => seen.push(signal),
    stopAtOnce: (code: number) => seen.push(code),
  };
  return onStopSignals(source, actions, () => now);
}

test("the first signal stops, the second one stops at once", () => {
  watch();
  source.emit("SIGINT");
  now += 2000;
  source.emit("SIGINT");
  assert.deepEqual(seen, ["SIGINT", 130]);
});

test("the same signal a moment later is the one that npm passes on", () => {
  watch();
  source.emit("SIGINT");
  now += 30;
  source.emit("SIGINT");
  source.emit("SIGINT");
  assert.deepEqual(seen, ["SIGINT"]);
  now += 100;
  source.emit("SIGINT");
  assert.deepEqual(seen, ["SIGINT", 130]);
});

test("another signal a moment later is a second one", () => {
  watch();
  source.emit("SIGINT");
  source.emit("SIGTERM");
  assert.deepEqual(seen, ["SIGINT", 143]);
});

test("once it has ended, signals are Node's again", () => {
  const stop = watch();
  stop();
  assert.equal(source.emit("SIGINT"), false);
  assert.equal(source.emit("SIGTERM"), false);
});

/** A program that says "ready"; @returns its end after the signals, each sent once the one before has been answered by a line */
async function run(
  program: string,
  ...signals: NodeJS.Signals[]
): Promise<{ code: unknown; lines: string[]; errors: string }> {
  const child = spawn(process.execPath, ["--input-type=module", "--eval", IMPORTS + program], { cwd: projectRoot });
  const ended = once(child, "close") as Promise<[number | null, string | null]>;
  const lines: string[] = [];
  let errors = "";
  child.stderr.on("data", (chunk) => (errors += String(chunk)));
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    const signal = signals.shift();
    if (signal !== undefined) child.kill(signal);
  }
  const [code, signal] = await ended;
  return { code: code ?? signal, lines, errors };
}

const IMPORTS = `
  import { createServer as createHttpServer } from "node:http";
  import { connect } from "node:net";
  import { WebSocket } from "ws";
  import { closeOnSignals, createServer } from "hawser";
  const say = (line) => process.stdout.write(line + "\\n");
  const quiet = { logLevel: "silent" };
  async function visit(port, name) {
    const socket = new WebSocket("ws://127.0.0.1:" + port);
    await new Promise((open) => socket.once("open", open));
    socket.once("close", (code) => say(name + " " + code));
  }
`;

describe("closeOnSignals", { skip: notOnWindows("signals"), concurrency: 2 }, () => {
  it("closes all servers, and ends the process whatever else is going on in it", async () => {
    const { code, lines, errors } = await run(
      `
      const servers = [createServer(quiet), createServer(quiet)];
      for (const [index, server] of servers.entries()) {
        const { port } = await server.listen(0);
        closeOnSignals(server);
        await visit(port, "client " + index);
      }
      setInterval(() => {}, 1000);
      say("ready");`,
      "SIGTERM",
    );
    assert.deepEqual([code, lines.toSorted(), errors], [0, ["client 0 1001", "client 1 1001", "ready"], ""]);
  });

  it("closes what is closed by something else, and a server of Node's with its idle connections", async () => {
    const { code, lines } = await run(
      `
      const http = createHttpServer();
      const server = createServer(quiet);
      server.attach(http);
      await new Promise((listening) => http.listen(0, "127.0.0.1", listening));
      const { port } = http.address();
      connect(port, "127.0.0.1").on("close", () => say("idle one closed")).on("error", () => {});
      await visit(port, "client");
      closeOnSignals(http, server, { close: async () => say("database closed") }, createHttpServer());
      say("ready");`,
      "SIGINT",
    );
    assert.deepEqual([code, lines.toSorted()], [0, ["client 1001", "database closed", "idle one closed", "ready"]]);
  });

  it("ends at once at a second signal", async () => {
    const program = `
      closeOnSignals({ close: () => { say("closing"); return new Promise(() => {}); } });
      setInterval(() => {}, 1000);
      say("ready");`;
    assert.equal((await run(program, "SIGINT", "SIGTERM")).code, 143);
  });

  it("ends with 1 and the error when one cannot be closed, once the others are", async () => {
    const { code, lines, errors } = await run(
      `
      closeOnSignals({ close() { throw new Error("still in use"); } });
      closeOnSignals({ close: () => new Promise((closed) => setTimeout(closed, 50)).then(() => say("closed")) });
      setInterval(() => {}, 1000);
      say("ready");`,
      "SIGTERM",
    );
    assert.deepEqual([code, lines], [1, ["ready", "closed"]]);
    assert.match(errors, /Error: still in use/);
  });

  it("can be taken back, by each caller for itself", async () => {
    const { code, lines } = await run(
      `
      const first = closeOnSignals({ close: () => say("first") });
      const second = closeOnSignals({ close: () => say("second") });
      first();
      say("one is left: " + process.listenerCount("SIGTERM"));
      second();
      say("none is left: " + process.listenerCount("SIGTERM") + process.listenerCount("SIGINT"));
      closeOnSignals({ close: () => say("third") });
      setInterval(() => {}, 1000);
      say("ready");`,
      "SIGWINCH",
      "SIGWINCH",
      "SIGTERM",
    );
    assert.deepEqual([code, lines], [0, ["one is left: 1", "none is left: 00", "ready", "third"]]);
  });
});
