import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { headerLength } from "#hawser/protocol/encoder.js";
import { Assembly } from "#hawser/protocol/assembly.js";

const MIB = 1024 * 1024;

function content(assembly: Assembly): string {
  return assembly.bytes.toString("latin1");
}

describe("Assembly", () => {
  it("begins with nothing", () => {
    const assembly = new Assembly(true, false);
    assert.equal(assembly.length, 0);
    assert.equal(assembly.capacity, 0);
    assembly.append(Buffer.alloc(0), 0, 0, Infinity);
    assert.equal(assembly.capacity, 0);
  });

  it("joins what lies between start and end", () => {
    const assembly = new Assembly(true, false);
    assembly.append(Buffer.from("..Hel.."), 2, 5, 3);
    assembly.append(Buffer.from("lo, world"), 0, 4, Infinity);
    assembly.append(Buffer.from("lo, world"), 4, 9, 5);
    assert.equal(content(assembly), "Hello, world");
  });

  it("keeps its own copy", () => {
    const chunk = Buffer.from("Hello");
    const assembly = new Assembly(true, false);
    assembly.append(chunk, 0, 5, 5);
    chunk.fill(0);
    assert.equal(content(assembly), "Hello");
  });

  it("sets aside at most twice what has come, or 256 bytes, whatever was declared", () => {
    for (const declared of [1000, 70_000, 4 * MIB, Number.MAX_SAFE_INTEGER, Infinity]) {
      for (const size of [1, 100, 999]) {
        const assembly = new Assembly(true, false);
        const chunk = Buffer.alloc(size, 0x61);
        for (let come = size; come <= Math.min(declared, 50_000); come += size) {
          assembly.append(chunk, 0, size, declared - come + size);
          assert.ok(assembly.capacity <= Math.max(256, 2 * come), `${come} of ${declared} in pieces of ${size}`);
          assert.equal(assembly.length, come);
        }
      }
    }
  });

  it("keeps no more than 8 KiB alive for a short message, and for a long one little more than itself", () => {
    for (const length of [1, 256, 257, 2047, 2048, 70_000]) {
      const assembly = new Assembly(true, false);
      assembly.append(Buffer.alloc(length), 0, length, length);
      assert.ok(assembly.memory.buffer.byteLength <= (length < 2048 ? 8192 : length + 10), `${length}`);
    }
  });

  it("leaves room for a header, and the messages that come at the same time alone", () => {
    const lengths = [1, 60, 125, 126, 300, 1000, 2100];
    const assemblies = lengths.map(() => new Assembly(true, false));
    // Each grows while the others do.
    for (let come = 0; come < 2100; come += 50) {
      for (const [i, assembly] of assemblies.entries()) {
        const size = Math.min(50, lengths[i]! - assembly.length);
        assembly.append(Buffer.alloc(size, 0x61 + i), 0, size, lengths[i]! - assembly.length);
        assembly.memory.fill(0xee, assembly.start - headerLength(assembly.length), assembly.start);
      }
    }
    for (const [i, assembly] of assemblies.entries())
      assert.equal(content(assembly), String.fromCharCode(0x61 + i).repeat(lengths[i]!));
  });

  it("sets aside no more than the message can bring", () => {
    const assembly = new Assembly(true, false);
    assembly.append(Buffer.alloc(60), 0, 60, 100);
    assert.equal(assembly.capacity, 100);
    assembly.append(Buffer.alloc(40), 0, 40, 40);
    assert.equal(assembly.capacity, 100, "it fits");
  });

  for (const [says, expected] of [
    ["more frames are to follow", () => Infinity],
    ["one long frame is to come", (come: number) => 4 * MIB - come],
  ] as const) {
    it(`moves 4 MiB in pieces of 64 bytes a few times only: ${says}`, () => {
      const assembly = new Assembly(true, false);
      const chunk = Buffer.alloc(64, 0x61);
      let moves = 0;
      for (let come = 0; come < 4 * MIB; come += 64) {
        const before = assembly.memory;
        assembly.append(chunk, 0, 64, expected(come));
        if (assembly.memory !== before) moves++;
      }
      assert.equal(assembly.length, 4 * MIB);
      assert.ok(moves <= 16, `${moves} moves`);
      assert.ok(assembly.bytes.every((byte) => byte === 0x61));
    });
  }
});
