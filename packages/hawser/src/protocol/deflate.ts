/**
 * The codec of permessage-deflate, RFC 7692 7.2: payloads in, payloads out, one whole message at a time.
 *
 * Each call is one run of zlib with nothing left over. Under context takeover the window is handed back to zlib as a preset
 * dictionary, which to a raw deflate stream is the same as having seen those bytes: no handle, and no native memory, waits
 * between messages.
 */

import { constants, deflateRawSync, inflateRawSync } from "node:zlib";
import type { DeflateOptions, DeflateParameters } from "./deflate-negotiation.js";
import { SlidingWindow } from "./sliding-window.js";

/** Which end of the connection we are. */
export type DeflateRole = "server" | "client";

/** The part of the options that concerns compressing. */
export type DeflateEffort = Pick<DeflateOptions, "level" | "memLevel">;

/** RFC 7692 7.2.1: what a sync flush ends in, and what is not sent. */
const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff]);
/** An empty last block. Behind the tail it tells zlib that the stream ends here; if it does not, the message was cut. */
const END = Buffer.from([0x03, 0x00]);
const TAIL_AND_END = Buffer.concat([TAIL, END]);

/** zlib allots memory chunk by chunk: larger chunks save little, and a short message should not pin a large one. */
const LARGEST_DEFLATE_CHUNK = 16 * 1024;
const LARGEST_INFLATE_CHUNK = 64 * 1024;
const SMALLEST_INFLATE_CHUNK = 1024;

/**
 * How many streams that end in the middle a message may hold, besides one per KiB. Each takes a run of zlib, some 5 µs for
 * as little as 2 bytes. Honest senders make one per message, or one per buffer they fill.
 */
const STREAMS_FOR_FREE = 16;

/** Compresses what one end sends. */
export class Deflater {
  readonly #windowBits: number;
  readonly #effort: DeflateEffort;
  readonly #window: SlidingWindow | null;

  constructor(parameters: DeflateParameters, role: DeflateRole, effort: DeflateEffort) {
    const direction = directionOf(parameters, role);
    this.#windowBits = direction.windowBits;
    this.#effort = effort;
    this.#window = direction.noContextTakeover ? null : new SlidingWindow(direction.windowBits);
  }

  /**
   * The payload of the compressed message, without the tail. It may be longer than `payload`. Under context takeover it has
   * to be sent, and in this order, since the next one may refer to it.
   */
  compress(payload: Uint8Array): Buffer {
    const compressed = deflateMessage(payload, this.#windowBits, this.#effort, this.#window?.bytes);
    this.#window?.append(payload);
    return compressed;
  }
}

/**
 * Compresses one message for every client that agreed to server_no_context_takeover and to this window. A client with a larger
 * window can read it as well. The result is shared: not to be written to.
 */
export function deflateShared(payload: Uint8Array, serverMaxWindowBits: number, effort: DeflateEffort): Buffer {
  return deflateMessage(payload, serverMaxWindowBits, effort, undefined);
}

/** Decompresses what the other end sends. */
export class Inflater {
  readonly #windowBits: number;
  readonly #window: SlidingWindow | null;

  constructor(parameters: DeflateParameters, role: DeflateRole) {
    const direction = directionOf(parameters, role === "server" ? "client" : "server");
    this.#windowBits = direction.windowBits;
    this.#window = direction.noContextTakeover ? null : new SlidingWindow(direction.windowBits);
  }

