/** How often a question is put before those who wait for it are told that it has no answer. */
const ATTEMPTS = 3;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

/** How often the broker failed in a row, and when it is asked again. */
export class Attempts {
  readonly #random: () => number;
  #failed = 0;
  #retryAt = -Infinity;

  constructor(random: () => number) {
    this.#random = random;
  }

  get areOver(): boolean {
    return this.#failed >= ATTEMPTS;
  }

  /** Whether one more may be what it takes. */
  get isLast(): boolean {
    return this.#failed + 1 >= ATTEMPTS;
  }

  get retryAt(): number {
    return this.#retryAt;
  }

  succeeded(): void {
    this.#failed = 0;
  }

  failed(now: number): void {
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** this.#failed++, LONGEST_PAUSE_MS);
    this.#retryAt = now + pauseMs * (0.5 + this.#random() / 2);
  }
}
