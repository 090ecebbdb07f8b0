// How the audit reads a log.

import assert from "node:assert/strict";
import { test } from "node:test";

import { clientName, fieldsOf, isError } from "#cli/audit/log-lines.js";
import { cpuMs } from "../harness/cpu-time.js";

test("JSON and logfmt are structured, and text is not", () => {
  assert.deepEqual(fieldsOf('{"level":30,"msg":"x"}'), { level: 30, msg: "x" });
  assert.deepEqual(fieldsOf('level=info msg="a client came" id=7'), { level: "info", msg: "a client came", id: "7" });
  for (const text of ["client connected", "[info] client 7 connected", "{ id: 7 }", "id=7", "a=1 and so on", ""])
    assert.equal(fieldsOf(text), undefined, text);
});

test("a line takes time by its length, whatever could be a field in it", () => {
  for (const line of [
    `${"a=".repeat(32)}"`,
    `a="${'\\"'.repeat(20_000)}`,
    "a=b ".repeat(20_000) + '"',
    "a".repeat(50_000),
  ]) {
    const ms = cpuMs(() => assert.equal(fieldsOf(line), undefined));
    assert.ok(ms < 500, `${ms} ms for ${line.slice(0, 20)}`);
  }
});

test("the level error, as the common loggers write it", () => {
  for (const line of [
    '{"level":50}',
    '{"level":"error"}',
    '{"severity":"CRITICAL"}',
    "level=fatal msg=x",
    "ERROR: lost",
    "[error] lost",
    "TypeError: x is undefined",
  ])
    assert.ok(isError(line), line);
  for (const line of [
    '{"level":40}',
    '{"level":"info","error":null}',
    "level=warn msg=error",
    "client 7 closed",
    "0 errors",
  ])
    assert.ok(!isError(line), line);
});

test("the name of a client", () => {
  assert.equal(clientName('{"event":"connect","id":"a-1","pid":7}'), "a-1");
  assert.equal(clientName('{"clientId":12}'), "12");
  assert.equal(clientName("event=connect conn=7"), "7");
  assert.equal(clientName('{"event":"connect","address":"::1"}'), undefined);
  assert.equal(clientName("id: 7"), undefined);
});
