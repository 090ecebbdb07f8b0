/**
 * Frames of RFC 6455 for a client that has to be able to break every rule of them, and a reader that notes each rule which a
 * server breaks.
 */
import { randomBytes } from "node:crypto";
import { BINARY, CLOSE, CONTINUATION, mask, PONG, TEXT } from "hawser/protocol";

export interface FrameSpec {
  readonly opcode: number;
  /** @default empty; a string is sent as UTF-8 */
  readonly payload?: string | Uint8Array;
  /** @default true */
  readonly fin?: boolean;
  /** RSV1 = 4, RSV2 = 2, RSV3 = 1. @default 0 */
  readonly rsv?: number;
  /** `false` leaves the frame unmasked, which no client may. @default true */
  readonly masked?: boolean;
  /** What the length field says, whatever the payload's real length is. */
  readonly declaredLength?: number | bigint;
}

export function encode(spec: FrameSpec): Buffer {
  const payload = Buffer.from(spec.payload ?? "");
  const length = BigInt(spec.declaredLength ?? payload.length);
  const isMasked = spec.masked ?? true;
  const extra = length < 126n ? 0 : length < 65_536n ? 2 : 8;
  const frame = Buffer.alloc(2 + extra + (isMasked ? 4 : 0) + payload.length);
  frame[0] = ((spec.fin ?? true) ? 0x80 : 0) | ((spec.rsv ?? 0) << 4) | spec.opcode;
  frame[1] = (isMasked ? 0x80 : 0) | (extra === 0 ? Number(length) : extra === 2 ? 126 : 127);
  if (extra === 2) frame.writeUInt16BE(Number(length), 2);
  if (extra === 8) frame.writeBigUInt64BE(length, 2);
  const start = frame.length - payload.length;
  frame.set(payload, start);
  if (isMasked) {
    // RFC 6455 5.3: a fresh key for each frame.
    const key = randomBytes(4);
    frame.set(key, start - 4);
    mask(frame, start, frame.length, key.readInt32LE(0), 0);
  }
  return frame;
}

export interface Frame {
  readonly fin: boolean;
  readonly opcode: number;
  /** RSV1: compressed. */
  readonly compressed: boolean;
  /** Empty where the frame is larger than is kept. */
  readonly payload: Buffer;
  readonly length: number;
}

/** Larger payloads are passed over: nothing that is checked needs them. */
const KEPT_BYTES = 256 * 1024;

export class FrameReader {
  /** Rules of RFC 6455 that the server broke. */
  readonly violations: Set<string> = new Set<string>();
  readonly #onFrame: (frame: Frame) => void;
  #buffered: Buffer = Buffer.alloc(0);
  /** Bytes of a large payload that are still to be passed over. */
  #passOver = 0;
  #inMessage = false;

  constructor(onFrame: (frame: Frame) => void) {
    this.#onFrame = onFrame;
  }

  push(chunk: Buffer): void {
    const skipped = Math.min(this.#passOver, chunk.length);
    this.#passOver -= skipped;
    const rest = chunk.subarray(skipped);
    this.#buffered = this.#buffered.length === 0 ? rest : Buffer.concat([this.#buffered, rest]);
    let at = 0;
    for (let end = this.#read(at); end > 0; end = this.#read(at)) at = end;
    this.#buffered = this.#buffered.subarray(at);
  }

  /** @returns where the frame at `at` ends; 0 when it is not whole yet */
  #read(at: number): number {
    const bytes = this.#buffered;
    if (bytes.length < at + 2) return 0;
    const first = bytes.readUInt8(at);
    const second = bytes.readUInt8(at + 1);
    const form = second & 0x7f;
    const isMasked = (second & 0x80) !== 0;
    const start = at + 2 + (form === 126 ? 2 : form === 127 ? 8 : 0) + (isMasked ? 4 : 0);
    if (bytes.length < start) return 0;
    const length =
      form === 126 ? bytes.readUInt16BE(at + 2) : form === 127 ? Number(bytes.readBigUInt64BE(at + 2)) : form;
    const isLarge = length > KEPT_BYTES;
    if (!isLarge && bytes.length < start + length) return 0;
    const frame = {
      fin: (first & 0x80) !== 0,
      opcode: first & 0xf,
      compressed: (first & 0x40) !== 0,
      payload: isLarge ? Buffer.alloc(0) : Buffer.from(bytes.subarray(start, start + length)),
      length,
    };
    this.#check(frame, isMasked, (first & 0x30) !== 0);
    this.#onFrame(frame);
    if (!isLarge) return start + length;
    const here = Math.min(bytes.length - start, length);
    this.#passOver = length - here;
    return start + here;
  }

  #check({ fin, opcode, length }: Frame, isMasked: boolean, hasReservedBits: boolean): void {
    if (isMasked) this.violations.add("it masks its frames (5.1)");
    if (hasReservedBits) this.violations.add("it sets reserved bits (5.2)");
    if (opcode >= CLOSE) {
      if (opcode > PONG) this.violations.add(`it sends the reserved opcode ${opcode} (5.2)`);
      if (!fin) this.violations.add("it fragments control frames (5.5)");
      if (length > 125) this.violations.add("it sends control frames of more than 125 bytes (5.5)");
      return;
    }
    if (opcode > BINARY) this.violations.add(`it sends the reserved opcode ${opcode} (5.2)`);
    if (opcode === CONTINUATION && !this.#inMessage)
      this.violations.add("it continues a message that never began (5.4)");
    if (opcode >= TEXT && this.#inMessage) this.violations.add("it begins a message inside another one (5.4)");
    this.#inMessage = !fin;
  }
}
