import assert from "node:assert/strict";
import { isUtf8 } from "node:buffer";
import { describe, it } from "node:test";
import { CloseCode, closeBody, isValidCloseCode, readCloseBody } from "#hawser/protocol/close-codes.js";
import { hex } from "./harness/recorder.js";

describe("isValidCloseCode", () => {
  it("takes what RFC 6455 7.4 and the IANA registry allow on the wire, and no other number", () => {
    const valid = Array.from({ length: 65_536 }, (_, code) => code).filter(isValidCloseCode);
    const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);
    assert.deepEqual(valid, [...range(1000, 1003), ...range(1007, 1014), ...range(3000, 4999)]);
  });

  it("holds for each name but the two that are never sent", () => {
    for (const [name, code] of Object.entries(CloseCode))
      assert.equal(isValidCloseCode(code), !["noStatus", "abnormal"].includes(name), name);
  });
});

describe("readCloseBody", () => {
  const rows: Array<[body: string, expected: ReturnType<typeof readCloseBody>]> = [
    ["", { code: 1005, reason: "" }],
    ["03e8", { code: 1000, reason: "" }],
    ["03e9 627965", { code: 1001, reason: "bye" }],
    ["0bb8", { code: 3000, reason: "" }],
    ["1387 ceba e1bdb9", { code: 4999, reason: "κ\u1f79" }],
    ["03f1 00", { code: 1009, reason: "\0" }],
    ["03", "invalid-close-payload"],
    ["0000", "invalid-close-code"],
    ["03e7", "invalid-close-code"],
    ["03ec", "invalid-close-code"],
    ["03ed", "invalid-close-code"],
    ["03ee", "invalid-close-code"],
    ["03f7", "invalid-close-code"],
    ["0bb7", "invalid-close-code"],
    ["1388", "invalid-close-code"],
    ["ffff", "invalid-close-code"],
    ["03ee ff", "invalid-close-code"],
    ["03e8 ff", "invalid-utf8"],
    ["03e8 c3", "invalid-utf8"],
    ["03e8 eda080", "invalid-utf8"],
  ];
  for (const [body, expected] of rows) {
    it(`${body === "" ? "nothing" : body}: ${JSON.stringify(expected)}`, () => {
      assert.deepEqual(readCloseBody(hex(body)), expected);
    });
  }

  it("reads any Uint8Array, where it lies in its memory", () => {
    const memory = Uint8Array.from([0xff, 0x03, 0xe8, 0x6f, 0x6b, 0xff]);
    assert.deepEqual(readCloseBody(memory.subarray(1, 5)), { code: 1000, reason: "ok" });
  });
});

describe("closeBody", () => {
  it("is what readCloseBody reads", () => {
    for (const code of [1000, 1001, 1011, 3000, 4999])
      for (const reason of ["", "bye", "κόσμε", "👋"])
        assert.deepEqual(readCloseBody(closeBody(code, reason)), { code, reason });
  });

  it("is empty for 1005, which is never sent", () => {
    assert.equal(closeBody(1005, "not said").length, 0);
    assert.deepEqual(readCloseBody(closeBody(1005, "")), { code: 1005, reason: "" });
  });

  for (const character of ["x", "é", "€", "👋"]) {
    it(`cuts a reason past 123 bytes at a character: ${character}`, () => {
      const size = Buffer.byteLength(character);
      for (let before = 0; before < 8; before++) {
        for (let count = 0; count < 130; count++) {
          const reason = "-".repeat(before) + character.repeat(count);
          const body = closeBody(1000, reason);
          assert.ok(body.length <= 125 && isUtf8(body.subarray(2)));
          const kept = Math.min(count, Math.floor((123 - before) / size));
          assert.equal(body.toString("utf8", 2), "-".repeat(before) + character.repeat(kept));
        }
      }
    });
  }

  it("sends no half of a surrogate pair", () => {
    assert.deepEqual(readCloseBody(closeBody(1000, "a\ud83d")), { code: 1000, reason: "a\ufffd" });
  });
});
