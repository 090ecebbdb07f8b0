/** The message that is sent again and again, with a stamp of its own each time if there is room. */
import { randomFillSync } from "node:crypto";
import { STAMP_BYTES, writeStamp } from "./stamp.js";

const FILLER = "The quick brown fox jumps over the lazy dog. ";

export class Payload {
  readonly isBinary: boolean;
  readonly isStamped: boolean;
  readonly #bytes: Buffer;

  constructor(size: number, isBinary: boolean) {
    this.isBinary = isBinary;
    this.isStamped = size >= STAMP_BYTES;
    this.#bytes = isBinary ? randomFillSync(Buffer.alloc(size)) : Buffer.alloc(size, FILLER);
  }

  get size(): number {
    return this.#bytes.length;
  }

  /** Good until the next call. */
  stamped(micros: number, sender: number): Buffer {
    if (this.isStamped) writeStamp(this.#bytes, micros, sender);
    return this.#bytes;
  }
}
