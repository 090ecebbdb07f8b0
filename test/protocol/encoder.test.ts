import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  encodeClose,
  encodeFrame,
  encodePing,
  encodePong,
  MAX_HEADER,
  payloadLength,
  writeFrame,
  writeHeaderBefore,
} from "#hawser/protocol/encoder.js";
import { BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT } from "#hawser/protocol/opcodes.js";
import { encodeFrame as plainFrame } from "../harness/frames.js";
import { hex } from "./harness/recorder.js";

const KEY = Buffer.from("37fa213d", "hex");
const HIGH_KEY = Buffer.from("000000ff", "hex");

describe("encodeFrame", () => {
  const rows: Array<[says: string, frame: Buffer, expected: string]> = [
    ["RFC 6455 5.7: unmasked text", encodeFrame(TEXT, "Hello"), "8105 48656c6c6f"],
    ["masked text", encodeFrame(TEXT, "Hello", { maskingKey: KEY.readInt32LE(0) }), "8185 37fa213d 7f9f4d5158"],
    [
      "the same key as an unsigned number",
      encodeFrame(TEXT, "Hello", { maskingKey: KEY.readUInt32LE(0) }),
      "8185 37fa213d 7f9f4d5158",
    ],
    ["a key of zero masks, too", encodeFrame(TEXT, "Hello", { maskingKey: 0 }), "8185 00000000 48656c6c6f"],
    ["a first fragment", encodeFrame(TEXT, "Hel", { more: true }), "0103 48656c"],
    ["a last fragment", encodeFrame(CONTINUATION, "lo"), "8002 6c6f"],
    ["a ping", encodeFrame(PING, "Hello"), "8905 48656c6c6f"],
    ["a pong, masked", encodeFrame(PONG, "Hello", { maskingKey: KEY.readInt32LE(0) }), "8a85 37fa213d 7f9f4d5158"],
    [
      "RFC 7692 7.2.3.1: compressed",
      encodeFrame(TEXT, hex("f248cdc9c90700"), { compressed: true }),
      "c107 f248cdc9c90700",
    ],
    ["compressed, first fragment", encodeFrame(TEXT, hex("f248cd"), { compressed: true, more: true }), "4103 f248cd"],
    ["empty", encodeFrame(BINARY, Buffer.alloc(0)), "8200"],
    ["empty text, masked", encodeFrame(TEXT, "", { maskingKey: KEY.readInt32LE(0) }), "8180 37fa213d"],
    ["text past ASCII", encodeFrame(TEXT, "é€👋"), "8109 c3a9 e282ac f09f918b"],
    ["text of Latin-1 alone", encodeFrame(TEXT, "ÿ"), "8102 c3bf"],
    ["half a surrogate pair is replaced, as WHATWG's encoder does", encodeFrame(TEXT, "a\ud83d"), "8104 61 efbfbd"],
    ["encodePing", encodePing(hex("0102")), "8902 0102"],
    ["encodePong", encodePong(hex("0102")), "8a02 0102"],
    ["encodeClose", encodeClose(1001, "bye"), "8805 03e9 627965"],
    ["encodeClose without a body", encodeClose(1005, "bye"), "8800"],
    ["encodeClose, masked", encodeClose(1000, "", { maskingKey: KEY.readInt32LE(0) }), "8882 37fa213d 3412"],
  ];
  for (const [says, frame, expected] of rows) {
    it(`${says}: ${expected}`, () => {
      assert.equal(frame.toString("hex"), expected.replaceAll(" ", ""));
    });
  }

  const lengths: Array<[length: number, header: string]> = [
    [0, "8200"],
    [1, "8201"],
    [125, "827d"],
    [126, "827e007e"],
    [127, "827e007f"],
    [128, "827e0080"],
    [65_535, "827effff"],
    [65_536, "827f0000000000010000"],
    [65_537, "827f0000000000010001"],
    [3 << 20, "827f0000000000300000"],
  ];
  for (const [length, header] of lengths) {
    describe(`a payload of ${length} bytes`, () => {
      const payload = Buffer.from(Uint8Array.from({ length }, (_, i) => i * 7 + (i >> 8)));

      it("has a length that takes as few bytes as it can", () => {
        const frame = encodeFrame(BINARY, payload);
        assert.equal(frame.toString("hex", 0, frame.length - length), header);
        assert.ok(frame.subarray(header.length / 2).equals(payload));
      });

      it("is what a plain encoder makes of it, for every opcode and key", () => {
        for (const key of [KEY, HIGH_KEY]) {
          for (const more of [false, true]) {
            const frame = encodeFrame(BINARY, payload, { more, maskingKey: key.readInt32LE(0) });
            assert.ok(frame.equals(plainFrame({ opcode: BINARY, payload, fin: !more, mask: key })));
          }
        }
        if (length > 125) return;
        for (const opcode of [TEXT, CLOSE, PING, PONG] as const)
          assert.ok(encodeFrame(opcode, payload).equals(plainFrame({ opcode, payload, mask: false })));
      });

      it("is left as it was", () => {
        const before = Buffer.from(payload);
        encodeFrame(BINARY, payload, { maskingKey: 0x01020304 });
        assert.ok(payload.equals(before));
      });

      it("as text of any width", () => {
        for (const text of ["x".repeat(length), "é".repeat(length >> 1), "👋".repeat(length >> 2)])
          assert.ok(encodeFrame(TEXT, text).equals(plainFrame({ opcode: TEXT, payload: text, mask: false })));
      });

      it("can be told from the frame", () => {
        assert.equal(payloadLength(encodeFrame(BINARY, payload)), length);
      });
    });
  }

  it("as long text, whatever stands in it, and wherever", () => {
    for (const odd of ["é", "€", "👋", "\ud800", "é".repeat(600), ""]) {
      for (const length of [1022, 1023, 1024, 1025, 65_534, 65_535, 65_536]) {
        for (const at of [0, 500, length - 2, length - 1, length]) {
          const text = "x".repeat(at) + odd + "x".repeat(length - at);
          const payload = Buffer.from(text);
          assert.ok(encodeFrame(TEXT, text).equals(plainFrame({ opcode: TEXT, payload, mask: false })));
          const maskingKey = KEY.readInt32LE(0);
          assert.ok(encodeFrame(TEXT, text, { maskingKey }).equals(plainFrame({ opcode: TEXT, payload, mask: KEY })));
        }
      }
    }
  });

  it("takes a view of any memory", () => {
    const memory = new Uint8Array(20).fill(0xee);
    memory.set([1, 2, 3], 5);
    assert.equal(encodeFrame(BINARY, memory.subarray(5, 8)).toString("hex"), "8203010203");
  });
});

