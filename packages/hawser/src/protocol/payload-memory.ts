import { headerLength, MAX_HEADER } from "./encoder.js";

/**
 * Where payloads that have come in are kept. The chunks that a socket delivers are its own again once they have been read; so each
 * payload is unmasked into memory of ours, which costs no more than unmasking it in place. There is room for a frame's header before
 * each, so that it can be sent on as it lies there. One for all connections will do.
 */
export class PayloadMemory {
  /** What was reserved last lies in this. */
  bytes: Buffer = NOTHING;
  readonly #slabBytes: number;
  #slab: Buffer = NOTHING;
  #used = 0;

  /**
   * @param slabBytes Short payloads, up to a quarter of it, are put into slabs of this size, one behind the other: whoever keeps one
   * keeps so much in memory.
   */
  constructor(slabBytes: number = 16 * 1024) {
    this.#slabBytes = slabBytes;
  }

  /** Sets `length` bytes of `bytes` aside, and those of a header before them. @returns where the payload begins */
  reserve(length: number): number {
    if (length >= this.#slabBytes / 4) {
      this.bytes = Buffer.allocUnsafeSlow(MAX_HEADER + length);
      return MAX_HEADER;
    }
    const header = headerLength(length);
    if (this.#used + header + length > this.#slab.length) {
      this.#slab = Buffer.allocUnsafeSlow(this.#slabBytes);
      this.#used = 0;
    }
    const at = this.#used + header;
    this.#used = at + length;
    // Most often it is that already, and V8 would have to note down again that an old object refers to a young one.
    if (this.bytes !== this.#slab) this.bytes = this.#slab;
    return at;
  }

  /** The same for messages that have come together, as frames one behind the other. @returns where the first frame begins */
  reserveFrames(length: number): number {
    return this.reserve(length);
  }
}

const NOTHING = Buffer.alloc(0);
