/**
 * The last bytes of a stream, up to a fixed number. It is all that a deflate stream carries from one message to the next
 * once it has been flushed, so this much stands in for a zlib handle of some 300 KiB. Holds no memory before the first byte.
 */
export class SlidingWindow {
  readonly #size: number;
  #memory: Uint8Array = new Uint8Array(0);
  #length = 0;

  /** @param windowBits log2 of how many bytes are kept, as RFC 7692 7.1.2 counts them. */
  constructor(windowBits: number) {
    this.#size = 1 << windowBits;
  }

  /** A view that holds until the next `append`; undefined while there is nothing, as zlib's `dictionary` may not be empty. */
  get bytes(): Uint8Array | undefined {
    return this.#length === 0 ? undefined : this.#memory.subarray(0, this.#length);
  }

  append(data: Uint8Array): void {
    const added = data.length > this.#size ? data.subarray(data.length - this.#size) : data;
    const kept = Math.min(this.#length, this.#size - added.length);
    const old = this.#memory.subarray(this.#length - kept, this.#length);
    if (kept + added.length > this.#memory.length) {
      this.#memory = new Uint8Array(Math.min(this.#size, 2 * (kept + added.length)));
    }
    // The old bytes move to the front, in place or over to the new memory: `set` takes care of the overlap.
    this.#memory.set(old);
    this.#memory.set(added, kept);
    this.#length = kept + added.length;
  }
}
