import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { encodeFrame } from "#hawser/protocol/encoder.js";
import { BINARY, TEXT } from "#hawser/protocol/opcodes.js";
import { PayloadMemory } from "#hawser/protocol/payload-memory.js";
import { Scratch, type ScratchHolder } from "#hawser/server/sending/scratch.js";

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
    const removed = scratch.removeAll();
    assert.ok(removed.equals(frames("a", "", long, "b")));
    assert.equal(removed.buffer, memory.bytes.buffer, "no copy");
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
      assert.ok(scratch.removeAll().equals(frames(...texts)), texts.join());
    }
    const scratch = new Scratch();
    add(scratch, a);
    scratch.add(encodeFrame(BINARY, Buffer.from("other")));
    add(scratch, b);
    const expected = Buffer.concat([frames("a"), encodeFrame(BINARY, Buffer.from("other")), frames("b")]);
    assert.ok(scratch.removeAll().equals(expected));
  });

  it("copies what has no room for a header, and what lies in other memory", () => {
    const memory = new PayloadMemory();
    const [a, b] = received(memory, "a", "b") as [Received, Received];
    const scratch = new Scratch();
    const inflated = { bytes: Buffer.from("inflated"), start: 0, end: 8 };
    add(scratch, a, inflated, b);
    assert.ok(scratch.removeAll().equals(frames("a", "inflated", "b")));
    add(scratch, inflated, a);
    assert.ok(scratch.removeAll().equals(frames("inflated", "a")));
  });

  it("does not copy a long run, nor take what has no room: what is there has to leave first", () => {
    const scratch = new Scratch();
    const bytes = Buffer.alloc(20_000);
    const run = Array.from({ length: 70 }, (_, i) => ({ bytes, start: i * 254 + 4, end: i * 254 + 254 }));
    const [odd] = received(new PayloadMemory(), "odd") as [Received];
    add(scratch, ...run.slice(0, 60));
    assert.equal(scratch.addReceived(TEXT, odd.bytes, odd.start, odd.end), 3, "short enough to be copied");
    assert.equal(scratch.removeAll().length, 60 * 254 + 5);
    add(scratch, ...run);
    assert.equal(scratch.addReceived(TEXT, odd.bytes, odd.start, odd.end), -1);
    assert.equal(scratch.removeAll().length, 70 * 254);

    const apart = received(new PayloadMemory(), ...Array.from({ length: 4 }, () => "y".repeat(15_000)));
    add(scratch, ...apart);
    const [last] = received(new PayloadMemory(), "z".repeat(6000)) as [Received];
    assert.equal(scratch.addReceived(TEXT, last.bytes, last.start, last.end), -1);
    assert.equal(scratch.addNew("é".repeat(3000)), -1);
    assert.equal(scratch.removeAll().length, 4 * 15_004);
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
    assert.ok(scratch.removeAll().equals(Buffer.concat(expected)));
  });

  it("takes text to the last byte, whatever it might have come to", () => {
    const scratch = new Scratch();
    for (let i = 0; i < 4; i++) scratch.addNew("y".repeat(15_000));
    assert.equal(scratch.addNew("é".repeat(2756)), -1);
    assert.equal(scratch.addNew("é".repeat(2755)), 5510);
    assert.equal(scratch.addNew(""), -1);
    const removed = scratch.removeAll();
    assert.equal(removed.length, 4 * 15_004 + 5514);
    assert.ok(removed.subarray(-5514).equals(frames("é".repeat(2755))));
  });

  it("begins anew after each removal, and counts what waits", () => {
    const memory = new PayloadMemory();
    const scratch = new Scratch();
    const holder = { leaveScratch() {} };
    scratch.hold(holder);
    for (let i = 0; i < 3; i++) {
      add(scratch, ...received(memory, "abc", "d"));
      assert.equal(scratch.lengthFor(holder), 8);
      assert.equal(scratch.removeAll().length, 8);
      assert.equal(scratch.lengthFor(holder), 0);
    }
  });
});