  /**
   * The message that `payload`, the joined payloads of its frames, stands for. Throws nothing.
   *
   * @param maxBytes The longest message to take, 0 or more. zlib itself stops there: what a bomb takes is this much and one
   *   chunk of at most 64 KiB.
   * @returns "too-big": longer than that. "invalid": not deflate, cut, or more after its end. The connection ends on both,
   *   so the window is worth nothing afterwards.
   */
  inflate(payload: Uint8Array, maxBytes: number): Buffer | "too-big" | "invalid" {
    const pieces: Buffer[] = [];
    const window = this.#window ?? new SlidingWindow(this.#windowBits);
    let streamsLeft = STREAMS_FOR_FREE + (payload.length >>> 10);
    let bytesLeft = maxBytes;
    let likelyBytes = payload.length * 4;
    // RFC 7692 7.2.2: "Append 4 octets of 0x00 0x00 0xff 0xff to the tail end of the payload of the message."
    let rest = Buffer.concat([payload, TAIL_AND_END]);
    for (;;) {
      const run = inflateRun(rest, bytesLeft, this.#windowBits, window.bytes, likelyBytes);
      if (typeof run === "string") return run;
      pieces.push(run.output);
      // The next stream is most likely about as long as this one: memory for all that is left costs more than the run.
      likelyBytes = 2 * run.output.length;
      bytesLeft -= run.output.length;
      rest = rest.subarray(run.consumed);
      const done = isDone(rest);
      // Into the window goes what a later stream or, under context takeover, a later message may refer to.
      if (!done || this.#window !== null) window.append(run.output);
      if (done) return pieces.length === 1 ? run.output : Buffer.concat(pieces);
      // RFC 7692 7.2.3.4: a block with BFINAL ends its stream, not the message: another one follows.
      if (--streamsLeft < 0) return "invalid";
    }
  }
}

/**
 * Whether a run has reached the message's end. It should have come upon our end block. A sender that closed its stream and
 * left out the empty block of 7.2.1 has not, but has said all it had to say: the other implementations take that as well.
 */
function isDone(rest: Uint8Array): boolean {
  return rest.length === 0 || rest.length === TAIL_AND_END.length;
}

function directionOf(
  parameters: DeflateParameters,
  sender: DeflateRole,
): { noContextTakeover: boolean; windowBits: number } {
  return sender === "server"
    ? { noContextTakeover: parameters.serverNoContextTakeover, windowBits: parameters.serverMaxWindowBits }
    : { noContextTakeover: parameters.clientNoContextTakeover, windowBits: parameters.clientMaxWindowBits };
}

function deflateMessage(
  payload: Uint8Array,
  maxWindowBits: number,
  effort: DeflateEffort,
  dictionary: Uint8Array | undefined,
): Buffer {
  const flushed = deflateRawSync(payload, {
    level: effort.level,
    memLevel: effort.memLevel,
    windowBits: windowBitsFor(payload.length + (dictionary?.length ?? 0), maxWindowBits),
    // Room for a payload that does not shrink: a chunk filled to the brim may cost a second, needless flush.
    chunkSize: Math.min(payload.length + (payload.length >>> 3) + 64, LARGEST_DEFLATE_CHUNK),
    dictionary,
    finishFlush: constants.Z_SYNC_FLUSH,
  });
  return flushed.subarray(0, flushed.length - TAIL.length);
}

/**
 * The smallest window that reaches over all there is to refer to: zlib clears and allots memory by its size, which is half of
 * the time a short message takes.
 *
 * zlib cannot deflate with 8 bits and Node takes 9 in its place. That keeps to a window of 256 bytes all the same: zlib never
 * refers back further than its window less 262 (MAX_DIST in deflate.h), which of 512 leaves 250.
 */
function windowBitsFor(reach: number, maxWindowBits: number): number {
  const needed = 32 - Math.clz32(reach + 261);
  return Math.max(9, Math.min(needed, maxWindowBits));
}

interface InflateRun {
  output: Buffer;
  /** Bytes of the input up to the end of the stream. */
  consumed: number;
}

/** One run of zlib up to the first block with BFINAL. */
function inflateRun(
  input: Uint8Array,
  maxBytes: number,
  windowBits: number,
  dictionary: Uint8Array | undefined,
  likelyBytes: number,
): InflateRun | "too-big" | "invalid" {
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what `info` makes of the result is documented, not typed
    const { buffer, engine } = inflateRawSync(input, {
      windowBits,
      chunkSize: Math.min(Math.max(likelyBytes, SMALLEST_INFLATE_CHUNK), LARGEST_INFLATE_CHUNK),
      maxOutputLength: Math.max(maxBytes, 1),
      dictionary,
      info: true,
    }) as unknown as { buffer: Buffer; engine: { bytesWritten: number } };
    return buffer.length > maxBytes ? "too-big" : { output: buffer, consumed: engine.bytesWritten };
  } catch (error) {
    return error instanceof RangeError && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE"
      ? "too-big"
      : "invalid";
  }
}
