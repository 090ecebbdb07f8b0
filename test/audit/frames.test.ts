// The frames that an audit sends and reads.

import assert from "node:assert/strict";
import { test } from "node:test";

import { encode, type Frame, FrameReader, type FrameSpec } from "#cli/audit/frames.js";

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");

function read(...chunks: Buffer[]): { frames: Frame[]; violations: string[] } {
  const frames: Frame[] = [];
  const reader = new FrameReader((frame) => frames.push(frame));
  for (const chunk of chunks) reader.push(chunk);
  return { frames, violations: [...reader.violations] };
}

test("a frame, with any of its rules broken", () => {
  assert.deepEqual(encode({ opcode: 1, payload: "hi", masked: false }), hex("81 02 6869"));
  assert.deepEqual(encode({ opcode: 3, fin: false, rsv: 5, masked: false }), hex("53 00"));
  assert.deepEqual(encode({ opcode: 2, declaredLength: 2n ** 62n, masked: false }), hex("82 7f 4000000000000000"));
  assert.deepEqual(encode({ opcode: 2, declaredLength: 2n ** 63n + 1n, masked: false }), hex("82 7f 8000000000000001"));
  assert.deepEqual(encode({ opcode: 2, declaredLength: 126, masked: false }), hex("82 7e 007e"));
  const masked = encode({ opcode: 1, payload: "hi" });
  const key = masked.subarray(2, 6);
  assert.deepEqual([masked[0], masked[1]], [0x81, 0x82]);
  assert.deepEqual(
    [...masked.subarray(6)].map((byte, at) => byte ^ (key[at] ?? 0)),
    [...Buffer.from("hi")],
  );
});

test("the same frames, wherever their bytes are cut", () => {
  const specs: FrameSpec[] = [
    { opcode: 1, payload: "one", fin: false, masked: false },
    { opcode: 9, payload: "ping", masked: false },
    { opcode: 0, payload: "two", masked: false },
    { opcode: 2, payload: Buffer.alloc(300, 7), masked: false },
    { opcode: 8, payload: hex("03e8"), masked: false },
  ];
  const bytes = Buffer.concat(specs.map(encode));
  for (let cut = 0; cut <= bytes.length; cut++) {
    const { frames, violations } = read(bytes.subarray(0, cut), bytes.subarray(cut));
    assert.deepEqual(
      frames.map(({ opcode, payload }) => [opcode, payload]),
      specs.map(({ opcode, payload }) => [opcode, Buffer.from(payload ?? "")]),
      `cut at ${cut}`,
    );
    assert.deepEqual(violations, []);
  }
});

test("a large payload is passed over, and what follows is read", () => {
  const large = encode({ opcode: 2, payload: Buffer.alloc(1_000_000), masked: false });
  const bytes = Buffer.concat([large, encode({ opcode: 10, payload: "x", masked: false })]);
  for (const cut of [5, 10, 11, 70_000, large.length - 1, large.length, large.length + 1]) {
    const { frames } = read(bytes.subarray(0, cut), bytes.subarray(cut));
    assert.deepEqual(
      frames.map(({ opcode, length }) => [opcode, length]),
      [
        [2, 1_000_000],
        [10, 1],
      ],
    );
  }
});

test("the rules that a server breaks", () => {
  const broken = (text: string): string[] => read(hex(text)).violations;
  assert.deepEqual(broken("81 80 00000000"), ["it masks its frames (5.1)"]);
  assert.deepEqual(broken("b1 00"), ["it sets reserved bits (5.2)"]);
  assert.deepEqual(broken("83 00"), ["it sends the reserved opcode 3 (5.2)"]);
  assert.deepEqual(broken("8b 00"), ["it sends the reserved opcode 11 (5.2)"]);
  assert.deepEqual(broken("09 00"), ["it fragments control frames (5.5)"]);
  assert.deepEqual(broken("80 00"), ["it continues a message that never began (5.4)"]);
  assert.deepEqual(broken("01 00 81 00"), ["it begins a message inside another one (5.4)"]);
  assert.deepEqual(broken("01 00 89 00 80 00 82 00"), []);
});
