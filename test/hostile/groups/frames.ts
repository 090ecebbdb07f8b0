/** Frames that RFC 6455 section 5 forbids: each has to end the connection with 1002 (1009 where it is the size). */
import type { End, Exchange, Step } from "../../harness/exchange.js";
import {
  BINARY,
  closePayload,
  CONTINUATION,
  type FrameSpec,
  frame,
  PING,
  PONG,
  TEXT,
  CLOSE,
} from "../../harness/frames.js";
import { atEveryCut, exchangeCase, type Group, type HostileCase, hex } from "../harness/group.js";

const PROTOCOL: End = { failed: 1002 };
const TOO_BIG: End = { failed: 1009 };
const RESERVED = [3, 4, 5, 6, 7, 11, 12, 13, 14, 15];
const DEFINED = [CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG];
const NAMES: Record<number, string> = { 0: "continuation", 1: "text", 2: "binary", 8: "close", 9: "ping", 10: "pong" };
const DATA = [CONTINUATION, TEXT, BINARY];
const CONTROL = [CLOSE, PING, PONG];
const both = [true, false];

const nameOf = (opcode: number): string => NAMES[opcode] ?? `opcode ${hex(opcode)}`;

/** A continuation needs a message to continue, so that nothing but the tested rule is broken. */
const start = (opcode: number): Step[] => (opcode === CONTINUATION ? [frame.text("start", { fin: false })] : []);
const fails = (spec: FrameSpec, end: End = PROTOCOL): Exchange => ({ send: [...start(spec.opcode), spec], end });

const reservedOpcodes: HostileCase[] = RESERVED.flatMap((opcode) =>
  both.flatMap((fin) =>
    both.flatMap((mask) =>
      [0, 4, 7].map((rsv) =>
        exchangeCase(
          `opcode ${hex(opcode)}, ${fin ? "final" : "not final"}, RSV ${rsv}, ${mask ? "masked" : "unmasked"}`,
          {
            ...fails({ opcode, fin, rsv, mask, payload: "reserved" }),
          },
        ),
      ),
    ),
  ),
);

const reservedBits: HostileCase[] = DEFINED.flatMap((opcode) =>
  [1, 2, 3, 4, 5, 6, 7].map((rsv) =>
    exchangeCase(
      `${nameOf(opcode)} with RSV ${rsv}`,
      fails({ opcode, rsv, payload: opcode === CLOSE ? closePayload(1000) : "x" }),
    ),
  ),
);

const unmasked: HostileCase[] = [
  ...DEFINED.map((opcode) => exchangeCase(`unmasked ${nameOf(opcode)}, empty`, fails({ opcode, mask: false }))),
  ...DATA.flatMap((opcode) =>
    [5, 126, 65_536].map((size) =>
      exchangeCase(
        `unmasked ${nameOf(opcode)} of ${size} bytes`,
        fails({ opcode, mask: false, payload: Buffer.alloc(size) }),
      ),
    ),
  ),
  exchangeCase("a good message, then an unmasked one", {
    send: [frame.text("good"), frame.text("bad", { mask: false })],
    expect: [{ text: "good" }],
    end: PROTOCOL,
  }),
];

const control: HostileCase[] = CONTROL.flatMap((opcode) => [
  ...["", "x"].flatMap((payload) =>
    atEveryCut(`${nameOf(opcode)} with ${payload.length} bytes, not final`, fails({ opcode, fin: false, payload })),
  ),
  ...[126, 127, 1000, 65_535, 65_536].map((size) =>
    exchangeCase(`${nameOf(opcode)} of ${size} bytes`, fails({ opcode, payload: Buffer.alloc(size, 0x61) })),
  ),
  ...([16, 64] as const).map((lengthForm) =>
    exchangeCase(
      `${nameOf(opcode)} of 5 bytes, its length in ${lengthForm} bits`,
      fails({ opcode, payload: "ping!", lengthForm }),
    ),
  ),
]);

const nonMinimal: HostileCase[] = DATA.flatMap((opcode) =>
  (
    [
      [0, 16],
      [1, 16],
      [125, 16],
      [0, 64],
      [125, 64],
      [126, 64],
      [65_535, 64],
    ] as const
  ).flatMap(([size, lengthForm]) =>
    exchangeCase(
      `${nameOf(opcode)} of ${size} bytes, its length in ${lengthForm} bits`,
      fails({ opcode, payload: Buffer.alloc(size, 0x61), lengthForm }),
    ),
  ),
);

