/** Short payloads are put into slabs of this size, one behind the other: whoever keeps one keeps so much in memory. */
const SLAB_BYTES = 16 * 1024;
/** From this length on a payload has memory of its own. */
const OWN_FROM = 4 * 1024;
/** Room before a payload with memory of its own: the longest header of an unmasked frame (RFC 6455 5.2), so that it can be sent on as it is. */
export const HEADROOM = 10;

const NOTHING = Buffer.alloc(0);

/**
 * Where payloads that have come in are kept. The chunks that a socket delivers are its own again once they have been read; so each
 * payload is unmasked into memory of ours, which costs no more than unmasking it in place. One for all connections will do.
 */
export class PayloadMemory {
  /** What was reserved last lies in this. */
  bytes: Buffer = NOTHING;
  #slab: Buffer = NOTHING;
  #used = 0;

  /** Sets `length` bytes of `bytes` aside. @returns where they begin */
  reserve(length: number): number {
    if (length >= OWN_FROM) {
      this.bytes = Buffer.allocUnsafeSlow(HEADROOM + length);
      return HEADROOM;
    }
    if (this.#used + length > this.#slab.length) {
      this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
      this.#used = 0;
    }
    const at = this.#used;
    // Whole words are written faster where words begin.
    this.#used = (at + length + 3) & ~3;
    this.bytes = this.#slab;
    return at;
  }
}
