/** Random streams of client frames, mostly valid, and then damaged: what both peers are given to read. */
import { PeerCompression } from "../harness/deflate.js";
import { closePayload, encodeFrame, type FrameSpec, fragments, frame } from "../harness/frames.js";
import { Random } from "../harness/random.js";

export interface Compression {
  noContextTakeover: boolean;
  /** The client's window, log2. */
  windowBits: number;
}

export interface Stream {
  /** Of what the client sends after the handshake. */
  bytes: Buffer;
  /** Where the bytes are cut into chunks, ascending. */
  cuts: number[];
  compression: Compression | null;
  /** Not as a client would send it: a frame was broken, or bytes were changed. */
  damaged: boolean;
}

/** Small, so that random messages come near it, and past it. */
export const MAX_MESSAGE_BYTES = 70_000;

const TEXTS = [
  "",
  "a",
  "Hello",
  "κόσμε",
  "€uro",
  "𤭢",
  "\u0000",
  "x".repeat(125),
  "ü".repeat(63),
  "z".repeat(126),
  "{}".repeat(200),
];
const BAD_TEXTS = ["ff", "c0af", "eda080", "f4908080", "61e282", "80", "cebae1bdb9cf83cebcceb5eda080"].map((hex) =>
  Buffer.from(hex, "hex"),
);
const SIZES = [0, 1, 2, 5, 124, 125, 126, 127, 128, 300, 1000, 65_535, 65_536, 69_999, 70_000, 70_001];
const CODES = [
  1000, 1001, 1002, 1003, 1005, 1006, 1007, 1011, 1012, 1014, 1015, 1016, 0, 999, 2999, 3000, 4999, 5000, 65_535,
];

/** The stream with this number of the run with this seed; the same two numbers give the same stream. */
export function makeStream(seed: number, index: number): Stream {
  const random = new Random(Math.imul(seed, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b));
  const compression = random.chance(40)
    ? { noContextTakeover: random.chance(50), windowBits: 9 + random.below(7) }
    : null;
  const frames = validFrames(random, compression);
  const broken = random.chance(30);
  const begun = random.chance(10) ? begunFrame(random) : Buffer.alloc(0);
  if (broken) breakOne(random, frames);
  const mutations = random.chance(60) ? 1 + random.below(3) : 0;
  const encoded = frames.map((spec) => encodeFrame({ mask: random.bytes(4), ...spec }));
  let bytes: Buffer = Buffer.concat([...encoded, begun]);
  for (let made = 0; made < mutations; made++) bytes = mutate(random, bytes);
  return { bytes, cuts: cut(random, bytes.length), compression, damaged: broken || begun.length > 0 || mutations > 0 };
}

function validFrames(random: Random, agreed: Compression | null): FrameSpec[] {
  const peer =
    agreed &&
    new PeerCompression({
      client_max_window_bits: agreed.windowBits,
      ...(agreed.noContextTakeover ? { client_no_context_takeover: true } : {}),
    });
  const frames: FrameSpec[] = [];
  for (let count = 1 + random.below(8); count > 0; count--) {
    const isText = random.chance(60);
    const payload = isText ? text(random) : random.bytes(random.chance(5) ? random.pick(SIZES) : random.below(300));
    const opcode = isText ? 1 : 2;
    const compressed = peer !== null && random.chance(70);
    const sent = compressed ? peer.deflate(payload) : payload;
    const parts = random.chance(40) ? 1 + random.below(5) : 1;
    frames.push(
      ...withControls(
        random,
        fragments(opcode, sent, Math.max(1, Math.ceil(sent.length / parts)), compressed ? { rsv: 4 } : {}),
      ),
    );
  }
  if (random.chance(50))
    frames.push(frame.close(random.chance(80) ? 1000 : random.pick(CODES), random.pick(["", "", "bye", "€"])));
  return frames;
}

function text(random: Random): Buffer {
  if (random.chance(3)) return Buffer.alloc(random.pick(SIZES), "a");
  const parts = Array.from({ length: 1 + random.below(3) }, () => Buffer.from(random.pick(TEXTS)));
  if (random.chance(5)) parts.push(random.pick(BAD_TEXTS));
  return Buffer.concat(parts);
}

