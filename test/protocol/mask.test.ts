import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { mask, maskTo, readBuffer } from "#hawser/protocol/mask.js";
import { payloadOf } from "./harness/recorder.js";

/** RFC 6455 5.3, word for word: transformed-octet-i = original-octet-i XOR masking-key-octet-(i MOD 4). */
function plainly(payload: Uint8Array, key: Uint8Array, phase: number): Buffer {
  return Buffer.from(payload.map((byte, i) => byte ^ key[(i + phase) % 4]!));
}

function asInteger(key: Uint8Array): number {
  return Buffer.from(key).readInt32LE(0);
}

/** Checks one call, with the bytes at `alignment` in memory, and that it keeps to them. */
function check(payload: Buffer, key: Buffer, phase: number, alignment: number): void {
  const memory = Buffer.alloc(alignment + payload.length + 8, 0xaa);
  payload.copy(memory, alignment);
  const result = mask(memory, alignment, alignment + payload.length, asInteger(key), phase);
  const expected = plainly(payload, key, phase);
  const where = `length ${payload.length}, phase ${phase}, alignment ${alignment}, key ${key.toString("hex")}`;
  assert.ok(memory.subarray(alignment, alignment + payload.length).equals(expected), where);
  assert.ok(
    memory.subarray(0, alignment).every((byte) => byte === 0xaa),
    `before: ${where}`,
  );
  assert.ok(
    memory.subarray(alignment + payload.length).every((byte) => byte === 0xaa),
    `after: ${where}`,
  );
  if (expected.some((byte) => byte >= 0x80)) assert.ok(result >= 0x80, `not ASCII: ${where}`);
}

const KEYS = ["00000000", "37fa213d", "01020304", "ffffffff", "80000080", "000000ff"].map((key) =>
  Buffer.from(key, "hex"),
);

describe("mask", () => {
  it("gives the example of RFC 6455 5.7", () => {
    const bytes = Buffer.from("7f9f4d5158", "hex");
    mask(bytes, 0, 5, asInteger(Buffer.from("37fa213d", "hex")), 0);
    assert.equal(bytes.toString(), "Hello");
  });

  it("is the plain byte loop at every length to 300, phase and alignment", () => {
    for (let length = 0; length <= 300; length++) {
      const payload = payloadOf(length);
      for (let phase = 0; phase < 4; phase++)
        for (let alignment = 0; alignment < 8; alignment++)
          check(payload, KEYS[1 + ((length + phase + alignment) % 5)]!, phase, alignment);
    }
  });

  it("takes every key, and large payloads", () => {
    for (const length of [127, 128, 129, 1023, 4096, 65_537, 1 << 20])
      for (const [index, key] of KEYS.entries()) check(payloadOf(length), key, index + 5, index % 4);
  });

  it("takes a phase past 32 bits", () => {
    check(payloadOf(200), KEYS[2]!, 2 ** 33 + 3, 1);
    check(payloadOf(20), KEYS[2]!, 2 ** 31 + 2, 0);
  });

  it("minds where a Buffer begins in its memory", () => {
    const payload = payloadOf(500);
    for (let offset = 0; offset < 8; offset++) {
      const bytes = Buffer.from(new ArrayBuffer(600), offset, 510);
      payload.copy(bytes, 3);
      mask(bytes, 3, 503, asInteger(KEYS[1]!), 1);
      assert.ok(bytes.subarray(3, 503).equals(plainly(payload, KEYS[1]!, 1)), `offset ${offset}`);
    }
  });

  it("done part by part is the same as at once", () => {
    const payload = payloadOf(1000);
    const key = asInteger(KEYS[1]!);
    for (let cut = 0; cut <= 1000; cut += 7) {
      const bytes = Buffer.from(payload);
      mask(bytes, 0, cut, key, 0);
      mask(bytes, cut, 1000, key, cut);
      assert.ok(bytes.equals(plainly(payload, KEYS[1]!, 0)), `cut at ${cut}`);
    }
  });

  it("done twice leaves all as it was", () => {
    const payload = payloadOf(333);
    const bytes = Buffer.from(payload);
    for (let turn = 0; turn < 2; turn++) mask(bytes, 0, 333, -1_234_567, 2);
    assert.ok(bytes.equals(payload));
  });

  it("tells a short text of ASCII from any other, wherever the other byte is", () => {
    for (let length = 0; length < 128; length++) {
      const text = plainly(Buffer.alloc(length, 0x61), KEYS[1]!, 0);
      assert.ok(mask(Buffer.from(text), 0, length, asInteger(KEYS[1]!), 0) < 0x80, `length ${length}`);
      for (let at = 0; at < length; at++) {
        const bytes = Buffer.from(text);
        bytes[at]! ^= 0x80;
        assert.ok(mask(bytes, 0, length, asInteger(KEYS[1]!), 0) >= 0x80, `length ${length}, byte ${at}`);
      }
    }
  });

  it("tells a long text of ASCII from any other as well", () => {
    for (const length of [1024, 1039, 1040, 16_384 + 5, 40_000]) {
      const text = plainly(Buffer.alloc(length, 0x61), KEYS[1]!, 0);
      assert.equal(mask(Buffer.from(text), 0, length, asInteger(KEYS[1]!), 0), 0, `length ${length}`);
      for (const at of [0, 15, 16, 1000, length - 17, length - 16, length - 1]) {
        const bytes = Buffer.from(text);
        bytes[at]! ^= 0x80;
        assert.ok(mask(bytes, 0, length, asInteger(KEYS[1]!), 0) >= 0x80, `length ${length}, byte ${at}`);
      }
    }
  });
});

