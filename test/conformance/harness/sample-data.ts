/** Data of five kinds to compress, made rather than stored: the same on every run, as different to deflate as Autobahn's files. */

import { Random } from "../../harness/random.js";

export interface Sample {
  says: string;
  type: "text" | "binary";
  /** The `index`th message of this size, taken from the data as from a ring. */
  slice(index: number, size: number): Buffer;
}

const LENGTH = 262_144;

const WORDS =
  "habe nun ach philosophie juristerei und medizin durchaus studiert mit heißem bemühn da steh ich nun".split(" ");

function fill(seed: number, next: (random: (limit: number) => number, index: number) => string | Uint8Array): Buffer {
  const numbers = new Random(seed);
  const random = (limit: number): number => numbers.below(limit);
  const parts: Buffer[] = [];
  for (let length = 0, index = 0; length < LENGTH; index++) {
    const part = Buffer.from(next(random, index) as string);
    parts.push(part);
    length += part.length;
  }
  return Buffer.concat(parts);
}

const json = fill(1, (random, index) =>
  JSON.stringify({
    id: index,
    name: WORDS[random(WORDS.length)],
    active: random(2) === 1,
    score: random(1_000_000) / 100,
  }),
);
/** Eight bits of grey: a slope with noise, a row at a time. */
const bitmap = fill(2, (random, row) =>
  Uint8Array.from({ length: 512 }, (_, column) => (row + (column >> 2) + random(5)) & 0xff),
);
const prose = fill(3, (random) => `${WORDS[random(WORDS.length)] ?? ""}${random(9) === 0 ? ".\n" : " "}`);
const html = fill(
  4,
  (random, index) =>
    `<tr class="row"><td>${index}</td><td><a href="/${random(999)}">${WORDS[random(WORDS.length)] ?? ""}</a></td></tr>\n`,
);
/** Mostly incompressible, between short dictionaries of text. */
const document = fill(5, (random, index) =>
  index % 2 === 0
    ? `${index} 0 obj << /Length ${random(9999)} >> stream\n`
    : Uint8Array.from({ length: 700 }, () => random(256)),
);

function sample(says: string, type: Sample["type"], data: Buffer): Sample {
  return {
    says,
    type,
    slice(index, size) {
      const at = (index * size) % data.length;
      const bytes = Buffer.concat([data.subarray(at), data, data]).subarray(0, size);
      return type === "text" ? wholeCharacters(bytes) : bytes;
    },
  };
}

/** Text that was cut anywhere, as valid UTF-8 of the same length. */
function wholeCharacters(bytes: Buffer): Buffer {
  const valid = Buffer.from(bytes);
  for (let index = 0; index < 3 && isContinuation(valid[index]); index++) valid[index] = 0x20;
  for (let index = valid.length - 1; index >= 0 && index >= valid.length - 4 && (valid[index] ?? 0) >= 0x80; index--)
    valid[index] = 0x20;
  return valid;
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}

export const SAMPLES: readonly Sample[] = [
  sample("JSON", "text", json),
  sample("a bitmap", "binary", bitmap),
  sample("prose", "binary", prose),
  sample("HTML", "text", html),
  sample("a document that hardly compresses", "binary", document),
];
