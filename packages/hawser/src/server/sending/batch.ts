/**
 * Frames that leave for a socket in one write: a list that grows at its end and shares its beginning. Outboxes that were given the
 * same frames in the same order, as the subscribers of a busy topic are, hold the very same batch, so the bytes are joined once for
 * all of them.
 */
export class Batch {
  readonly #previous: Batch | null;
  readonly #frame: Buffer;
  /** Sum of the frames' lengths. */
  readonly byteLength: number;
  /** The continuation that was made last: the next outbox with this batch most likely gets the same frame. */
  #next: Batch | null = null;
  #joined: Buffer | null = null;

  private constructor(previous: Batch | null, frame: Buffer) {
    this.#previous = previous;
    this.#frame = frame;
    this.byteLength = (previous?.byteLength ?? 0) + frame.length;
  }

  static empty(): Batch {
    return new Batch(null, Buffer.alloc(0));
  }

  with(frame: Buffer): Batch {
    const next = this.#next;
    if (next !== null && next.#frame === frame) return next;
    return (this.#next = new Batch(this, frame));
  }

  /** All frames, one after another. Shared: not to be written to. */
  join(): Buffer {
    if (this.#joined !== null) return this.#joined;
    if (this.#previous!.byteLength === 0) return (this.#joined = this.#frame);
    const joined = Buffer.allocUnsafe(this.byteLength);
    joined.set(this.#frame, this.byteLength - this.#frame.length);
    for (let batch = this.#previous!; batch.byteLength > 0; batch = batch.#previous!) {
      joined.set(batch.#frame, batch.byteLength - batch.#frame.length);
    }
    return (this.#joined = joined);
  }

  /** Lets go of the continuations, so that no frame outlives its turn. */
  forget(): void {
    this.#next = null;
  }
}