describe("maskTo", () => {
  it("leaves the source alone and writes nothing around its target, at every length and alignment", () => {
    for (const length of [0, 1, 2, 3, 4, 15, 16, 17, 100, 1023, 1024, 1025, 1050, 16_400, 33_000]) {
      const payload = payloadOf(length);
      for (let alignment = 0; alignment < 5; alignment++) {
        const source = Buffer.concat([Buffer.alloc(alignment, 0x11), payload, Buffer.alloc(3, 0x22)]);
        const before = Buffer.from(source);
        const target = Buffer.alloc(length + 12, 0xaa);
        const at = 4 - alignment;
        maskTo(source, alignment, alignment + length, asInteger(KEYS[1]!), 5, target, at);
        const where = `length ${length}, alignment ${alignment}`;
        assert.ok(source.equals(before), where);
        assert.ok(target.subarray(at, at + length).equals(plainly(payload, KEYS[1]!, 5)), where);
        assert.ok(target.subarray(0, at).equals(Buffer.alloc(at, 0xaa)), where);
        assert.ok(
          target.subarray(at + length).every((byte) => byte === 0xaa),
          where,
        );
      }
    }
  });

  it("takes what sockets have read from where it is", () => {
    const source = readBuffer();
    for (const length of [16, 1023, 1024, 1050, 33_000, 65_536, source.length - 3]) {
      const payload = payloadOf(length);
      for (let start = 0; start < 4; start++) {
        source.fill(0x11).set(payload.subarray(0, source.length - start), start);
        const before = Buffer.from(source);
        const target = Buffer.alloc(length + 2, 0xaa);
        maskTo(source, start, start + length, asInteger(KEYS[1]!), 2, target, 1);
        const where = `length ${length} from ${start}`;
        assert.ok(source.equals(before), where);
        assert.ok(target.subarray(1, length + 1).equals(plainly(payload, KEYS[1]!, 2)), where);
        assert.ok(target[0] === 0xaa && target[length + 1] === 0xaa, where);
      }
    }
  });

  it("is a copy with a key of 0", () => {
    for (const length of [0, 7, 500, 5000]) {
      const target = Buffer.alloc(length);
      maskTo(payloadOf(length), 0, length, 0, 3, target, 0);
      assert.ok(target.equals(payloadOf(length)));
    }
  });
});
