import { mask } from "./mask.js";
import { BINARY, CLOSE, type Opcode, PING, PONG, TEXT } from "./opcodes.js";
import { closeBody } from "./close-codes.js";
import { viewToRead } from "./word-view.js";

/** Longest payload of a control frame, and what a seven-bit length can say. */
const SHORT = 125;
const FIN = 0x80;
const RSV1 = 0x40;
const MASKED = 0x80;

export interface FrameOptions {
  /** The message was compressed (RFC 7692 6). */
  readonly compressed?: boolean | undefined;
  /** Not the last fragment. */
  readonly more?: boolean | undefined;
  /** A client's frames are masked with four random bytes, first byte lowest (RFC 6455 5.3). */
  readonly maskingKey?: number | undefined;
}

const PLAIN: FrameOptions = {};

/** One frame, header and payload in one new buffer (RFC 6455 5.2). Text is written as UTF-8. */
export function encodeFrame(opcode: Opcode, payload: string | Uint8Array, options: FrameOptions = PLAIN): Buffer {
  const { maskingKey } = options;
  const keyLength = maskingKey === undefined ? 0 : 4;
  const frame = placePayload(payload, keyLength);
  const first = (options.more ? 0 : FIN) | (options.compressed ? RSV1 : 0) | opcode;
  const maskBit = maskingKey === undefined ? 0 : MASKED;
  const start = writeHeader(frame, 0, first, payloadWithin(frame.length - keyLength), maskBit) + keyLength;
  if (maskingKey !== undefined) {
    frame.writeInt32LE(maskingKey | 0, start - 4);
    mask(frame, start, frame.length, maskingKey, 0);
  }
  return frame;
}

/** Text of so many characters is encoded before its bytes are counted: on Node 24 counting takes up to ten times as long as encoding. */
const COUNTING_PAYS_BELOW = 1024;

/** A frame of which only the payload has been written yet. Small ones come out of Node's shared pool: no allocation of their own. */
function placePayload(payload: string | Uint8Array, keyLength: number): Buffer {
  if (typeof payload === "string" && payload.length >= COUNTING_PAYS_BELOW) {
    const start = headerLength(payload.length) + keyLength;
    // Most text is ASCII: as many bytes as characters. With room for one more character, of four bytes at most, any other comes to more.
    const frame = Buffer.allocUnsafe(start + payload.length + 4);
    if (frame.write(payload, start) === payload.length) return frame.subarray(0, start + payload.length);
  }
  const length = byteLengthOf(payload);
  const start = headerLength(length) + keyLength;
  const frame = Buffer.allocUnsafe(start + length);
  if (typeof payload !== "string") frame.set(payload, start);
  // ASCII is copied faster than it is encoded.
  else frame.write(payload, start, length === payload.length ? "latin1" : "utf8");
  return frame;
}

/** Length of a message in bytes, text being UTF-8. */
export function byteLengthOf(payload: string | Uint8Array): number {
  return typeof payload === "string" ? Buffer.byteLength(payload) : payload.length;
}

/** The same at most, and at once: no character of a string takes more than three bytes, and a surrogate pair four. */
export function mostBytesOf(payload: string | Uint8Array): number {
  return typeof payload === "string" ? 3 * payload.length : payload.length;
}

/**
 * Writes what `encodeFrame` makes, a text or an unmasked binary frame, into `target` at `at`, where there has to be room for it and
 * MAX_HEADER.
 * @param opcode of bytes: a string is always text @default BINARY
 * @returns the length of the payload in bytes
 */
export function writeMessage(
  target: Buffer,
  at: number,
  payload: string | Uint8Array,
  opcode: typeof TEXT | typeof BINARY = BINARY,
): number {
  if (typeof payload !== "string") {
    target.set(payload, writeHeader(target, at, FIN | opcode, payload.length, 0));
    return payload.length;
  }
  // To count the bytes first would take as long again. Most text is ASCII: as many bytes as characters.
  const likely = at + headerLength(payload.length);
  const length = target.write(payload, likely);
  const start = at + headerLength(length);
  if (start !== likely) target.copyWithin(start, likely, likely + length);
  writeHeader(target, at, FIN | TEXT, length, 0);
  return length;
}

/** Below this many bytes a loop over words copies faster than a call out of JavaScript and the view it needs. */
const LOOP_PAYS_BELOW = 256;

/**
 * Writes an unmasked frame into `target` at `at`, its payload being `bytes[start, end)`; there has to be room for `end - start` bytes
 * and MAX_HEADER. `targetWords` is a view of all of `target`.
 * @returns where it ends
 */
export function writeFrame(
  target: Buffer,
  targetWords: DataView,
  at: number,
  opcode: Opcode,
  bytes: Buffer,
  start: number,
  end: number,
): number {
  const length = end - start;
  const payload = writeHeader(target, at, FIN | opcode, length, 0);
  if (length < LOOP_PAYS_BELOW) copyWords(target, targetWords, payload, bytes, start, end);
  else bytes.copy(target, payload, start, end);
  return payload + length;
}

function copyWords(target: Buffer, targetWords: DataView, at: number, bytes: Buffer, start: number, end: number): void {
  const words = viewToRead(bytes);
  let from = start;
  let to = at;
  for (const last = end - 3; from < last; from += 4, to += 4)
    targetWords.setInt32(to, words.getInt32(from, true), true);
  for (; from < end; from++, to++) target[to] = bytes[from]!;
}

/**
 * Makes a frame of a payload that lies in memory already, `bytes[start, end)`, by writing its header right before it: no copy.
 * @returns where the frame begins; -1 when there is no room for the header
 */
export function writeHeaderBefore(opcode: Opcode, bytes: Buffer, start: number, end: number): number {
  const at = start - headerLength(end - start);
  if (at < 0) return -1;
  writeHeader(bytes, at, FIN | opcode, end - start, 0);
  return at;
}

/** Longest header of an unmasked frame. */
export const MAX_HEADER = 10;

export function encodePing(payload: Uint8Array): Buffer {
  return encodeFrame(PING, payload);
}

export function encodePong(payload: Uint8Array): Buffer {
  return encodeFrame(PONG, payload);
}

/** A close frame; 1005 gives one without a body. A reason past 123 bytes is cut at a character. */
export function encodeClose(code: number, reason: string, options: FrameOptions = PLAIN): Buffer {
  return encodeFrame(CLOSE, closeBody(code, reason), options);
}

/** Length of the payload of an unmasked frame, from the length of the frame. */
export function payloadLength(frame: Uint8Array): number {
  return payloadWithin(frame.length);
}

function payloadWithin(length: number): number {
  return length - (length <= SHORT + 2 ? 2 : length < 65_536 + 4 ? 4 : 10);
}

/** Length of the header of an unmasked frame. */
export function headerLength(length: number): number {
  return length <= SHORT ? 2 : length < 65_536 ? 4 : 10;
}

/** RFC 6455 5.2: the length takes as few bytes as it can. @returns where the header ends, a masking key apart */
function writeHeader(target: Buffer, at: number, first: number, length: number, maskBit: number): number {
  target[at] = first;
  if (length <= SHORT) {
    target[at + 1] = maskBit | length;
    return at + 2;
  }
  if (length < 65_536) {
    target[at + 1] = maskBit | 126;
    target[at + 2] = length >>> 8;
    target[at + 3] = length & 0xff;
    return at + 4;
  }
  target[at + 1] = maskBit | 127;
  target.writeUInt32BE(Math.floor(length / 0x100000000), at + 2);
  target.writeUInt32BE(length >>> 0, at + 6);
  return at + 10;
}
