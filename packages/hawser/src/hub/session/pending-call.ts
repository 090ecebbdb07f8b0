import type { Timed } from "../../server/base/deadlines.js";

/** A call of a client's that has begun. It is answered once, and goes on until its handler has settled. */
export class PendingCall implements Timed {
  readonly id: number;
  readonly #deadline: number;
  readonly #onTimeout: (call: PendingCall) => void;
  readonly #controller = new AbortController();
  isAnswered = false;
  wheelAt = 0;
  wheelPrevious: Timed | null = null;
  wheelNext: Timed | null = null;

  constructor(id: number, deadline: number, onTimeout: (call: PendingCall) => void) {
    this.id = id;
    this.#deadline = deadline;
    this.#onTimeout = onTimeout;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  abort(): void {
    this.#controller.abort();
  }

  checkDeadlines(now: number): number {
    if (this.isAnswered) return Infinity;
    if (now < this.#deadline) return this.#deadline;
    this.#onTimeout(this);
    return Infinity;
  }
}
