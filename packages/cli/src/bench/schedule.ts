/** Messages at a fixed rate: when each is due is known in advance, and does not depend on how the server does. */
import { availableParallelism } from "node:os";
import type { Counters } from "./tally.js";

/**
 * Timers fire up to 1 ms late. The last of the wait is spent in turns of the event loop, so that messages leave when they are due;
 * but not where that would take the processor from the server.
 */
const TIMER_SLACK_MS = 2;
/** In one turn, so that answers are read in between even when we are far behind. */
const MOST_PER_TURN = 256;
/** At the end; who is further behind than this had no time for more anyhow. */
const MOST_AT_THE_END = 16 * 1024;

export class Schedule {
  readonly #counters: Counters;
  readonly #intervalMs: number;
  readonly #emit: (due: number) => void;
  readonly #slackMs: number;
  #start = 0;
  #count = 0;
  #running = false;
  #spinSince = -1;
  #receivedBefore = 0;

  /**
   * `emit` is called for each message, no earlier than it is due.
   * @param threads how many of these there are
   */
  constructor(counters: Counters, perSecond: number, threads: number, emit: (due: number) => void) {
    this.#counters = counters;
    this.#slackMs = threads < availableParallelism() ? TIMER_SLACK_MS : 0;
    this.#intervalMs = 1000 / perSecond;
    this.#emit = emit;
  }

  /** The first message is due at `at`. */
  start(at: number): void {
    this.#start = at;
    this.#running = true;
    this.#turn();
  }

  /** What is due before `end` and was not handed out yet, since this thread was held up, is handed out now. */
  stop(end: number): void {
    if (!this.#running) return;
    this.#running = false;
    this.#emitBefore(end, MOST_AT_THE_END);
  }

  /** Messages that are due and were not handed out yet. */
  get behind(): number {
    return this.#running ? Math.max(0, Math.floor((this.#counters.now() - this.#next) / this.#intervalMs) + 1) : 0;
  }

  get #next(): number {
    // Counted from the start: a sum of intervals would drift.
    return this.#start + this.#count * this.#intervalMs;
  }

  readonly #turn = (): void => {
    if (!this.#running) return;
    const now = this.#counters.now();
    this.#countIdle(now);
    const emitted = this.#emitBefore(now, MOST_PER_TURN);
    const wait = this.#next - now;
    this.#spinSince = emitted === 0 && wait <= this.#slackMs ? now : -1;
    if (wait > this.#slackMs) setTimeout(this.#turn, Math.max(1, Math.floor(wait) - 1));
    else setImmediate(this.#turn);
  };

  /** @returns how many were */
  #emitBefore(time: number, most: number): number {
    let emitted = 0;
    for (; this.#next < time && emitted < most; emitted++) {
      const due = this.#next;
      this.#count++;
      this.#counters.recordLag(due);
      this.#emit(due);
    }
    return emitted;
  }

  /** A turn in which nothing was due and nothing came is no work. */
  #countIdle(now: number): void {
    const { received } = this.#counters;
    if (this.#spinSince >= 0 && received === this.#receivedBefore) this.#counters.idleMs += now - this.#spinSince;
    this.#receivedBefore = received;
  }
}