describe("writeFrame", () => {
  for (const length of [0, 1, 2, 3, 4, 7, 125, 126, 127, 128, 129, 255, 256, 257, 65_535, 65_536]) {
    it(`writes a payload of ${length} bytes as encodeFrame does, and nothing around it`, () => {
      const bytes = Buffer.from(Uint8Array.from({ length: length + 5 }, (_, i) => i * 7 + (i >> 8)));
      for (const opcode of [TEXT, BINARY, PONG] as const) {
        for (const at of [0, 1, 7]) {
          const target = Buffer.alloc(at + length + MAX_HEADER + 3, 0xee);
          const expected = encodeFrame(opcode, bytes.subarray(3, 3 + length));
          const end = writeFrame(target, wordsOf(target), at, opcode, bytes, 3, 3 + length);
          assert.equal(end, at + expected.length);
          assert.ok(target.subarray(at, end).equals(expected));
          assert.ok(target.subarray(0, at).every((byte) => byte === 0xee));
          assert.ok(target.subarray(end).every((byte) => byte === 0xee));
        }
      }
    });
  }

  it("needs no more room than it says", () => {
    const target = Buffer.alloc(65_536 + MAX_HEADER);
    assert.equal(writeFrame(target, wordsOf(target), 0, BINARY, Buffer.alloc(65_536), 0, 65_536), target.length);
  });
});

function wordsOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

describe("writeHeaderBefore", () => {
  for (const [length, header] of [
    [0, 2],
    [125, 2],
    [126, 4],
    [65_535, 4],
    [65_536, 10],
  ] as const) {
    it(`writes the header of ${length} bytes right before them, and nothing else`, () => {
      const payload = Buffer.from(Uint8Array.from({ length }, (_, i) => i * 7));
      const bytes = Buffer.concat([Buffer.alloc(header + 3, 0xee), payload, Buffer.alloc(3, 0xee)]);
      assert.equal(writeHeaderBefore(BINARY, bytes, header + 3, header + 3 + length), 3);
      assert.ok(bytes.subarray(3, -3).equals(encodeFrame(BINARY, payload)));
      assert.ok(bytes.subarray(0, 3).every((byte) => byte === 0xee));
      assert.ok(bytes.subarray(-3).every((byte) => byte === 0xee));
    });

    it(`leaves ${length} bytes alone when there is no room before them`, () => {
      const bytes = Buffer.alloc(header - 1 + length, 0xee);
      assert.equal(writeHeaderBefore(BINARY, bytes, header - 1, bytes.length), -1);
      assert.ok(bytes.every((byte) => byte === 0xee));
    });
  }
});
