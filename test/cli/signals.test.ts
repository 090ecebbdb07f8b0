// Which signals count, without a process to send them to.

import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { beforeEach, test } from "node:test";

import { onFaults } from "#hawser/cli/faults.js";
import { onSignals } from "#hawser/cli/signals.js";

let process: EventEmitter;
let now: number;
let seen: unknown[];

beforeEach(() => {
  process = new EventEmitter();
  now = 1000;
  seen = [];
});

function watch(): void {
  const actions = {
    stop: (signal: string) => seen.push(signal),
    stopAtOnce: (code: number) => seen.push(code),
    hangUp: () => seen.push("hang up"),
  };
  onSignals(process, actions, () => now);
}

test("the first signal stops, the second one stops at once", () => {
  watch();
  process.emit("SIGINT");
  now += 2000;
  process.emit("SIGINT");
  assert.deepEqual(seen, ["SIGINT", 130]);
});

test("the same signal a moment later is the one that npm passes on", () => {
  watch();
  process.emit("SIGINT");
  now += 30;
  process.emit("SIGINT");
  process.emit("SIGINT");
  assert.deepEqual(seen, ["SIGINT"]);
  now += 100;
  process.emit("SIGINT");
  assert.deepEqual(seen, ["SIGINT", 130]);
});

test("another signal a moment later is a second one", () => {
  watch();
  process.emit("SIGINT");
  process.emit("SIGTERM");
  assert.deepEqual(seen, ["SIGINT", 143]);
});

test("SIGHUP stops nothing, however often it comes", () => {
  watch();
  process.emit("SIGHUP");
  process.emit("SIGHUP");
  assert.deepEqual(seen, ["hang up", "hang up"]);
});

test("a fault that repeats itself does not flood the log", () => {
  const lines: unknown[] = [];
  let stops = 0;
  const log = { fatal: (fields: object) => lines.push(fields), warn: (fields: object) => lines.push(fields) };
  onFaults(process, log, () => stops++);
  for (let round = 0; round < 100; round++) process.emit("unhandledRejection", `number ${round}`);
  assert.equal(lines.length, 10);
  assert.equal(stops, 100);
  assert.equal((lines[0] as { err: Error }).err.message, "number 0");
});

test("a warning of Node's is a line of the log", () => {
  const lines: unknown[] = [];
  process.on("warning", () => assert.fail("Node's own listener"));
  const log = { fatal: () => {}, warn: (fields: object, message: string) => lines.push([fields, message]) };
  onFaults(process, log, () => assert.fail());
  process.emit("warning", new RangeError("careful"));
  assert.deepEqual(lines, [[{ event: "process-warning", name: "RangeError" }, "careful"]]);
});
