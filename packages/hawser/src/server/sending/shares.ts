import type { Clock } from "../base/clock.js";

/**
 * How many milliseconds of a turn one client may have, and all clients together; past that each may have a little, for one message at
 * least. Short enough for nobody to notice, and long beside what it costs to go on later: a turn (10 µs), and what is sent to a room of
 * thousands leaves in more writes.
 */
const CLIENT_MS = 8;
const ALL_MS = 16;
const PAST_ALL_MS = 1;
/** The clock is looked at after so much work, or so many settled promises: behind a hundred cheap messages there may be slow ones. */
const LOOK_EVERY = 8;
/** And after so much work once in between, where handlers take time. */
const FIRST_LOOK = LOOK_EVERY / 2;
/** What took longer than this is looked at more closely. Less is seen early enough, and may be the machine's. */
const QUICK_MS = 3;
/** In this turn and the next. */
const WATCHED_TURNS = 2;

/**
 * How much of each turn of the event loop one client may have, and all clients together: in work, as the parser counts it, and in time.
 * Whoever has used it up goes on in another turn.
 */
export class Shares {
  /** How much work one client may cause in a turn. */
  readonly #maxWork: number;
  readonly #clock: Clock;
  /** Ends the turn. Called once a good part of it is used: without work to put off it would go on over several rounds of the event loop. */
  readonly #endTurn: () => void;
  /** Until when time has been counted, and how much of it in this turn. In whole milliseconds, which add up as exact ones would. */
  #countedTo = 0;
  #spentMs = 0;
  /** For how many turns the clock is looked at from the first message on; 0: handlers are known to be quick. */
  #watched = WATCHED_TURNS;
  /** Promises that were settled since the last look. */
  #settled = 0;

  constructor(clock: Clock, maxWork: number, endTurn: () => void) {
    this.#clock = clock;
    this.#maxWork = maxWork;
    this.#endTurn = endTurn;
  }

  /** Whether all clients together have had what there is for all. */
  get isTimeUsed(): boolean {
    return this.#spentMs >= ALL_MS;
  }

  /** Whether it was far more than that. */
  get isOverrun(): boolean {
    return this.#spentMs > 2 * ALL_MS;
  }

  /** A new turn begins, and with it everybody's share. */
  renew(): void {
    if (this.#watched > 0) this.#watched--;
    this.#spentMs = 0;
    this.beginWork();
  }

  /** Somebody's work begins: what was before it is nobody's. */
  beginWork(now: number = this.#clock.now()): void {
    // It may be what others did since the last look at them.
    if (now - this.#countedTo > QUICK_MS) this.#watched = WATCHED_TURNS;
    this.#countedTo = now;
  }

  /** @returns how many milliseconds the work took that was done since it was counted last */
  countWork(): number {
    const now = this.#clock.now();
    const took = now - this.#countedTo;
    this.#countedTo = now;
    this.#spentMs += took;
    this.#settled = 0;
    if (took > QUICK_MS) this.#watched = WATCHED_TURNS;
    if (this.#spentMs >= ALL_MS / 2) this.#endTurn();
    return took;
  }

  /**
   * How much a client that has done so much in this turn may do before the clock is looked at again. Little at first where handlers take
   * time, for a single message may; and never much.
   */
  nextLook(work: number): number {
    const soon = work < 2 ? work + 1 : FIRST_LOOK;
    const isSoon = this.#watched > 0 && work < FIRST_LOOK;
    return Math.min(isSoon ? soon : work - (work % LOOK_EVERY) + LOOK_EVERY, this.#maxWork);
  }

  /** A promise was settled. @returns whether the clock is to be looked at */
  isLookDue(): boolean {
    return ++this.#settled >= LOOK_EVERY || this.#watched > 0;
  }

  /** Whether a client that has done so much in this turn has had its share, of its own or of what there is for all. */
  isUsed(work: number, ms: number): boolean {
    // Before anybody has to wait for it.
    if (work >= this.#maxWork >> 1 || ms >= CLIENT_MS / 2) this.#endTurn();
    return work >= this.#maxWork || ms >= this.#shareMs;
  }

  get #shareMs(): number {
    if (this.#spentMs < ALL_MS) return CLIENT_MS;
    // Asynchronous handlers of several clients interleave, and nobody can tell whose time it was: far past the end nobody has any left.
    return this.#spentMs < 2 * ALL_MS ? PAST_ALL_MS : 0;
  }
}
