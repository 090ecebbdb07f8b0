import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { encodeFrame } from "#hawser/protocol/encoder.js";
import { BINARY, TEXT } from "#hawser/protocol/opcodes.js";
import { PayloadMemory } from "#hawser/protocol/payload-memory.js";
import { Scratch } from "#hawser/server/sending/scratch.js";

interface Received {
  bytes: Buffer;
  start: number;
  end: number;
}

/** As the parser puts them: one behind the other. */
function received(memory: PayloadMemory, ...texts: string[]): Received[] {
  return texts.map((text) => {
    const start = memory.reserve(text.length);
    memory.bytes.write(text, start, "latin1");
    return { bytes: memory.bytes, start, end: start + text.length };
  });
}

function frames(...texts: string[]): Buffer {
  return Buffer.concat(texts.map((text) => encodeFrame(TEXT, text)));
}

function add(scratch: Scratch, ...messages: Received[]): void {
  for (const { bytes, start, end } of messages) scratch.addReceived(TEXT, bytes, start, end);
}

const long = "x".repeat(300);

describe("Scratch", () => {
  it("leaves messages that are sent back in order where they lie", () => {
    const memory = new PayloadMemory();
    const scratch = new Scratch();
    add(scratch, ...received(memory, "a", "", long, "b"));
    const taken = scratch.take();
    assert.ok(taken.equals(frames("a", "", long, "b")));
    assert.equal(taken.buffer, memory.bytes.buffer, "no copy");
  });

  it("copies what is in another order, twice, with gaps or with other frames in between", () => {
    const memory = new PayloadMemory();
    const [a, b, c] = received(memory, "a", "b", "c") as [Received, Received, Received];
    for (const [order, texts] of [
      [
        [b, a],
        ["b", "a"],
      ],
      [
        [a, a],
        ["a", "a"],
      ],
      [
        [a, c],
        ["a", "c"],
      ],
      [
        [a, b, b, c],
        ["a", "b", "b", "c"],
      ],
    ] as const) {
      const scratch = new Scratch();
      add(scratch, ...order);
      assert.ok(scratch.take().equals(frames(...texts)), texts.join());
    }
    const scratch = new Scratch();
    add(scratch, a);
    scratch.add(encodeFrame(BINARY, Buffer.from("other")));
    add(scratch, b);
    const expected = Buffer.concat([frames("a"), encodeFrame(BINARY, Buffer.from("other")), frames("b")]);
    assert.ok(scratch.take().equals(expected));
  });

  it("copies what has no room for a header, and what lies in other memory", () => {
    const memory = new PayloadMemory();
    const [a, b] = received(memory, "a", "b") as [Received, Received];
    const scratch = new Scratch();
    const inflated = { bytes: Buffer.from("inflated"), start: 0, end: 8 };
    add(scratch, a, inflated, b);
    assert.ok(scratch.take().equals(frames("a", "inflated", "b")));
    add(scratch, inflated, a);
    assert.ok(scratch.take().equals(frames("inflated", "a")));
  });

  it("does not copy a long run, nor take what has no room: what is there has to leave first", () => {
    const scratch = new Scratch();
    const bytes = Buffer.alloc(20_000);
    const run = Array.from({ length: 70 }, (_, i) => ({ bytes, start: i * 254 + 4, end: i * 254 + 254 }));
    const [odd] = received(new PayloadMemory(), "odd") as [Received];
    add(scratch, ...run.slice(0, 60));
    assert.equal(scratch.addReceived(TEXT, odd.bytes, odd.start, odd.end), 3, "short enough to be copied");
    assert.equal(scratch.take().length, 60 * 254 + 5);
    add(scratch, ...run);
    assert.equal(scratch.addReceived(TEXT, odd.bytes, odd.start, odd.end), -1);
    assert.equal(scratch.take().length, 70 * 254);

    const apart = received(new PayloadMemory(), ...Array.from({ length: 4 }, () => "y".repeat(15_000)));
    add(scratch, ...apart);
    const [last] = received(new PayloadMemory(), "z".repeat(6000)) as [Received];
    assert.equal(scratch.addReceived(TEXT, last.bytes, last.start, last.end), -1);
    assert.equal(scratch.addNew("é".repeat(3000)), -1);
    assert.equal(scratch.take().length, 4 * 15_004);
  });

  it("writes other text, in UTF-8, and bytes between them", () => {
    const memory = new PayloadMemory();
    const [a, b] = received(memory, "a", "b") as [Received, Received];
    const scratch = new Scratch();
    add(scratch, a);
    for (const [text, length] of [
      ["", 0],
      ["plain", 5],
      ["é€👋", 9],
      ["lone \ud800", 8],
      // A header of two bytes as if it were ASCII, and of four as it is.
      ["ü".repeat(62), 124],
      ["ü".repeat(63), 126],
      ["x".repeat(126), 126],
    ] as const) {
      assert.equal(scratch.addNew(text), length);
    }
    assert.equal(scratch.addNew(new Uint8Array([1, 2, 255])), 3);
    add(scratch, b);
    const expected = [
      frames("a", "", "plain", "é€👋", "lone \ufffd", "ü".repeat(62), "ü".repeat(63), "x".repeat(126)),
      encodeFrame(BINARY, Buffer.from([1, 2, 255])),
      frames("b"),
    ];
    assert.ok(scratch.take().equals(Buffer.concat(expected)));
  });

  it("takes text to the last byte, whatever it might have come to", () => {
    const scratch = new Scratch();
    for (let i = 0; i < 4; i++) scratch.addNew("y".repeat(15_000));
    assert.equal(scratch.addNew("é".repeat(2756)), -1);
    assert.equal(scratch.addNew("é".repeat(2755)), 5510);
    assert.equal(scratch.addNew(""), -1);
    const taken = scratch.take();
    assert.equal(taken.length, 4 * 15_004 + 5514);
    assert.ok(taken.subarray(-5514).equals(frames("é".repeat(2755))));
  });

  it("begins anew after each take, and counts what waits", () => {
    const memory = new PayloadMemory();
    const scratch = new Scratch();
    const owner = { letGo() {} };
    scratch.owner = owner;
    for (let i = 0; i < 3; i++) {
      add(scratch, ...received(memory, "abc", "d"));
      assert.equal(scratch.lengthFor(owner), 8);
      assert.equal(scratch.take().length, 8);
      assert.equal(scratch.lengthFor(owner), 0);
    }
  });
});
