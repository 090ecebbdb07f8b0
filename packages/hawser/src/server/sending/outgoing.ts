import { type DeflateEffort, deflateShared } from "../../protocol/deflate.js";
import { encodeFrame, payloadLength } from "../../protocol/encoder.js";
import { BINARY, TEXT } from "../../protocol/opcodes.js";
import { Message, type Payload } from "./message.js";
import { ownMemory } from "./own-memory.js";

/** How compressed messages are made, for the whole server. */
export interface CompressionSettings extends DeflateEffort {
  readonly thresholdBytes: number;
}

/** One message on its way to any number of clients: each form of it is encoded once, when the first client needs it. */
export class Outgoing {
  /** The payload, before compression. */
  readonly bytes: Uint8Array;
  readonly byteLength: number;
  readonly #opcode: typeof TEXT | typeof BINARY;
  readonly #compression: CompressionSettings;
  #uncompressed: Buffer | null = null;
  /** By window bits. */
  #deflated: Map<number, Buffer> | null = null;
  #kept: Map<Buffer, Buffer> | null = null;

  /**
   * @param payload one that was checked
   * @param isKept for long: then it lies in memory that holds nothing else
   */
  constructor(payload: Payload, compression: CompressionSettings, isKept = false) {
    this.#opcode = isText(payload) ? TEXT : BINARY;
    if (isKept || typeof payload === "string" || payload instanceof Message) {
      // A long message is not copied for it.
      const frame = payload instanceof Message ? payload.toFrame() : encodeFrame(this.#opcode, payload);
      this.#uncompressed = isKept ? ownMemory(frame) : frame;
      this.bytes = this.#uncompressed.subarray(this.#uncompressed.length - payloadLength(this.#uncompressed));
    } else this.bytes = payload;
    this.byteLength = this.bytes.length;
    this.#compression = compression;
  }

  /** Whether compression is worth its time. */
  get isLong(): boolean {
    return this.byteLength >= this.#compression.thresholdBytes;
  }

  uncompressedFrame(): Buffer {
    return (this.#uncompressed ??= encodeFrame(this.#opcode, this.bytes));
  }

  /** For every client with this window and without context takeover. A message that does not shrink is sent as it is. */
  deflatedFrame(windowBits: number): Buffer {
    if (!this.isLong) return this.uncompressedFrame();
    let frame = this.#deflated?.get(windowBits);
    if (frame === undefined) {
      const compressed = deflateShared(this.bytes, windowBits, this.#compression);
      frame = compressed.length < this.byteLength ? this.compressedFrame(compressed) : this.uncompressedFrame();
      (this.#deflated ??= new Map()).set(windowBits, frame);
    }
    return frame;
  }

  /** For a client that has to wait: one of these frames, in memory that all who wait for it share and that holds nothing else. */
  toKeep(frame: Buffer): Buffer {
    let kept = this.#kept?.get(frame);
    if (kept === undefined) {
      kept = ownMemory(frame);
      (this.#kept ??= new Map()).set(frame, kept);
    }
    return kept;
  }

  compressedFrame(compressed: Uint8Array): Buffer {
    return encodeFrame(this.#opcode, compressed, { compressed: true });
  }
}

function isText(payload: Payload): boolean {
  return payload instanceof Message ? !payload.isBinary : typeof payload === "string";
}
