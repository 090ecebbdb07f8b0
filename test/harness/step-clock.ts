import type { Clock } from "#hawser/index.js";

interface Timer {
  dueAt: number;
  readonly periodMs: number;
  readonly callback: () => void;
}

/** A clock that stands still until the test moves it. */
export class StepClock implements Clock {
  #now = 1_000_000;
  readonly #timers = new Set<Timer>();

  now(): number {
    return this.#now;
  }

  every(periodMs: number, callback: () => void): () => void {
    const timer = { dueAt: this.#now + periodMs, periodMs, callback };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  /** How many timers run. */
  get timers(): number {
    return this.#timers.size;
  }

  /** Lets so much time pass, and calls on its way whatever is due, each at its own time. */
  advance(ms: number): void {
    const until = this.#now + ms;
    for (let next = this.#nextBefore(until); next !== undefined; next = this.#nextBefore(until)) {
      this.#now = Math.max(this.#now, next.dueAt);
      next.dueAt = this.#now + next.periodMs;
      next.callback();
    }
    this.#now = until;
  }

  /**
   * Lets so much time pass in one leap, as when the process is held up: each timer that is due is called once, at its end. Less than 0:
   * the clock goes back, which timers do not notice.
   */
  leap(ms: number): void {
    this.#now += ms;
    if (ms < 0) for (const timer of this.#timers) timer.dueAt += ms;
    const due = [...this.#timers].filter(({ dueAt }) => dueAt <= this.#now);
    for (const timer of due) {
      if (!this.#timers.has(timer)) continue;
      timer.dueAt = this.#now + timer.periodMs;
      timer.callback();
    }
  }

  #nextBefore(until: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.dueAt <= until && (next === undefined || timer.dueAt < next.dueAt)) next = timer;
    }
    return next;
  }
}
