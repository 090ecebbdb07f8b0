import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { headerLength } from "#hawser/protocol/encoder.js";
import { PayloadMemory } from "#hawser/protocol/payload-memory.js";

describe("PayloadMemory", () => {
  it("gives each payload bytes of its own, with room for a header before them", () => {
    const memory = new PayloadMemory();
    const taken: { bytes: Buffer; from: number; to: number }[] = [];
    for (let i = 0; i < 500; i++) {
      const length = (i * 37) % 200;
      const at = memory.reserve(length);
      taken.push({ bytes: memory.bytes, from: at - headerLength(length), to: at + length });
    }
    for (const { bytes, from, to } of taken) {
      assert.ok(from >= 0 && to <= bytes.length);
      assert.equal(
        taken.filter((other) => other.bytes === bytes && other.from < to && from < other.to).length <= 1,
        true,
      );
    }
  });

  it("puts short ones behind one another, each right after the one before", () => {
    const memory = new PayloadMemory();
    const first = memory.reserve(10);
    assert.equal(memory.reserve(10), first + 10 + headerLength(10));
    assert.equal(memory.reserve(200), first + 20 + headerLength(10) + headerLength(200));
  });

  it("keeps no more than 16 KiB alive for a short one, and for a long one little more than itself", () => {
    const memory = new PayloadMemory();
    for (const length of [0, 1, 4095]) {
      memory.reserve(length);
      assert.ok(memory.bytes.buffer.byteLength <= 16 * 1024);
    }
    for (const length of [4096, 65_536, 1_000_000]) {
      memory.reserve(length);
      assert.ok(memory.bytes.buffer.byteLength <= length + 10);
    }
  });

  it("goes on in its slab after a long one", () => {
    const memory = new PayloadMemory();
    memory.reserve(10);
    const slab = memory.bytes;
    memory.reserve(10_000);
    assert.notEqual(memory.bytes, slab);
    memory.reserve(10);
    assert.equal(memory.bytes, slab);
  });
});
