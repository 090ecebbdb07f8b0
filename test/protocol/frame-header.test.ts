/** The pieces of a frame's header, RFC 6455 5.2. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { headerFault, lengthBytes, lengthFault, maskingKey, payloadLength } from "#hawser/protocol/frame-header.js";

describe("the first two bytes", () => {
  const server = { expectsMask: true, isDeflateAgreed: false, isInMessage: false };
  const rows: [what: string, hex: string, state: Partial<typeof server>, fault: string | null][] = [
    ["a text", "8180", {}, null],
    ["a text without a mask", "8100", {}, "unmasked-frame"],
    ["a text of a server", "8100", { expectsMask: false }, null],
    ["a masked text of a server", "8180", { expectsMask: false }, "masked-frame"],
    ["RSV1", "c180", {}, "reserved-bits"],
    ["RSV1 where deflate was agreed on", "c180", { isDeflateAgreed: true }, null],
    ["RSV1 and RSV2", "e180", { isDeflateAgreed: true }, "reserved-bits"],
    ["RSV1 on a continuation", "c080", { isDeflateAgreed: true, isInMessage: true }, "reserved-bits"],
    ["RSV1 on a ping", "c980", { isDeflateAgreed: true }, "reserved-bits"],
    ["opcode 3", "8380", {}, "reserved-opcode"],
    ["opcode 11", "8b80", {}, "reserved-opcode"],
    ["a continuation of nothing", "8080", {}, "unexpected-continuation"],
    ["a continuation", "8080", { isInMessage: true }, null],
    ["a message within another", "8180", { isInMessage: true }, "expected-continuation"],
    ["a ping within a message", "8980", { isInMessage: true }, null],
    ["a ping in fragments", "0980", {}, "fragmented-control"],
    ["a ping of 125 bytes", "89fd", {}, null],
    ["a ping of more", "89fe", {}, "control-too-long"],
  ];
  for (const [what, hex, state, fault] of rows) {
    it(`${what}: ${fault}`, () => {
      const [first, second] = Buffer.from(hex, "hex");
      const { expectsMask, isDeflateAgreed, isInMessage } = { ...server, ...state };
      assert.equal(headerFault(first!, second!, expectsMask, isDeflateAgreed, isInMessage), fault);
    });
  }
});

describe("the length", () => {
  const rows: [hex: string, length: number, bytes: number, fault: string | null][] = [
    ["8100", 0, 0, null],
    ["81fd", 125, 0, null],
    ["817e007e", 126, 2, null],
    ["817e007d", 125, 2, "non-minimal-length"],
    ["81feffff", 65_535, 2, null],
    ["817f0000000000010000", 65_536, 8, null],
    ["817f000000000000ffff", 65_535, 8, "non-minimal-length"],
    ["817f0000000100000001", 0x1_0000_0001, 8, null],
    ["817f7fffffffffffffff", 2 ** 63, 8, null],
    ["817f8000000000000000", 2 ** 63, 8, "invalid-length"],
  ];
  for (const [hex, length, bytes, fault] of rows) {
    it(`${hex}: ${length} ${fault ?? ""}`, () => {
      const header = Buffer.from(`ff${hex}`, "hex");
      assert.deepEqual(
        [payloadLength(header, 1), lengthBytes(header[2]!), lengthFault(header, 1, length)],
        [length, bytes, fault],
      );
    });
  }
});

it("the masking key has its first byte lowest", () => {
  assert.equal(maskingKey(Buffer.from("0001020304", "hex"), 1), 0x04030201);
});
