import type { Clock } from "./clock.js";

/** Wrong tokens that are answered as such at once, and the time after which one more is. */
interface Allowance {
  readonly burst: number;
  readonly oneBackMs: number;
}

const OF_AN_ADDRESS: Allowance = { burst: 10, oneBackMs: 1000 };
/** Of all together, for those who come from many addresses. It bounds the memory as well: after 10 s an address is forgotten. */
const OF_ALL: Allowance = { burst: 100, oneBackMs: 100 };

interface Used {
  readonly count: number;
  readonly since: number;
}

/** How many wrong tokens are answered as such: by address, and in all. */
export class FailedTries {
  readonly #clock: Clock;
  /** In the order of the last wrong token. */
  readonly #byAddress = new Map<string, Used>();
  #all: Used | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many addresses are remembered. */
  get size(): number {
    return this.#byAddress.size;
  }

  /** Notes a wrong token. @returns false past the allowance: it is not counted either, so that waiting is worth it */
  take(address: string): boolean {
    const ofAddress = this.#count(this.#byAddress.get(address), OF_AN_ADDRESS) + 1;
    const ofAll = this.#count(this.#all, OF_ALL) + 1;
    if (ofAddress > OF_AN_ADDRESS.burst || ofAll > OF_ALL.burst) return false;
    const since = this.#clock.now();
    this.#all = { count: ofAll, since };
    this.#byAddress.delete(address);
    this.#byAddress.set(address, { count: ofAddress, since });
    this.#forget();
    return true;
  }

  /** Those that have all their tries back, from the one whose last wrong token is longest ago. */
  #forget(): void {
    for (const [address, used] of this.#byAddress) {
      if (this.#count(used, OF_AN_ADDRESS) > 0) return;
      this.#byAddress.delete(address);
    }
  }

  #count(used: Used | undefined, { oneBackMs }: Allowance): number {
    return used === undefined ? 0 : Math.max(0, used.count - (this.#clock.now() - used.since) / oneBackMs);
  }
}
