import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { checkUtf8 } from "#hawser/protocol/utf8.js";

/** All characters, and all that some character begins with; each as text in hex. From the characters themselves, not from rules. */
const CHARACTERS = new Set<string>();
const BEGINNINGS = new Set<string>();
for (let point = 0; point <= 0x10ffff; point++) {
  if (point >= 0xd800 && point <= 0xdfff) continue;
  // Of four bytes the last takes all 64 values of a continuation: only the first three tell anything.
  if (point > 0xffff && point % 64 !== 0) continue;
  const bytes = Buffer.from(String.fromCodePoint(point));
  if (bytes.length < 4) CHARACTERS.add(bytes.toString("hex"));
  for (let length = 1; length < bytes.length; length++) BEGINNINGS.add(bytes.toString("hex", 0, length));
}

function isCharacter(bytes: Buffer): boolean {
  if (bytes.length < 4) return CHARACTERS.has(bytes.toString("hex"));
  return BEGINNINGS.has(bytes.toString("hex", 0, 3)) && bytes[3]! >> 6 === 2;
}

/** What `checkUtf8` should say of the whole of `bytes`. */
function reference(bytes: Buffer): number {
  for (let at = 0; at < bytes.length;) {
    const length = [1, 2, 3, 4].find((n) => at + n <= bytes.length && isCharacter(bytes.subarray(at, at + n)));
    if (length === undefined) return BEGINNINGS.has(bytes.toString("hex", at)) ? at : -1;
    at += length;
  }
  return bytes.length;
}

function isValid(bytes: Buffer): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/** Either side of every line in the Unicode Standard, table 3-7. */
const EDGES = [
  0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef,
  0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff,
];
const edge = fc.constantFrom(...EDGES);
/** Bytes that are often enough nearly right. */
const sequences = fc
  .array(
    fc.oneof(
      edge.map((byte) => [byte]),
      fc.string({ unit: "binary", maxLength: 3 }).map((text) => [...Buffer.from(text)]),
    ),
    {
      maxLength: 8,
    },
  )
  .map((parts) => Buffer.from(parts.flat()));

function check(bytes: Buffer): void {
  // Good text in front of it, and bytes behind it that are not to be looked at.
  const memory = Buffer.concat([Buffer.from("é"), bytes, Buffer.from([0x80])]);
  const expected = reference(bytes);
  const result = checkUtf8(memory, 2, 2 + bytes.length);
  if (result !== (expected < 0 ? -1 : 2 + expected))
    assert.fail(`${bytes.toString("hex")}: ${result - 2} instead of ${expected}`);
}

describe("the reference of these tests", () => {
  it("agrees with TextDecoder on what is whole and good", () => {
    fc.assert(
      fc.property(sequences, (bytes) => assert.equal(reference(bytes) === bytes.length, isValid(bytes))),
      { seed: 3629, numRuns: 3000 },
    );
  });
});

describe("checkUtf8", () => {
  it("says the same as the reference of everything to two bytes", () => {
    check(Buffer.alloc(0));
    for (let first = 0; first < 256; first++) {
      check(Buffer.from([first]));
      for (let second = 0; second < 256; second++) check(Buffer.from([first, second]));
    }
  });

  it("and of three bytes, the last on either side of the continuations", () => {
    for (let first = 0; first < 256; first++)
      for (let second = 0; second < 256; second++)
        for (const third of [0x7f, 0x80, 0xbf, 0xc0, 0xe1]) check(Buffer.from([first, second, third]));
  });

  it("and of four bytes at every edge", () => {
    for (const first of EDGES)
      for (const second of EDGES)
        for (const third of EDGES) for (const fourth of EDGES) check(Buffer.from([first, second, third, fourth]));
  });

  it("and of longer ones, at random", () => {
    fc.assert(fc.property(sequences, check), { seed: 6455, numRuns: 5000 });
  });

  it("going on from where it stopped finds the first bad byte, however the text is cut", () => {
    fc.assert(
      fc.property(sequences, fc.infiniteStream(fc.integer({ min: 1, max: 4 })), (bytes, sizes) => {
        const bad = Array.from(bytes, (_, i) => i + 1).find((length) => reference(bytes.subarray(0, length)) < 0);
        let checked = 0;
        let to = 0;
        while (to < bytes.length && checked >= 0) {
          to = Math.min(bytes.length, to + Number(sizes.next().value));
          checked = checkUtf8(bytes, checked, to);
          assert.equal(checked, bad !== undefined && to >= bad ? -1 : reference(bytes.subarray(0, to)));
        }
      }),
      { seed: 8, numRuns: 3000 },
    );
  });
});