/** RFC 6455 5.4: control frames may stand between the fragments of a message. */
function withControls(random: Random, frames: readonly FrameSpec[]): FrameSpec[] {
  return frames.flatMap((spec) => {
    if (!random.chance(15)) return [spec];
    const payload = random.bytes(random.pick([0, 1, 5, 125]));
    return [random.chance(70) ? frame.ping(payload) : frame.pong(payload), spec];
  });
}

/** One frame is made to break one rule, all the rest staying as it is. */
function breakOne(random: Random, frames: FrameSpec[]): void {
  const at = random.below(frames.length);
  const spec = frames[at] as FrameSpec;
  const broken: readonly Partial<FrameSpec>[] = [
    { opcode: random.below(16) },
    { rsv: random.below(8) },
    { fin: !(spec.fin ?? true) },
    { mask: false },
    { lengthForm: random.pick([16, 64]) },
    { lengthForm: 64, declaredLength: (1n << 63n) + BigInt(random.below(300)) },
    { declaredLength: random.below(2 * MAX_MESSAGE_BYTES) },
    {
      opcode: 8,
      payload: random.pick([
        Buffer.alloc(1),
        closePayload(random.pick(CODES)),
        closePayload(1000, random.pick(BAD_TEXTS)),
      ]),
    },
    { opcode: 1, payload: random.pick(BAD_TEXTS) },
    { opcode: 9, payload: Buffer.alloc(126) },
    { payload: random.bytes(random.below(40)) },
    { payload: "" },
  ];
  const change = random.pick(broken);
  // A length form too short for what it has to hold cannot be written
  const short = change.declaredLength === undefined && change.lengthForm === 16 && (spec.payload?.length ?? 0) > 65_535;
  if (!short) frames[at] = { ...spec, ...change };
  if (random.chance(10)) frames.splice(at + 1, 0, ...Array.from({ length: 140 }, () => frame.next("", { fin: false })));
}

/** The beginning of a frame whose rest never comes. */
function begunFrame(random: Random): Buffer {
  const opcode = random.pick([0, 1, 2, 8, 9, 10]);
  const whole = encodeFrame({ opcode, mask: random.bytes(4), payload: random.bytes(random.pick([1, 2, 10, 200])) });
  return whole.subarray(0, 1 + random.below(whole.length - 1));
}

function mutate(random: Random, bytes: Buffer): Buffer {
  if (bytes.length === 0) return bytes;
  const at = random.below(bytes.length);
  const end = Math.min(bytes.length, at + 1 + random.below(random.chance(50) ? 4 : 200));
  switch (random.below(7)) {
    case 0: {
      const flipped = Buffer.from(bytes);
      flipped[at] = (flipped[at] as number) ^ (1 << random.below(8));
      return flipped;
    }
    case 1: {
      const changed = Buffer.from(bytes);
      changed[at] = random.below(256);
      return changed;
    }
    case 2: // insert
      return Buffer.concat([bytes.subarray(0, at), random.bytes(1 + random.below(8)), bytes.subarray(at)]);
    case 3: // remove
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(end)]);
    case 4: // repeat
      return Buffer.concat([bytes.subarray(0, end), bytes.subarray(at)]);
    case 5: // swap the two halves
      return Buffer.concat([bytes.subarray(at), bytes.subarray(0, at)]);
    default: // end early
      return bytes.subarray(0, at);
  }
}

function cut(random: Random, length: number): number[] {
  const count = random.pick([0, 0, 1, 2, 5, 20]);
  return [...new Set(Array.from({ length: count }, () => random.below(length + 1)))].toSorted((a, b) => a - b);
}

/** The chunks, each with memory of its own: both peers unmask in place. */
export function chunksOf({ bytes, cuts }: Stream): Buffer[] {
  const ends = [...cuts, bytes.length];
  return ends.map((end, index) => Buffer.from(bytes.subarray(ends[index - 1] ?? 0, end)));
}
