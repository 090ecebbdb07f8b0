// The log as people read it, and as machines do.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";

import { prettyLine } from "#cli/log/pretty-line.js";
import { welcome } from "#cli/serving/welcome.js";
import { projectRoot } from "../harness/root.js";
import { serve } from "../harness/server.js";

const pretty = prettyLine({ colors: false });

function shown(fields: object): string {
  return pretty(JSON.stringify({ level: "info", time: "2026-11-23T12:00:01.000Z", ...fields }));
}

test("one line for each event: its name and its fields", () => {
  const line = shown({
    event: "connect",
    id: "a-b",
    address: "::1",
    subprotocol: "",
    rttMs: null,
    clients: 1,
    msg: "client connected",
  });
  assert.match(line, /^\[\d\d:\d\d:\d\d\] INFO: connect id=a-b address=::1 clients=1\n$/);
});

test("a warning has its words as well", () => {
  assert.match(
    shown({ level: "warn", event: "refused", status: 403, msg: "handshake refused" }),
    /WARN: refused status=403 handshake refused\n$/,
  );
});

test("what strangers wrote cannot reach the terminal as a control sequence", () => {
  const line = shown({ event: "disconnect", reason: "\u001b[2J\u009b31m\nforged\u2028line", msg: "" });
  assert.doesNotMatch(line.trimEnd(), /[\p{Cc}\u2028]/u);
  assert.match(line, /reason="\\u001b\[2J\\u009b31m\\nforged\\u2028line"\n$/);
});

test("what the command itself logs is safe to show as well, and as JSON the same text", () => {
  const text = "a\u009b31m\u202e\u007f\u2028b";
  const script = `
    import { openLog } from "./packages/cli/dist/log/log.js";
    const [format, text] = process.argv.slice(1);
    const log = openLog("info", format);
    log.logger.fatal({ event: "fault", text, err: new Error(text) }, text);
    await log.flush();`;
  for (const format of ["json", "pretty"]) {
    const args = ["--input-type=module", "--eval", script, format, text];
    const output = execFileSync(process.execPath, args, { cwd: projectRoot, encoding: "utf8" });
    assert.doesNotMatch(output, /[^\n\P{Cc}]|[\u202e\u2028]/u, JSON.stringify(output));
    if (format === "json") assert.equal((JSON.parse(output) as { text: string }).text, text);
  }
});

test("what the library has made safe already is not escaped twice", () => {
  assert.match(shown({ event: "disconnect", reason: "\\u202eabc d", msg: "" }), /reason="\\u202eabc d"\n$/);
});

test("a fault comes with its stack, indented", () => {
  const err = { type: "Error", message: "a bug", stack: "Error: a bug\n    at here" };
  assert.match(
    shown({ level: "fatal", event: "fault", err, msg: "shutting down" }),
    /fault shutting down\n {4}Error: a bug\n {8}at here\n$/,
  );
});

test("where to look", () => {
  const own = { host: "", port: 0, echo: false, page: true, logFormat: "auto" } as const;
  assert.equal(
    welcome("ws://127.0.0.1:8080/", own, undefined),
    "Hawser serves rooms on ws://localhost:8080/ - open http://localhost:8080/lobby in two tabs",
  );
  assert.equal(
    welcome("wss://[::]:8443/chat", { ...own, echo: true }, "/chat"),
    "Hawser sends back what you send to wss://localhost:8443/chat - open https://localhost:8443/chat and try",
  );
  assert.equal(
    welcome("ws://example.com:80/", { ...own, page: false }, undefined),
    "Hawser serves rooms on ws://example.com/",
  );
});

test("JSON lines: level in words, ISO time, event; --log-level and --log-format", async (t) => {
  const server = await serve([]);
  t.after(() => server.stop());
  const line = await server.waitForEvent("listening");
  assert.deepEqual(Object.keys(line), ["level", "time", "event", "url", "host", "port", "sockets", "msg"]);
  assert.equal(line.level, "info");
  assert.match(String(line.time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  await server.stop();
  assert.deepEqual(server.strayLines, []);
});
