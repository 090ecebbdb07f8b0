// Workers as processes: what their clients see when they are killed, replaced and sent away.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { WebSocket } from "ws";
import { until } from "../harness/concurrency.js";
import { Crowd, isAlive, leftIn, startProgram, temporaryFolder } from "./harness/workers.js";

const FREE = { port: 0 } as const;

test("workers that are killed are replaced, and their clients miss nothing", async (t) => {
  const program = startProgram(t, { workers: 2, listen: FREE });
  await program.saw("worker-ready", 2);
  const crowd = await Crowd.gather(t, await program.url(), 16);
  for (let kill = 1; kill <= 3; kill++) {
    const published = crowd.published;
    await until(() => crowd.published > published + 20, "publishes");
    process.kill(program.pids().get(1 + (kill % 2))!, "SIGKILL");
    await program.saw("worker-ready", 2 + kill);
  }
  await until(() => crowd.open === 16, "all are back");
  await crowd.account();
  assert.deepEqual(
    program.of("worker-ended").map(({ signal, level }) => [signal, level]),
    [["SIGKILL", "error"], ["SIGKILL", "error"], ["SIGKILL", "error"]], // oxfmt-ignore
  );
});

test("on SIGHUP each worker is replaced in turn, and clients miss nothing; on SIGTERM all end, and nothing is left", async (t) => {
  const program = startProgram(t, { workers: 2, listen: FREE });
  await program.saw("worker-ready", 2);
  assert.deepEqual(program.texts.filter((text) => text.includes("limit")).toSorted(), [
    "worker 1: limit 501",
    "worker 2: limit 500",
  ]);
  const old = [...program.pids().values()];
  const crowd = await Crowd.gather(t, await program.url(), 16);
  program.supervisor.kill("SIGHUP");
  await program.saw("workers-restarted");
  const order = program.lines
    .filter(({ event }) => /^worker-(ready|ended)$/.test(event ?? ""))
    .slice(2)
    .map(({ event, worker }) => `${event} ${worker}`);
  assert.deepEqual(order, ["worker-ready 1", "worker-ended 1", "worker-ready 2", "worker-ended 2"]);
  assert.ok(old.every((pid) => !isAlive(pid)));
  await until(() => crowd.open === 16, "all are back");
  await crowd.account();

  const socket = new WebSocket(await program.url());
  await once(socket, "open");
  const closed = once(socket, "close");
  program.supervisor.kill("SIGTERM");
  assert.equal((await closed)[0], 1001);
  assert.deepEqual(await program.exit, { code: 0, signal: null });
  assert.deepEqual(leftIn(program.temporary), []);
  assert.ok(program.of("worker-started").every(({ pid }) => !isAlive(pid!)));
});

test("a second signal ends all at once", async (t) => {
  const program = startProgram(t, { workers: 2, listen: FREE, isStuck: true });
  await program.saw("worker-ready", 2);
  program.supervisor.kill("SIGTERM");
  await program.saw("workers-ending");
  program.supervisor.kill("SIGINT");
  assert.deepEqual(await program.exit, { code: 130, signal: null });
  assert.deepEqual(leftIn(program.temporary), []);
  await until(() => program.of("worker-started").every(({ pid }) => !isAlive(pid!)), "the workers' end");
});

test("a worker that does not end in time is killed, and one that does nothing any longer as well", async (t) => {
  const program = startProgram(t, {
    workers: 1,
    listen: FREE,
    isStuck: true,
    drainTimeoutMs: 300,
    silenceTimeoutMs: 5000,
  });
  await program.saw("worker-ready", 1);
  process.kill(program.pids().get(1)!, "SIGSTOP");
  await program.saw("worker-ready", 2);
  program.supervisor.kill("SIGTERM");
  assert.deepEqual(await program.exit, { code: 0, signal: null });
  assert.deepEqual(
    program.of("worker-killed").map(({ reason }) => reason),
    ["it did not say anything for too long", "it did not end in time"],
  );
});

test("when the supervisor is killed its workers send their clients away, end, and leave nothing behind", async (t) => {
  const program = startProgram(t, { workers: 2, listen: FREE });
  await program.saw("worker-ready", 2);
  const url = await program.url();
  const sockets = Array.from({ length: 6 }, () => new WebSocket(url));
  await Promise.all(sockets.map((socket) => once(socket, "open")));
  const closed = Promise.all(sockets.map((socket) => once(socket, "close")));
  program.supervisor.kill("SIGKILL");
  assert.deepEqual(
    (await closed).map(([code]) => code as number),
    Array.from({ length: 6 }, () => 1001),
  );
  await until(() => program.of("worker-started").every(({ pid }) => !isAlive(pid!)), "the workers' end");
  assert.deepEqual(leftIn(program.temporary), []);
});

test("workers that cannot start are tried five times, and then given up in one line", async (t) => {
  const program = startProgram(t, { workers: 2, listen: FREE, brokenBy: process.execPath });
  assert.deepEqual(await program.exit, { code: 1, signal: null });
  assert.equal(program.of("worker-started").length, 5);
  assert.equal(program.of("workers-given-up").length, 1);
  assert.ok(program.texts.some((text) => text.startsWith("worker 1: Error: broken by the test")));
  assert.deepEqual(leftIn(program.temporary), []);
});

test("when a new worker does not start in a rolling restart those that serve go on", async (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, "broken");
  const program = startProgram(t, { workers: 2, listen: FREE, brokenBy: file });
  await program.saw("worker-ready", 2);
  const before = program.pids();
  writeFileSync(file, "");
  program.supervisor.kill("SIGHUP");
  await program.saw("workers-not-restarted");
  assert.deepEqual(program.pids(), before);
  rmSync(file);
  program.supervisor.kill("SIGHUP");
  await program.saw("workers-restarted");
  assert.equal(program.pids().size, 2);
  assert.ok([...before.values()].every((pid) => !isAlive(pid)));
});

test("a port that is in use is told at once", async (t) => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const { port } = server.address() as { port: number };
  const program = startProgram(t, { workers: 2, listen: { port } });
  assert.equal((await program.exit).code, 1);
  assert.ok(program.texts.some((text) => text.includes("EADDRINUSE")));
  assert.deepEqual(program.of("worker-started"), []);
});

test("all workers listen on one Unix socket", async (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, "hub.sock");
  const program = startProgram(t, { workers: 2, listen: { path } });
  await program.saw("worker-ready", 2);
  const sockets = Array.from({ length: 4 }, () => new WebSocket(`ws+unix://${path}:/`));
  await Promise.all(sockets.map((socket) => once(socket, "open")));
  await until(() => new Set(program.of("connect").map(({ worker }) => worker)).size === 2, "clients of both");
  for (const socket of sockets) socket.close();
  program.supervisor.kill("SIGTERM");
  assert.deepEqual(await program.exit, { code: 0, signal: null });
  assert.deepEqual(leftIn(folder), []);
});
