import { mask } from "./mask.js";
import { CLOSE, type Opcode, PING, PONG } from "./opcodes.js";
import { closeBody } from "./close-codes.js";

/** Longest payload of a control frame, and what a seven-bit length can say. */
const SHORT = 125;
const FIN = 0x80;
const RSV1 = 0x40;
const MASKED = 0x80;

export interface FrameOptions {
  /** The message was compressed (RFC 7692 6). */
  readonly compressed?: boolean;
  /** Not the last fragment. */
  readonly more?: boolean;
  /** A client's frames are masked with four random bytes, first byte lowest (RFC 6455 5.3). */
  readonly maskingKey?: number;
}

const PLAIN: FrameOptions = {};

/** One frame, header and payload in one new buffer (RFC 6455 5.2). Text is written as UTF-8. */
export function encodeFrame(opcode: Opcode, payload: string | Uint8Array, options: FrameOptions = PLAIN): Buffer {
  const length = typeof payload === "string" ? Buffer.byteLength(payload) : payload.length;
  const masked = options.maskingKey !== undefined;
  const start = headerLength(length) + (masked ? 4 : 0);
  // Small frames come out of Node's shared pool: no allocation of their own.
  const frame = Buffer.allocUnsafe(start + length);
  frame[0] = (options.more ? 0 : FIN) | (options.compressed ? RSV1 : 0) | opcode;
  writeLength(frame, length, masked ? MASKED : 0);
  // Text of as many bytes as characters is ASCII, which is copied faster than it is encoded.
  if (typeof payload === "string") frame.write(payload, start, length === payload.length ? "latin1" : "utf8");
  else frame.set(payload, start);
  if (masked) {
    frame.writeInt32LE(options.maskingKey | 0, start - 4);
    mask(frame, start, frame.length, options.maskingKey, 0);
  }
  return frame;
}

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
  return frame.length - (frame.length <= SHORT + 2 ? 2 : frame.length < 65_536 + 4 ? 4 : 10);
}

function headerLength(length: number): number {
  return length <= SHORT ? 2 : length < 65_536 ? 4 : 10;
}

/** RFC 6455 5.2: the length takes as few bytes as it can. */
function writeLength(frame: Buffer, length: number, maskBit: number): void {
  if (length <= SHORT) frame[1] = maskBit | length;
  else if (length < 65_536) {
    frame[1] = maskBit | 126;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = maskBit | 127;
    frame.writeUInt32BE(Math.floor(length / 0x100000000), 2);
    frame.writeUInt32BE(length >>> 0, 6);
  }
}
