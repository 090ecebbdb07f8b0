/**
 * RFC 6455 frames as bytes, for a test client that must be able to break every rule of them.
 * `encodeFrame` writes whatever it is told; `FrameReader` reads what a server sends and notes each rule it breaks.
 */
import { isUtf8 } from "node:buffer";
import { randomFillSync } from "node:crypto";

export const CONTINUATION = 0x0;
export const TEXT = 0x1;
export const BINARY = 0x2;
export const CLOSE = 0x8;
export const PING = 0x9;
export const PONG = 0xa;

export interface FrameSpec {
  opcode: number;
  /** @default empty; a string is sent as UTF-8 */
  payload?: string | Uint8Array;
  /** @default true */
  fin?: boolean;
  /** RSV1..RSV3 as one number, RSV1 = 4, RSV2 = 2, RSV3 = 1. @default 0 */
  rsv?: number;
  /** `false` leaves the frame unmasked (a violation for a client); four bytes give the masking key. @default a random key */
  mask?: boolean | Uint8Array;
  /** What the length field says, whatever the payload's real length is. */
  declaredLength?: number | bigint;
  /** Forces the 7-bit, 16-bit or 64-bit form of the length field. @default the shortest that fits */
  lengthForm?: 7 | 16 | 64;
}

export function toBytes(data: string | Uint8Array | undefined): Buffer {
  if (data === undefined) return Buffer.alloc(0);
  return typeof data === "string"
    ? Buffer.from(data, "utf8")
    : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}

export function encodeFrame(spec: FrameSpec): Buffer {
  const payload = toBytes(spec.payload);
  const length = BigInt(spec.declaredLength ?? payload.length);
  const form = spec.lengthForm ?? (length < 126n ? 7 : length < 65536n ? 16 : 64);
  const masked = spec.mask !== false;
  const head = Buffer.alloc(2 + (form === 7 ? 0 : form / 8) + (masked ? 4 : 0));
  head[0] = ((spec.fin ?? true) ? 0x80 : 0) | ((spec.rsv ?? 0) << 4) | spec.opcode;
  const maskBit = masked ? 0x80 : 0;
  if (form === 7) head[1] = maskBit | Number(length);
  else if (form === 16) {
    head[1] = maskBit | 126;
    head.writeUInt16BE(Number(length), 2);
  } else {
    head[1] = maskBit | 127;
    head.writeBigUInt64BE(BigInt.asUintN(64, length), 2);
  }
  if (!masked) return Buffer.concat([head, payload]);
  const key = spec.mask instanceof Uint8Array ? spec.mask : randomKey();
  head.set(key, head.length - 4);
  return Buffer.concat([head, xorMask(payload, key)]);
}

const keys = Buffer.alloc(65_536);
let nextKey = keys.length;

/** RFC 6455 5.3: a fresh masking key for each frame. From a pool, since some cases send 65,536 frames. */
function randomKey(): Uint8Array {
  if (nextKey === keys.length) {
    randomFillSync(keys);
    nextKey = 0;
  }
  return keys.subarray(nextKey, (nextKey += 4));
}

/** A masked copy of `payload`; in words, since some cases send 16 MiB. */
export function xorMask(payload: Uint8Array, key: Uint8Array): Buffer {
  const words = new Uint32Array(Math.ceil(payload.length / 4));
  const bytes = Buffer.from(words.buffer, 0, payload.length);
  bytes.set(payload);
  const word = new Uint32Array(Uint8Array.from(key).buffer)[0] ?? 0;
  for (let i = 0; i < words.length; i++) words[i] = (words[i] ?? 0) ^ word;
  return bytes;
}

export function closePayload(code: number, reason: string | Uint8Array = ""): Buffer {
  const head = Buffer.alloc(2);
  head.writeUInt16BE(code);
  return Buffer.concat([head, toBytes(reason)]);
}

/** Shorthands for the tables of cases. */
export const frame = {
  text: (payload: string | Uint8Array, more: Partial<FrameSpec> = {}): FrameSpec => ({
    opcode: TEXT,
    payload,
    ...more,
  }),
  binary: (payload: string | Uint8Array, more: Partial<FrameSpec> = {}): FrameSpec => ({
    opcode: BINARY,
    payload,
    ...more,
  }),
  next: (payload: string | Uint8Array, more: Partial<FrameSpec> = {}): FrameSpec => ({
    opcode: CONTINUATION,
    payload,
    ...more,
  }),
  ping: (payload: string | Uint8Array = "", more: Partial<FrameSpec> = {}): FrameSpec => ({
    opcode: PING,
    payload,
    ...more,
  }),
  pong: (payload: string | Uint8Array = "", more: Partial<FrameSpec> = {}): FrameSpec => ({
    opcode: PONG,
    payload,
    ...more,
  }),
  close: (code?: number, reason: string | Uint8Array = "", more: Partial<FrameSpec> = {}): FrameSpec => ({
    opcode: CLOSE,
    payload: code === undefined ? "" : closePayload(code, reason),
    ...more,
  }),
};

