/** What can come over a connection that compresses: RSV1 where it may not be, bombs, broken and unusual streams (RFC 7692 6, 7.2). */
import { constants, deflateRawSync } from "node:zlib";

import { frame, fragments, TEXT, BINARY } from "../../harness/frames.js";
import type { Exchange } from "../../harness/exchange.js";
import { Random } from "../../harness/random.js";
import { atEveryCut, exchangeCase, type Group, type HostileCase } from "../harness/group.js";

const OFFER = { offer: "permessage-deflate; client_max_window_bits" };
const RSV1 = { rsv: 4 };
const PROTOCOL = { failed: 1002 };
const INVALID = { failed: 1007 };
const TOO_BIG = { failed: 1009 };

/** RFC 7692 7.2.1. */
const deflated = (data: string | Uint8Array, level = 9): Buffer =>
  deflateRawSync(data, { finishFlush: constants.Z_SYNC_FLUSH, level }).subarray(0, -4);
/** A stream that ends in a block with BFINAL set, then the byte that makes the tail an empty block (7.2.3.4). */
const finished = (data: string | Uint8Array): Buffer => Buffer.concat([deflateRawSync(data), Buffer.from([0])]);
const hello = deflated("Hello, world!");
const stored = (text: string): Buffer => deflated(text, 0);

const MISUSE: readonly (readonly [name: string, Exchange])[] = [
  [
    "RSV1 on a continuation",
    {
      send: [frame.text(hello.subarray(0, 5), { ...RSV1, fin: false }), frame.next(hello.subarray(5), RSV1)],
      end: PROTOCOL,
    },
  ],
  [
    "RSV1 on a continuation of a plain message",
    { send: [frame.text("x", { fin: false }), frame.next(hello, RSV1)], end: PROTOCOL },
  ],
  ["RSV1 on a ping", { send: [frame.ping("x", RSV1)], end: PROTOCOL }],
  ["RSV1 on a pong", { send: [frame.pong("x", RSV1)], end: PROTOCOL }],
  ["RSV1 on a close frame", { send: [frame.close(1000, "", RSV1)], end: PROTOCOL }],
  ["RSV1 and RSV2", { send: [frame.text(hello, { rsv: 6 })], end: PROTOCOL }],
  ["RSV1 and RSV3", { send: [frame.text(hello, { rsv: 5 })], end: PROTOCOL }],
  ["RSV2 alone", { send: [frame.text("x", { rsv: 2 })], end: PROTOCOL }],
  ["RSV1 with a reserved opcode", { send: [{ opcode: 3, payload: hello, ...RSV1 }], end: PROTOCOL }],
  [
    "a compressed message inside a plain one",
    { send: [frame.text("x", { fin: false }), frame.text(hello, RSV1)], end: PROTOCOL },
  ],
];

const VALID: readonly (readonly [name: string, Exchange])[] = [
  ["a plain message", { send: [frame.text("plain")], expect: [{ text: "plain" }] }],
  [
    "plain and compressed by turns",
    {
      send: [frame.text(hello, RSV1), frame.text("b"), frame.text(hello, RSV1)],
      expect: [{ text: "Hello, world!" }, { text: "b" }, { text: "Hello, world!" }],
    },
  ],
  ["an empty message (7.2.3.6)", { send: [frame.text(Buffer.from([0]), RSV1)], expect: [{ text: "" }] }],
  ["stored blocks (7.2.3.3)", { send: [frame.text(stored("Hello"), RSV1)], expect: [{ text: "Hello" }] }],
  ["BFINAL set (7.2.3.4)", { send: [frame.text(finished("Hello"), RSV1)], expect: [{ text: "Hello" }] }],
  [
    "several blocks (7.2.3.5)",
    {
      send: [frame.text(Buffer.from("f248050000 00ffffcac9c90700".replace(" ", ""), "hex"), RSV1)],
      expect: [{ text: "Hello" }],
    },
  ],
  [
    "the RFC's own example (7.2.3.1)",
    { send: [frame.text(Buffer.from("f248cdc9c90700", "hex"), RSV1)], expect: [{ text: "Hello" }] },
  ],
  [
    "compressed, in fragments of one byte",
    { send: fragments(TEXT, hello, 1, RSV1), expect: [{ text: "Hello, world!" }] },
  ],
  [
    "compressed, empty fragments between",
    {
      send: [frame.text("", { ...RSV1, fin: false }), frame.next(hello, { fin: false }), frame.next("")],
      expect: [{ text: "Hello, world!" }],
    },
  ],
  [
    "compressed, a ping between the fragments",
    {
      send: [frame.text(hello.subarray(0, 4), { ...RSV1, fin: false }), frame.ping("p"), frame.next(hello.subarray(4))],
      expect: [{ pong: "p" }, { text: "Hello, world!" }],
    },
  ],
  ["data that grows under compression, of just the limit", growing()],
];

