import type { Clock } from "./clock.js";
import { RunningTime } from "./running-time.js";

/** Something that has deadlines. The wheel keeps the fields; nobody else writes them. */
export interface Timed {
  /**
   * Acts on whatever is due at `now`, in time that the process ran.
   * @returns the time of the next deadline, Infinity for none
   */
  checkDeadlines(now: number): number;
  wheelAt: number;
  wheelPrevious: Timed | null;
  wheelNext: Timed | null;
}

const TICK_MS = 50;
const SLOTS = 1024;

/**
 * One timer for all deadlines: a wheel of slots, each a linked list of what has to be looked at in that tick. Activity only stores
 * a time; an entry is asked for its next deadline when its slot comes, and moves on. So a message costs nothing here, and a client
 * a few looks a minute. A deadline fires up to two ticks (100 ms) late and never early, and never before the sockets have been read.
 */
export class DeadlineWheel {
  readonly #clock: Clock;
  readonly #slots: (Timed | null)[] = Array.from({ length: SLOTS }, () => null);
  #tick: number;
  #entries = 0;
  #stopTimer: (() => void) | null = null;
  /** What deadlines are measured in. */
  readonly time: RunningTime;
  /** That time at the last tick: coarse, and free to read. */
  now: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.time = new RunningTime(clock);
    this.now = this.time.now;
    this.#tick = tickOf(this.now);
  }

  /** Looks at `entry` again at the time `at`, or before. A no-op when it is to be looked at earlier anyway. */
  schedule(entry: Timed, at: number): void {
    if (at === Infinity || (entry.wheelAt !== 0 && entry.wheelAt <= at)) return;
    if (entry.wheelAt !== 0) this.#unlink(entry);
    if (this.#stopTimer === null) this.#start();
    this.#insert(entry, at);
  }

  remove(entry: Timed): void {
    if (entry.wheelAt !== 0) this.#unlink(entry);
    if (this.#entries === 0) this.stop();
  }

  stop(): void {
    this.#stopTimer?.();
    this.#stopTimer = null;
  }

  #start(): void {
    // Nobody has waited for anything until now.
    this.time.turn();
    this.now = this.time.now;
    this.#tick = tickOf(this.now);
    this.#stopTimer = this.#clock.every(TICK_MS, () => this.#turn());
  }

  #insert(entry: Timed, at: number): void {
    // Past the horizon it goes into the last slot and moves on from there: looking early costs little and does no harm.
    const tick = Math.min(Math.max(tickOf(at) + 1, this.#tick + 1), this.#tick + SLOTS - 1);
    entry.wheelAt = tick * TICK_MS;
    const first = this.#slots[tick % SLOTS]!;
    entry.wheelNext = first;
    if (first !== null) first.wheelPrevious = entry;
    this.#slots[tick % SLOTS] = entry;
    this.#entries++;
  }

  #unlink(entry: Timed): void {
    const { wheelPrevious, wheelNext } = entry;
    if (wheelPrevious !== null) wheelPrevious.wheelNext = wheelNext;
    else this.#slots[(entry.wheelAt / TICK_MS) % SLOTS] = wheelNext;
    if (wheelNext !== null) wheelNext.wheelPrevious = wheelPrevious;
    entry.wheelPrevious = entry.wheelNext = null;
    entry.wheelAt = 0;
    this.#entries--;
  }

  #turn(): void {
    const mayJudge = this.time.turn();
    this.now = this.time.now;
    if (!mayJudge) return;
    for (const target = tickOf(this.now); this.#tick < target;) this.#expire(++this.#tick, this.now);
    if (this.#entries === 0) this.stop();
  }

  #expire(tick: number, now: number): void {
    // Nothing is put into the slot that is being emptied: it is SLOTS ticks away from the next turn. So this ends.
    for (let entry = this.#slots[tick % SLOTS]!; entry !== null; entry = this.#slots[tick % SLOTS]!) {
      this.#unlink(entry);
      this.schedule(entry, entry.checkDeadlines(now));
    }
  }
}

function tickOf(at: number): number {
  return Math.floor(at / TICK_MS);
}