/** One message as frames of at most `size` bytes each: the first with the opcode, the rest as continuations. */
export function fragments(
  opcode: number,
  payload: string | Uint8Array,
  size: number,
  more: Partial<FrameSpec> = {},
): FrameSpec[] {
  const bytes = toBytes(payload);
  const frames: FrameSpec[] = [];
  for (let at = 0; at === 0 || at < bytes.length; at += size) {
    const first = at === 0;
    frames.push({
      ...(first ? more : {}), // RFC 7692 6.1: RSV1 is set on the first frame of a message only
      opcode: first ? opcode : CONTINUATION,
      payload: bytes.subarray(at, at + size),
      fin: at + size >= bytes.length,
    });
  }
  return frames;
}

export interface Frame {
  fin: boolean;
  rsv: number;
  opcode: number;
  payload: Buffer;
}

/** Reads a server's frames. `violations` names each rule of RFC 6455 that the server broke. */
export class FrameReader {
  readonly violations: string[] = [];
  #chunks: Buffer[] = [];
  #buffered = 0;
  #needed = 2;
  #inMessage = false;
  #closed = false;

  push(chunk: Buffer): Frame[] {
    this.#chunks.push(chunk);
    this.#buffered += chunk.length;
    const frames: Frame[] = [];
    while (this.#buffered >= this.#needed) {
      const bytes =
        this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks, this.#buffered);
      this.#chunks = [bytes];
      const parsed = this.#parse(bytes);
      if (typeof parsed === "number") {
        this.#needed = parsed;
        continue;
      }
      frames.push(parsed.frame);
      const rest = bytes.subarray(parsed.length);
      this.#chunks = rest.length > 0 ? [rest] : [];
      this.#buffered = rest.length;
      this.#needed = 2;
    }
    return frames;
  }

  /** Bytes of a frame that has begun and not ended. */
  get pendingBytes(): number {
    return this.#buffered;
  }

  /** A frame with its length in bytes, or how many bytes are needed to say more. */
  #parse(bytes: Buffer): { frame: Frame; length: number } | number {
    const first = bytes[0] ?? 0;
    const second = bytes[1] ?? 0;
    const form = second & 0x7f;
    const masked = (second & 0x80) !== 0;
    const headLength = 2 + (form === 126 ? 2 : form === 127 ? 8 : 0) + (masked ? 4 : 0);
    if (bytes.length < headLength) return headLength;
    const length = form === 126 ? bytes.readUInt16BE(2) : form === 127 ? Number(bytes.readBigUInt64BE(2)) : form;
    if (bytes.length < headLength + length) return headLength + length;
    const frame: Frame = {
      fin: (first & 0x80) !== 0,
      rsv: (first >> 4) & 7,
      opcode: first & 0xf,
      payload: bytes.subarray(headLength, headLength + length),
    };
    this.#check(frame, masked, form);
    return { frame, length: headLength + length };
  }

  #check(frame: Frame, masked: boolean, form: number): void {
    const { fin, rsv, opcode, payload } = frame;
    const say = (rule: string): void => void this.violations.push(rule);
    if (masked) say("5.1: a server must not mask its frames");
    if ((form === 126 && payload.length < 126) || (form === 127 && payload.length < 65536))
      say("5.2: length not in its shortest form");
    if ((rsv & 3) !== 0) say(`5.2: reserved bits ${rsv} set`);
    if (this.#closed) say(`5.5.1: frame with opcode ${opcode} after the close frame`);
    if (opcode >= 8) {
      if (opcode > PONG) say(`5.2: reserved opcode ${opcode}`);
      if (!fin) say("5.4: fragmented control frame");
      if (payload.length > 125) say("5.5: control frame longer than 125 bytes");
      if (rsv !== 0) say("RFC 7692 6.1: RSV1 on a control frame");
      if (opcode === CLOSE) {
        this.#closed = true;
        if (payload.length === 1) say("5.5.1: close body of one byte");
        if (!isUtf8(payload.subarray(2))) say("5.5.1: close reason is not UTF-8");
      }
      return;
    }
    if (opcode > BINARY) say(`5.2: reserved opcode ${opcode}`);
    if (opcode === CONTINUATION && !this.#inMessage) say("5.4: continuation of nothing");
    if (opcode !== CONTINUATION && this.#inMessage) say("5.4: new message inside another");
    if (opcode === CONTINUATION && rsv !== 0) say("RFC 7692 6.1: RSV1 on a continuation");
    this.#inMessage = !fin;
  }
}
