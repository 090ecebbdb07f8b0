/** What somebody takes of a budget. */
export class Share {
  readonly bytes: number;
  state: "new" | "waits" | "taken" | "ended" = "new";
  begin: (() => void) | undefined;

  constructor(bytes: number) {
    this.bytes = bytes;
  }
}

/** Bytes that may be under way at once. Who finds too few of them left waits, and is served in the order of coming. */
export class Budget {
  readonly #total: number;
  #free: number;
  readonly #waiting: Share[] = [];
  /** Where the first one stands that was not served. */
  #next = 0;

  constructor(total: number) {
    this.#total = total;
    this.#free = total;
  }

  /**
   * What is more than there is at all is everything.
   * @param begin is called when the share is there later, and never after its end
   * @returns whether it is there at once: then nothing is called
   */
  take(share: Share, begin: () => void): boolean {
    if (this.#waiting.length === 0 && this.#has(share)) return true;
    share.state = "waits";
    share.begin = begin;
    this.#waiting.push(share);
    return false;
  }

  /** Gives it back, or waits no longer. To do so again does nothing: what timed out may be answered afterwards. */
  end(share: Share): void {
    const { state } = share;
    share.state = "ended";
    share.begin = undefined;
    if (state === "taken") this.#free += this.#sizeOf(share);
    if (state === "taken" || state === "waits") this.#serve();
  }

  #serve(): void {
    for (let share = this.#waiting[this.#next]; share !== undefined; share = this.#waiting[this.#next]) {
      if (share.state !== "ended" && !this.#has(share)) break;
      this.#next++;
      share.begin?.();
    }
    // Not each time: then each of those that wait would be moved for each that was served.
    if (this.#next * 2 < this.#waiting.length) return;
    this.#waiting.splice(0, this.#next);
    this.#next = 0;
  }

  #has(share: Share): boolean {
    const bytes = this.#sizeOf(share);
    if (bytes > this.#free) return false;
    this.#free -= bytes;
    share.state = "taken";
    return true;
  }

  #sizeOf({ bytes }: Share): number {
    return Math.min(bytes, this.#total);
  }
}

/** So much less each answer makes it. */
const DECAY = 1 / 16;
/** It never falls below this part of the largest: some that are large after many that were small are no more than a few times what was meant. */
const LEAST = 1 / 16;

/** How large the next answer may be: as those before it, and before there is one as large as can be. */
export class Sizes {
  readonly #least: number;
  #most: number;

  constructor(largest: number) {
    this.#least = largest * LEAST;
    this.#most = largest;
  }

  get most(): number {
    return this.#most;
  }

  saw(bytes: number): void {
    this.#most = Math.max(bytes, this.#least, this.#most * (1 - DECAY));
  }
}
