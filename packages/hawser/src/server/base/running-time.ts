import type { Clock } from "./clock.js";

/** The most that one turn of the event loop counts. Turns are that long on a server that is far too busy, and not otherwise. */
const MOST_MS = 250;
/** A turn that begins so long after the one before comes late. */
const LATE_MS = 100;

/**
 * The time in which this process ran, which is what deadlines are measured in. What holds the process up (a debugger, a container that is
 * paused, a laptop asleep, a long collection), and a clock that jumps, count as one long turn: nobody could be heard meanwhile, and nobody
 * is to be blamed for it. Like a clock it tells milliseconds since some point and never goes back; it needs `turn` to be called by a timer
 * for as long as anybody waits for it to pass.
 */
export class RunningTime {
  readonly #clock: Clock;
  #passed: number;
  #turnAt: number;
  #wasLate = false;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#passed = this.#turnAt = clock.now();
  }

  get now(): number {
    return this.at(this.#clock.now());
  }

  /** This time when the clock has that one. */
  at(clock: number): number {
    return this.#passed + counted(clock - this.#turnAt);
  }

  /**
   * A turn of the event loop begins.
   * @returns whether deadlines may be judged. Not when it comes late: what came meanwhile will have been read by the next turn
   */
  turn(): boolean {
    const at = this.#clock.now();
    const sinceLast = at - this.#turnAt;
    this.#passed += counted(sinceLast);
    this.#turnAt = at;
    this.#wasLate = sinceLast > LATE_MS && !this.#wasLate;
    return !this.#wasLate;
  }
}

function counted(ms: number): number {
  return ms < 0 ? 0 : Math.min(ms, MOST_MS);
}