/** Lengths only declared: the payload never comes, and must not be waited for. */
const lengths: HostileCase[] = DATA.flatMap((opcode) => [
  ...[1n << 63n, (1n << 63n) + 5n, (1n << 64n) - 1n].flatMap((declaredLength) =>
    atEveryCut(`${nameOf(opcode)} that declares ${declaredLength} bytes`, fails({ opcode, declaredLength })),
  ),
  ...[524_289n, 1n << 31n, (1n << 32n) - 1n, 1n << 32n, 1n << 53n, (1n << 63n) - 1n].map((declaredLength) =>
    exchangeCase(`${nameOf(opcode)} that declares ${declaredLength} bytes`, fails({ opcode, declaredLength }, TOO_BIG)),
  ),
]);

const half = Buffer.alloc(262_144, 0x61);
const first = (payload: string | Uint8Array = "first"): Step => frame.text(payload, { fin: false });
const SEQUENCES: readonly (readonly [name: string, Exchange])[] = [
  ["a continuation of nothing", { send: [frame.next("x")], end: PROTOCOL }],
  ["an empty continuation of nothing", { send: [frame.next("")], end: PROTOCOL }],
  ["a continuation of nothing, not final", { send: [frame.next("x", { fin: false })], end: PROTOCOL }],
  [
    "a continuation after a whole message",
    { send: [frame.text("whole"), frame.next("x")], expect: [{ text: "whole" }], end: PROTOCOL },
  ],
  [
    "a continuation after the last fragment",
    { send: [first("a"), frame.next("b"), frame.next("c")], expect: [{ text: "ab" }], end: PROTOCOL },
  ],
  ["text inside text", { send: [first(), frame.text("x")], end: PROTOCOL }],
  ["binary inside text", { send: [first(), frame.binary("x")], end: PROTOCOL }],
  ["text inside binary", { send: [frame.binary("x", { fin: false }), frame.text("x")], end: PROTOCOL }],
  ["the beginning of a message inside another", { send: [first(), first()], end: PROTOCOL }],
  [
    "text inside text, a ping between",
    { send: [first(), frame.ping("p"), frame.text("x")], expect: [{ pong: "p" }], end: PROTOCOL },
  ],
  [
    "a continuation of nothing after a ping",
    { send: [frame.ping("p"), frame.next("x")], expect: [{ pong: "p" }], end: PROTOCOL },
  ],
  ["an empty beginning, then text", { send: [first(""), frame.text("x")], end: PROTOCOL }],
];

const sizes: readonly (readonly [name: string, Exchange])[] = [
  [
    "a message of the limit, 524,288 bytes",
    { send: [frame.binary(Buffer.alloc(524_288, 1))], expect: [{ binary: Buffer.alloc(524_288, 1) }] },
  ],
  [
    "a message of the limit in two fragments",
    { send: [first(half), frame.next(half)], expect: [{ text: Buffer.concat([half, half]) }] },
  ],
  ["a message of one byte more", { send: [frame.binary(Buffer.alloc(524_289, 1))], end: TOO_BIG }],
  [
    "a message of one byte more in three fragments",
    { send: [first(half), frame.next(half, { fin: false }), frame.next("x")], end: TOO_BIG },
  ],
  [
    "a fragment that declares more than is left",
    { send: [first(half), frame.next("", { declaredLength: 262_145 })], end: TOO_BIG },
  ],
  [
    "a fragment that declares far more than is left",
    { send: [first("x"), frame.next("", { declaredLength: 1n << 40n })], end: TOO_BIG },
  ],
  [
    "empty fragments, then too much",
    { send: [first(""), frame.next("", { fin: false }), frame.next("", { declaredLength: 524_289 })], end: TOO_BIG },
  ],
];

export const frames: Group[] = [
  { name: "reserved opcodes and bits", cases: [...reservedOpcodes, ...reservedBits] },
  { name: "masking, control frames, lengths", cases: [...unmasked, ...control, ...nonMinimal, ...lengths] },
  { name: "fragmentation", cases: SEQUENCES.flatMap(([name, what]) => atEveryCut(name, what)) },
  { name: "sizes at the limit", cases: sizes.map(([name, what]) => exchangeCase(name, what)) },
];