/** RFC 1951 3.2.4: what does not compress becomes longer than it was; the limit is on the message, not on that. */
function growing(): Exchange {
  const binary = new Random(7).bytes(524_288);
  return { send: [frame.binary(deflated(binary, 0), RSV1)], expect: [{ binary }] };
}

/** Deflated, a mebibyte of one byte is a kibibyte, and can follow itself: each ends where a block ends. */
function megabytes(count: number, byte = 0): Buffer {
  const one = Buffer.concat([deflated(Buffer.alloc(1024 * 1024, byte)), Buffer.from("0000ffff", "hex")]);
  return Buffer.concat(Array.from({ length: count }, () => one)).subarray(0, -4);
}
const BOMBS: readonly (readonly [name: string, Exchange])[] = [
  [
    "a bomb of one byte more than the limit",
    { send: [frame.binary(deflated(Buffer.alloc(524_289)), RSV1)], end: TOO_BIG },
  ],
  ["a bomb of 16 MiB in 16 KiB", { send: [frame.binary(megabytes(16), RSV1)], end: TOO_BIG }],
  ["a bomb of 480 MiB in 500 KiB", { send: [frame.binary(megabytes(480), RSV1)], end: TOO_BIG }],
  ["a bomb of text", { send: [frame.text(megabytes(16, 0x61), RSV1)], end: TOO_BIG }],
  [
    "a bomb in fragments of 100 bytes",
    { send: fragments(BINARY, megabytes(16), 100, RSV1), chop: "at once", end: TOO_BIG },
  ],
  [
    "a bomb whose fragments pass the limit themselves",
    { send: fragments(BINARY, deflated(Buffer.alloc(1_500_000, 1), 0), 100_000, RSV1), chop: "at once", end: TOO_BIG },
  ],
  [
    "a thousand empty deflate streams in one message",
    { send: [frame.binary(Buffer.alloc(2000, Buffer.from("0300", "hex")), RSV1)], end: { failed: [1002, 1007, 1008] } },
  ],
];

const GARBAGE: readonly (readonly [name: string, bytes: Uint8Array])[] = [
  ["block type 3", Buffer.from([0x07])],
  ["0xff bytes", Buffer.alloc(100, 0xff)],
  ["a stored block whose lengths disagree", Buffer.from("0005000000", "hex")],
  ["a distance before the beginning", Buffer.from("4b04110000", "hex")],
  ["a gzip header", Buffer.from("1f8b0800000000000003", "hex")],
  ["a zlib header", Buffer.from("789ccb48cdc9c95728cf2fca49010018ab043d", "hex")],
  ["plain text", Buffer.from("this is not deflate at all, but it says it is")],
  ["a stream cut in the middle", deflated("Hello, Hello, Hello, world!".repeat(20)).subarray(0, 10)],
  ["a stored block that is not complete", Buffer.from("00ff0000ff61", "hex")],
];

/** A random stream can be valid by chance as far as it goes: it must be told off, or come back as something; not kill. */
const RANDOM: HostileCase[] = Array.from({ length: 24 }, (_, seed) => {
  const random = new Random(seed);
  const bytes = random.bytes(1 + random.below(300));
  bytes[0] = (bytes[0] ?? 0) | 6; // block type 3 is reserved (RFC 1951 3.2.3), so that the verdict is certain
  return exchangeCase(`random bytes as deflate ${seed}`, { send: [frame.binary(bytes, RSV1)], end: INVALID }, OFFER);
});

const textCases: HostileCase[] = ["ff", "c0af", "eda080", "f4908080", "e282"].map((hex) =>
  exchangeCase(
    `compressed text that is not UTF-8, ${hex}`,
    { send: [frame.text(deflated(Buffer.from(hex, "hex")), RSV1)], end: INVALID },
    OFFER,
  ),
);

const withOffer = (rows: readonly (readonly [string, Exchange])[]): HostileCase[] =>
  rows.map(([name, what]) => exchangeCase(name, what, OFFER));

export const compressed: Group[] = [
  {
    name: "compressed messages",
    cases: [
      ...MISUSE.flatMap(([name, what]) => atEveryCut(name, what, OFFER)),
      ...withOffer(VALID),
      ...GARBAGE.map(([name, bytes]) =>
        exchangeCase(`${name} as deflate`, { send: [frame.text(bytes, RSV1)], end: INVALID }, OFFER),
      ),
      ...RANDOM,
      ...textCases,
      exchangeCase("RSV1 where compression was not agreed on", { send: [frame.text(hello, RSV1)], end: PROTOCOL }),
    ],
  },
  { name: "compression bombs", cases: withOffer(BOMBS), atOnce: 4 },
];
