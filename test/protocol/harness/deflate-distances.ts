/**
 * A small reader of raw deflate streams, RFC 1951, that tells how far back they refer: an inflater with a large window takes a
 * distance that one with the agreed window could not, so round trips alone do not show it.
 */

const LENGTH_BASE = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258,
];
const LENGTH_EXTRA = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const CODE_LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/** The largest distance in `stream`, which has to end at the end of a block; 0 when it refers to nothing. */
export function largestDistance(stream: Uint8Array): number {
  const bits = new BitReader(stream);
  let largest = 0;
  while (!bits.atEnd()) {
    bits.read(1);
    const type = bits.read(2);
    if (type === 0) bits.skipStored();
    else if (type === 3) throw new Error("reserved block type");
    else largest = Math.max(largest, readBlock(bits, ...(type === 1 ? fixedCodes() : dynamicCodes(bits))));
  }
  return largest;
}

function readBlock(bits: BitReader, literals: Huffman, distances: Huffman): number {
  let largest = 0;
  for (;;) {
    const symbol = literals.read(bits);
    if (symbol === 256) return largest;
    if (symbol < 256) continue;
    bits.read(at(LENGTH_EXTRA, symbol - 257));
    if (at(LENGTH_BASE, symbol - 257) < 3) throw new Error("bad length");
    const code = distances.read(bits);
    const extra = code < 2 ? 0 : (code >> 1) - 1;
    // RFC 1951 3.2.5: two codes for each number of extra bits.
    const base = code < 2 ? code + 1 : ((2 + (code & 1)) << extra) + 1;
    largest = Math.max(largest, base + bits.read(extra));
  }
}

function fixedCodes(): [Huffman, Huffman] {
  const lengths = Array.from({ length: 288 }, (_, symbol) =>
    symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8,
  );
  return [new Huffman(lengths), new Huffman(Array.from({ length: 30 }, () => 5))];
}

function dynamicCodes(bits: BitReader): [Huffman, Huffman] {
  const literals = bits.read(5) + 257;
  const distances = bits.read(5) + 1;
  const given = bits.read(4) + 4;
  const ofLengths = Array.from({ length: 19 }, () => 0);
  for (const symbol of CODE_LENGTH_ORDER.slice(0, given)) ofLengths[symbol] = bits.read(3);
  const code = new Huffman(ofLengths);
  const lengths: number[] = [];
  while (lengths.length < literals + distances) {
    const symbol = code.read(bits);
    if (symbol < 16) lengths.push(symbol);
    else if (symbol === 16) lengths.push(...repeat(at(lengths, lengths.length - 1), 3 + bits.read(2)));
    else lengths.push(...repeat(0, symbol === 17 ? 3 + bits.read(3) : 11 + bits.read(7)));
  }
  return [new Huffman(lengths.slice(0, literals)), new Huffman(lengths.slice(literals))];
}

/** RFC 1951 3.2.2: codes in the order of their lengths, then of their symbols. */
class Huffman {
  readonly #symbols = new Map<string, number>();

  constructor(lengths: readonly number[]) {
    let code = 0;
    for (let length = 1; length <= 15; length++) {
      lengths.forEach((own, symbol) => {
        if (own === length) this.#symbols.set(`${length}:${code++}`, symbol);
      });
      code <<= 1;
    }
  }

  read(bits: BitReader): number {
    let code = 0;
    for (let length = 1; length <= 15; length++) {
      code = (code << 1) | bits.read(1);
      const symbol = this.#symbols.get(`${length}:${code}`);
      if (symbol !== undefined) return symbol;
    }
    throw new Error("no such code");
  }
}

class BitReader {
  readonly #bytes: Uint8Array;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  atEnd(): boolean {
    return this.#position >= this.#bytes.length * 8;
  }

  /** Least significant bit first. */
  read(count: number): number {
    let value = 0;
    for (let bit = 0; bit < count; bit++, this.#position++) {
      value |= ((at(this.#bytes, this.#position >> 3) >> (this.#position & 7)) & 1) << bit;
    }
    return value;
  }

  skipStored(): void {
    this.#position = Math.ceil(this.#position / 8) * 8;
    const length = this.read(16);
    if (this.read(16) !== (length ^ 0xffff)) throw new Error("bad stored block");
    this.#position += length * 8;
  }
}

function repeat(value: number, times: number): number[] {
  return Array.from({ length: times }, () => value);
}

function at(values: ArrayLike<number>, index: number): number {
  const value = values[index];
  if (value === undefined) throw new Error("out of data");
  return value;
}
