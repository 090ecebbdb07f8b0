import type { Clock } from "hawser";

/** What is left to others after a piece of work, as a multiple of the time that it took: a tenth of the process at most goes here. */
const REST = 9;
const TICK_MS = 20;

/**
 * Work that looks at every client or room, for whoever watches: one piece after another, with pauses as long as its cost demands, and
 * for each asker the latest only. However many clients there are and dashboards are open, the server is held up by one piece at most.
 */
export class Pace {
  readonly #clock: Clock;
  readonly #waiting = new Map<object, () => void>();
  #freeAt = -Infinity;
  #stopTimer: (() => void) | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Runs the work as soon as it may be; what the same asker wanted before and has not got is forgotten. */
  run(asker: object, work: () => void): void {
    this.#waiting.set(asker, work);
    this.#next();
  }

  cancel(asker: object): void {
    this.#waiting.delete(asker);
  }

  stop(): void {
    this.#waiting.clear();
    this.#stopTimer?.();
    this.#stopTimer = null;
  }

  #next(): void {
    for (const [asker, work] of this.#waiting) {
      if (this.#clock.now() < this.#freeAt) {
        this.#stopTimer ??= this.#clock.every(TICK_MS, () => this.#next());
        return;
      }
      this.#waiting.delete(asker);
      const startedAt = performance.now();
      work();
      this.#freeAt = this.#clock.now() + Math.round((performance.now() - startedAt) * REST);
    }
    this.#stopTimer?.();
    this.#stopTimer = null;
  }
}
