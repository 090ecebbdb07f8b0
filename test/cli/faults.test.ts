// What nobody caught, without a process to throw it in.

import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { beforeEach, test } from "node:test";
import { runInNewContext } from "node:vm";
import { onFaults } from "#cli/serving/faults.js";

let process: EventEmitter;

beforeEach(() => {
  process = new EventEmitter();
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

test("what cannot be read is a fault like any other", () => {
  const lines: { err: Error }[] = [];
  let stops = 0;
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  const log = { fatal: (fields: object) => lines.push(fields as { err: Error }), warn: () => {} };
  onFaults(process, log, () => stops++);
  process.emit("uncaughtException", proxy);
  process.emit("unhandledRejection", { toString: () => assert.fail() });
  assert.deepEqual(
    lines.map(({ err }) => err.message),
    Array.from({ length: 2 }, () => "what was thrown cannot be shown"),
  );
  assert.equal(stops, 2);
});

test("an error stays what it is, whatever made it", () => {
  const errors = [new RangeError("ours"), new DOMException("an abort", "AbortError"), runInNewContext("new Error()")];
  const found: unknown[] = [];
  onFaults(process, { fatal: (fields) => found.push((fields as { err: Error }).err), warn: () => {} }, () => {});
  for (const error of errors) process.emit("uncaughtException", error);
  assert.equal(found.length, errors.length);
  for (const [at, error] of errors.entries()) assert.ok(found[at] === error, String(error));
});

test("a warning of Node's is a line of the log", () => {
  const lines: unknown[] = [];
  process.on("warning", () => assert.fail("Node's own listener"));
  const log = { fatal: () => {}, warn: (fields: object, message: string) => lines.push([fields, message]) };
  onFaults(process, log, () => assert.fail());
  process.emit("warning", new RangeError("careful"));
  assert.deepEqual(lines, [[{ event: "process-warning", name: "RangeError" }, "careful"]]);
});
