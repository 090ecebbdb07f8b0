import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Assembly } from "#hawser/protocol/assembly.js";

const MIB = 1024 * 1024;

function content(assembly: Assembly): string {
  return assembly.bytes.toString("latin1", 0, assembly.length);
}

describe("Assembly", () => {
  it("begins with nothing", () => {
    const assembly = new Assembly(true, false);
    assert.equal(assembly.length, 0);
    assert.equal(assembly.bytes.length, 0);
    assembly.append(Buffer.alloc(0), 0, 0, Infinity);
    assert.equal(assembly.bytes.length, 0);
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
          assert.ok(assembly.bytes.length <= Math.max(256, 2 * come), `${come} of ${declared} in pieces of ${size}`);
          assert.equal(assembly.length, come);
        }
      }
    }
  });

  it("sets aside no more than the message can bring", () => {
    const assembly = new Assembly(true, false);
    assembly.append(Buffer.alloc(60), 0, 60, 100);
    assert.equal(assembly.bytes.length, 100);
    assembly.append(Buffer.alloc(40), 0, 40, 40);
    assert.equal(assembly.bytes.length, 100, "it fits");
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
        const before = assembly.bytes;
        assembly.append(chunk, 0, 64, expected(come));
        if (assembly.bytes !== before) moves++;
      }
      assert.equal(assembly.length, 4 * MIB);
      assert.ok(moves <= 16, `${moves} moves`);
      assert.ok(assembly.bytes.subarray(0, assembly.length).every((byte) => byte === 0x61));
    });
  }
});
