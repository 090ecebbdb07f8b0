import type { Clock } from "../index.js";

/** Tries that an address has at once, and the time after which it gets one back. */
const BURST = 10;
const ONE_BACK_MS = 1000;
/** Addresses that are remembered. */
const MOST_ADDRESSES = 1024;

/** Wrong tokens by address: after some of them nobody is listened to for a while there, right or wrong. */
export class FailedTries {
  readonly #clock: Clock;
  readonly #failures = new Map<string, { count: number; since: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  mayTry(address: string): boolean {
    return this.#countOf(address) < BURST;
  }

  failed(address: string): void {
    const count = this.#countOf(address) + 1;
    this.#failures.delete(address);
    this.#failures.set(address, { count, since: this.#clock.now() });
    if (this.#failures.size <= MOST_ADDRESSES) return;
    const [oldest] = this.#failures.keys();
    if (oldest !== undefined) this.#failures.delete(oldest);
  }

  #countOf(address: string): number {
    const failure = this.#failures.get(address);
    if (failure === undefined) return 0;
    return Math.max(0, failure.count - (this.#clock.now() - failure.since) / ONE_BACK_MS);
  }
}
