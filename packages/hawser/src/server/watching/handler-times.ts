import type { HandlerName } from "../api/client.js";
import type { DurationCounter } from "../base/durations.js";

/**
 * Of the messages that arrive within one millisecond so many have their handlers timed, the first ones: every single one where fewer
 * come. Reading the clock twice costs 0.1 µs, which at a million messages a second would be a tenth of the server's time.
 */
const TIMED_PER_MS = 10;

/** How long handlers take. One that returns a promise takes until that is settled. */
export class HandlerTimes {
  readonly #durations: Readonly<Record<HandlerName, DurationCounter>>;
  readonly #read: () => number;
  #millisecond = -1;
  #left = 0;
  /** Handlers whose promises are pending, of all clients. */
  pending = 0;

  /** @param read a clock in milliseconds with fractions, which is never 0: the server's own has whole ones */
  constructor(durations: Readonly<Record<HandlerName, DurationCounter>>, read: () => number) {
    this.#durations = durations;
    this.#read = read;
  }

  /** @returns when it begins, for `end` */
  begin(): number {
    return this.#read();
  }

  /** Messages have arrived. @returns whether some of this millisecond are still to be timed */
  beginRead(arrivedAt: number): boolean {
    if (arrivedAt !== this.#millisecond) {
      this.#millisecond = arrivedAt;
      this.#left = TIMED_PER_MS;
    }
    return this.#left > 0;
  }

  /** @returns when the handler of a message begins; 0: it is not timed */
  beginMessage(): number {
    if (this.#left === 0) return 0;
    this.#left--;
    return this.#read();
  }

  end(name: HandlerName, begunAt: number): void {
    if (begunAt !== 0) this.#durations[name].add(this.#read() - begunAt);
  }
}
