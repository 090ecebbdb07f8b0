import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isToken, isWord, parseTokenList, splitList, trimWhitespace } from "#hawser/protocol/tokens.js";

describe("isToken", () => {
  it("takes the visible ASCII characters that delimit nothing, RFC 7230 3.2.6, and no other", () => {
    const tokens = Array.from({ length: 0x200 }, (_, code) => String.fromCharCode(code)).filter(isToken);
    assert.equal(tokens.join(""), "!#$%&'*+-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ^_`abcdefghijklmnopqrstuvwxyz|~");
  });

  it("looks at every character", () => {
    assert.equal(isToken("chat.v2"), true);
    for (const text of ["", " chat", "chat ", "chat\n", "a b", "a,b", "naïve"])
      assert.equal(isToken(text), false, text);
  });
});

describe("lists", () => {
  const rows: Array<[header: string, elements: string[], tokens: string[] | null]> = [
    ["chat", ["chat"], ["chat"]],
    ["chat, superchat", ["chat", "superchat"], ["chat", "superchat"]],
    ["a,b\t,\t c", ["a", "b", "c"], ["a", "b", "c"]],
    [", a,, ,b,", ["a", "b"], ["a", "b"]],
    ["HTTP/2.0, websocket", ["HTTP/2.0", "websocket"], null],
    ["a b", ["a b"], null],
    ["a\u00a0", ["a\u00a0"], null],
    ["", [], null],
    [" , ,", [], null],
  ];
  for (const [header, elements, tokens] of rows) {
    it(JSON.stringify(header), () => {
      assert.deepEqual(splitList(header), elements);
      assert.deepEqual(parseTokenList(header), tokens);
    });
  }
});

it("isWord minds the case of ASCII letters alone", () => {
  for (const text of ["websocket", "WebSocket", "WEBSOCKET"]) assert.ok(isWord(text, "websocket"), text);
  for (const text of ["", "websocke", "websockets", "web-ocket", "web\u0153ocket", "websoc\u212aet", "\u0130ebsocket"])
    assert.ok(!isWord(text, "websocket"), text);
  assert.ok(isWord("Sec-WebSocket-Key", "sec-websocket-key"));
  // Those that have the bit of upper case and are no letters.
  assert.ok(!isWord("sec\rwebsocket-key", "sec-websocket-key"));
  for (const [text, word] of ["@`", "[{"] as const) assert.ok(!isWord(text!, word!), text);
});

it("trimWhitespace cuts spaces and tabs alone", () => {
  assert.equal(trimWhitespace(" \t a b\t "), "a b");
  assert.equal(trimWhitespace("\u00a0a\r"), "\u00a0a\r");
  assert.equal(trimWhitespace("  "), "");
});
