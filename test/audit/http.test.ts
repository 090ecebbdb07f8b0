// The answer to a handshake, as an audit reads it.

import assert from "node:assert/strict";
import { test } from "node:test";

import { readResponse } from "#cli/audit/http.js";

const FINAL = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nX-A: 1\r\nx-a: 2\r\n\r\n";
const read = (text: string): ReturnType<typeof readResponse> => readResponse(Buffer.from(text, "latin1"));

test("interim answers before the final one are skipped, wherever the bytes are cut", () => {
  const text = `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n${FINAL}`;
  for (let cut = 0; cut < text.length; cut++) assert.equal(read(text.slice(0, cut)), null, text.slice(0, cut));
  const response = read(`${text}rest`);
  assert.equal(response?.status, 101);
  assert.equal(response.headers.get("x-a"), "1, 2");
  assert.equal(response.headers.has("link"), false);
  assert.equal(response.rest.toString(), "rest");
});

test("neither interim answers nor heads without end are waited for", () => {
  assert.equal(read("HTTP/1.1 100 Continue\r\n\r\n".repeat(16)), null);
  assert.equal(read("HTTP/1.1 100 Continue\r\n\r\n".repeat(17)), undefined);
  assert.equal(read(`HTTP/1.1 103 Early Hints\r\nLink: ${"x".repeat(70_000)}`), undefined);
  assert.equal(read(`HTTP/1.1 200 OK\r\nX: ${"x".repeat(70_000)}`), undefined);
  assert.equal(read("HTTP/1.1 100 Continue\r\n\r\nSSH-2.0"), undefined);
});
