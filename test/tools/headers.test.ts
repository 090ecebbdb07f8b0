import assert from "node:assert/strict";
import { test } from "node:test";
import { isSubprotocol, parseHeader } from "#cli/tools/headers.js";

test("a header is a name and a value", () => {
  assert.deepEqual(parseHeader("X-One: a: b"), ["X-One", "a: b"]);
  assert.deepEqual(parseHeader("Cookie:a=1; b=2"), ["Cookie", "a=1; b=2"]);
  assert.deepEqual(parseHeader("X-Empty:"), ["X-Empty", ""]);
});

test("and no second one, and none of the handshake's own", () => {
  const wrong = [
    "",
    "x",
    ": x",
    "A B: c",
    "X: a\r\nY: b",
    "X: a\nb",
    "Upgrade: x",
    "sec-websocket-key: x",
    "X: \u001b",
  ];
  for (const text of wrong) assert.equal(parseHeader(text), null, text);
});

test("a subprotocol is a token", () => {
  assert.deepEqual(["chat", "v1.json", "", "a b", "a,b"].map(isSubprotocol), [true, true, false, false, false]);
});