describe("whose the scratch buffer is", () => {
  type State = "free" | "held by a" | "held by b" | "yielding by a";
  type Call = (scratch: Scratch, a: ScratchHolder, b: ScratchHolder) => unknown;

  const STATES: Record<"free" | "held by a" | "yielding by a", Call> = {
    free: () => {},
    "held by a": (scratch, a) => scratch.hold(a),
    "yielding by a": (scratch, a) => {
      scratch.hold(a);
      scratch.yield(a);
    },
  };
  const CALLS: Record<string, Call> = {
    "hold(a)": (scratch, a) => scratch.hold(a),
    "hold(b)": (scratch, _, b) => scratch.hold(b),
    "yield(a)": (scratch, a) => scratch.yield(a),
    "yield(b)": (scratch, _, b) => scratch.yield(b),
    "endTurn(a)": (scratch, a) => scratch.endTurn(a),
    "endTurn(b)": (scratch, _, b) => scratch.endTurn(b),
    "release(a)": (scratch, a) => scratch.release(a),
    "release(b)": (scratch, _, b) => scratch.release(b),
    "discard(a)": (scratch, a) => scratch.discard(a),
    "discard(b)": (scratch, _, b) => scratch.discard(b),
  };
  /** What each call makes of each state: of "free", "held by a" and "yielding by a". */
  const TABLE: Record<string, [State, State, State]> = {
    "hold(a)": ["held by a", "held by a", "held by a"],
    "hold(b)": ["held by b", "held by a", "held by b"],
    "yield(a)": ["free", "yielding by a", "yielding by a"],
    "yield(b)": ["free", "held by a", "yielding by a"],
    "endTurn(a)": ["free", "held by a", "free"],
    "endTurn(b)": ["free", "held by a", "yielding by a"],
    "release(a)": ["free", "free", "free"],
    "release(b)": ["free", "held by a", "yielding by a"],
    "discard(a)": ["free", "free", "free"],
    "discard(b)": ["free", "held by a", "yielding by a"],
  };

  /** Both, and how often the first had to leave. */
  function start(state: keyof typeof STATES): { scratch: Scratch; a: ScratchHolder; b: ScratchHolder; left: number[] } {
    const scratch = new Scratch();
    const left: number[] = [];
    const a: ScratchHolder = {
      leaveScratch() {
        left.push(scratch.removeAll().length);
        scratch.release(a);
      },
    };
    const b: ScratchHolder = { leaveScratch: () => assert.fail("b has not been asked to yield") };
    STATES[state](scratch, a, b);
    return { scratch, a, b, left };
  }

  function stateOf(scratch: Scratch, a: ScratchHolder, b: ScratchHolder): State {
    if (scratch.isHeldBy(b)) return "held by b";
    if (!scratch.isHeldBy(a)) {
      scratch.hold(b);
      assert.ok(scratch.isHeldBy(b), "who asks for what is free has it");
      return "free";
    }
    // Whoever yields is gone when the turn ends.
    scratch.endTurn(a);
    return scratch.isHeldBy(a) ? "held by a" : "yielding by a";
  }

  for (const [name, expected] of Object.entries(TABLE)) {
    for (const [i, state] of (Object.keys(STATES) as (keyof typeof STATES)[]).entries()) {
      it(`${state}: after ${name} it is ${expected[i]}`, () => {
        const { scratch, a, b, left } = start(state);
        CALLS[name]!(scratch, a, b);
        assert.equal(left.length, state === "yielding by a" && name === "hold(b)" ? 1 : 0, "asked to leave");
        assert.equal(stateOf(scratch, a, b), expected[i]);
      });
    }
  }

  it("is told by yield, which the others than its holder have to do without", () => {
    const { scratch, a, b } = start("held by a");
    assert.deepEqual([scratch.yield(b), scratch.yield(a), scratch.yield(a)], [false, true, true]);
  });

  it("decides whose bytes wait: they leave before another one has it, and are gone with a client that is", () => {
    const { scratch, a, b, left } = start("yielding by a");
    scratch.addNew("abc");
    assert.deepEqual([scratch.lengthFor(a), scratch.lengthFor(b)], [5, 0]);
    scratch.hold(b);
    assert.deepEqual(left, [5]);
    scratch.addNew("de");
    assert.deepEqual([scratch.lengthFor(a), scratch.lengthFor(b)], [0, 4]);
    scratch.discard(a);
    assert.equal(scratch.lengthFor(b), 4);
    scratch.discard(b);
    scratch.hold(a);
    assert.equal(scratch.lengthFor(a), 0);
  });
});
