/** One that lived so long after it was ready is replaced at once, however it ended. */
const LONG_ENOUGH_MS = 1000;
const FIRST_WAIT_MS = 100;
/** Between two attempts to start, and between two short lives: what keeps failing must not take a processor for itself. */
const MOST_WAIT_MS = 30_000;
const MOST_WAIT_AFTER_LIFE_MS = 5000;

/** When a worker that has ended is started anew. */
export class Restarts {
  #failedStarts = 0;
  #shortLives = 0;

  /** How many have ended in a row before they were ready. */
  get failedStarts(): number {
    return this.#failedStarts;
  }

  /** A worker listens. */
  ready(): void {
    this.#failedStarts = 0;
  }

  /**
   * One has ended that was not told to.
   * @param readyMs for how long it had been ready, undefined if it never was
   * @returns in how many milliseconds the next one begins
   */
  ended(readyMs: number | undefined): number {
    if (readyMs === undefined) return waitMs(++this.#failedStarts, MOST_WAIT_MS);
    this.#shortLives = readyMs >= LONG_ENOUGH_MS ? 0 : this.#shortLives + 1;
    return waitMs(this.#shortLives, MOST_WAIT_AFTER_LIFE_MS);
  }
}

function waitMs(times: number, most: number): number {
  return times === 0 ? 0 : Math.min(most, FIRST_WAIT_MS * 2 ** (times - 1));
}
