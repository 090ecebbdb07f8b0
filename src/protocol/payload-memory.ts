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
      if (collectsAll) {
        youngGarbage = [];
        youngGarbage.length = Math.min(length >> GARBAGE_SHIFT, MAX_GARBAGE);
      }
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
}

const NOTHING = Buffer.alloc(0);

/**
 * The memory of long messages lies outside of V8's heap, and from Node 22 on V8 collects the whole heap for every 64 MiB of it. Messages are
 * young garbage, which a collection of the young generation frees for a tenth of the cost; but that one comes only when the young generation
 * is full. So each long message throws a quarter of its length away there: elements of 8 bytes, one for each 32 of the message. With an
 * eighth, half of the collections of the whole heap came all the same.
 */
const GARBAGE_SHIFT = 5;
/** Arrays from 128 KiB on are not put into the young generation. */
const MAX_GARBAGE = 16_000;
/** Kept until the next one, so that no compiler leaves it out. */
let youngGarbage: unknown[];
/** Before Node 22 V8 collects the young generation first by itself, and Bun has another engine. */
const collectsAll = process.versions["bun"] === undefined && Number.parseInt(process.versions.node, 10) >= 22;
