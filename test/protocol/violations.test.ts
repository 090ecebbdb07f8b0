import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isValidCloseCode } from "#hawser/protocol/close-codes.js";
import { type ViolationName, violation, violations } from "#hawser/protocol/violations.js";

/** Each name with its close code, written out once more: others read them in logs and documents. */
const CODES: Record<ViolationName, number> = {
  "reserved-bits": 1002,
  "reserved-opcode": 1002,
  "unmasked-frame": 1002,
  "masked-frame": 1002,
  "fragmented-control": 1002,
  "control-too-long": 1002,
  "non-minimal-length": 1002,
  "invalid-length": 1002,
  "unexpected-continuation": 1002,
  "expected-continuation": 1002,
  "invalid-close-payload": 1002,
  "invalid-close-code": 1002,
  "invalid-utf8": 1007,
  "invalid-compressed-data": 1007,
  "message-too-big": 1009,
  "too-many-empty-fragments": 1008,
};

const names = Object.keys(violations) as ViolationName[];

describe("violations", () => {
  it("answers each with the close code that the RFC gives it", () => {
    assert.deepEqual(Object.fromEntries(names.map((name) => [name, violation(name).code])), CODES);
  });

  for (const name of names) {
    it(`${name}: says its name, and a reason that a close frame can carry`, () => {
      const { name: said, code, reason } = violation(name);
      assert.equal(said, name);
      assert.ok(isValidCloseCode(code));
      assert.ok(reason.length > 0);
      // RFC 6455 5.5: 125 bytes, two of them for the code.
      assert.ok(Buffer.byteLength(reason) <= 123, reason);
    });
  }

  it("gives each a reason of its own", () => {
    assert.equal(new Set(names.map((name) => violation(name).reason)).size, names.length);
  });
});
