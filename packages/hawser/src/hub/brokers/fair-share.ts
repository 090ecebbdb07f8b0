/** Something that holds memory, and can do with less. */
export interface Holder {
  readonly bytes: number;
  /** Gives up the oldest it holds, and says so with `FairShare.add`. It may be called for as long as `bytes` is above 0. */
  evict(): void;
}

/**
 * A bound on what many hold together. When it is passed, one of those gives something up that hold more than an equal share: so one busy
 * topic never takes the history of the quiet ones.
 */
export class FairShare {
  readonly #maxBytes: number;
  readonly #holders = new Set<Holder>();
  #round: Iterator<Holder>;
  /** Whoever was found above its share last: it is asked until it no longer is. */
  #rich: Holder | undefined;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
    this.#round = this.#holders.values();
  }

  /** What all of them hold. */
  get bytes(): number {
    return this.#bytes;
  }

  enter(holder: Holder): void {
    this.#holders.add(holder);
    this.add(holder.bytes);
  }

  leave(holder: Holder): void {
    if (!this.#holders.delete(holder)) return;
    this.add(-holder.bytes);
    if (this.#rich === holder) this.#rich = undefined;
  }

  add(bytes: number): void {
    this.#bytes += bytes;
  }

  /** Brings the whole back below the bound after `grown` has grown. */
  settle(grown: Holder): void {
    while (this.#bytes > this.#maxBytes) {
      if (this.#isRich(grown)) grown.evict();
      else this.#findRich().evict();
    }
  }

  // There is one: all of them together hold more than all shares.
  #findRich(): Holder {
    while (this.#rich === undefined || !this.#isRich(this.#rich)) {
      const next = this.#round.next();
      if (next.done === true) this.#round = this.#holders.values();
      else this.#rich = next.value;
    }
    return this.#rich;
  }

  #isRich(holder: Holder): boolean {
    return holder.bytes * this.#holders.size > this.#maxBytes;
  }
}
