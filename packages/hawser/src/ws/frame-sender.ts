/** What engine.io and Socket.IO use of the `Sender` of `ws`: frames that a program makes once, for all who get them. */
import { encodeFrame, headerLength } from "../protocol/encoder.js";
import { nextMaskingKey } from "../protocol/masking-keys.js";
import type { Opcode } from "../protocol/opcodes.js";
import { maskingKeysOf } from "./masking-keys.js";
import { toBuffer } from "./payload.js";
import type { Written } from "./socket-port.js";

interface FrameOptions {
  opcode: number;
  /** @default false */
  fin?: boolean | undefined;
  /** The message was compressed. @default false */
  rsv1?: boolean | undefined;
  /** @default false */
  mask?: boolean | undefined;
  generateMask?: ((mask: Buffer) => void) | undefined;
  /** Without effect: the payload is never changed. */
  readOnly?: boolean | undefined;
}

export const Sender = {
  /** A frame, in parts that belong behind each other: RFC 6455 5.2. */
  frame(
    data: string | Buffer,
    { opcode, fin = false, rsv1 = false, mask = false, generateMask }: FrameOptions,
  ): Buffer[] {
    const payload = toBuffer(data);
    const next = generateMask === undefined ? nextMaskingKey : maskingKeysOf(generateMask);
    const maskingKey = mask ? next() : undefined;
    const frame = encodeFrame(opcode as Opcode, payload, { compressed: rsv1, more: !fin, maskingKey });
    const start = headerLength(payload.length) + (mask ? 4 : 0);
    return [frame.subarray(0, start), frame.subarray(start)];
  },
};

/** The `_sender` of a WebSocket. */
export class FrameSender {
  readonly #send: (frame: Buffer, written: Written | undefined) => void;

  constructor(send: (frame: Buffer, written: Written | undefined) => void) {
    this.#send = send;
  }

  /** Sends a frame of `Sender.frame` as it is. @param written as of `send` */
  sendFrame(parts: readonly (Buffer | string)[], written?: Written): void {
    this.#send(join(parts.map(toBuffer)), written);
  }
}

/** Without a copy where they lie behind each other in one memory, as those of `Sender.frame` do. */
function join(parts: readonly Buffer[]): Buffer {
  const [first, second] = parts;
  if (first === undefined || second === undefined) return first ?? Buffer.alloc(0);
  const areAdjacent =
    parts.length === 2 && first.buffer === second.buffer && first.byteOffset + first.length === second.byteOffset;
  return areAdjacent ? Buffer.from(first.buffer, first.byteOffset, first.length + second.length) : Buffer.concat(parts);
}
