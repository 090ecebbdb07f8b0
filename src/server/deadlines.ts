import type { Clock } from "./clock.js";

/** Something that has deadlines. The wheel keeps the fields; nobody else writes them. */
export interface Timed {
  /**
   * Acts on whatever is due at `now`.
   * @returns the time of the next deadline, Infinity for none
   */
  checkDeadlines(now: number): number;
  wheelAt: number;
  wheelPrevious: Timed | null;
  wheelNext: Timed | null;
}

const TICK_MS = 50;
const SLOTS = 1024;

/** A tick that comes later than this was held up: the process was busy or asleep. */
const HELD_UP_MS = 500;

/**
 * One timer for all deadlines: a wheel of slots, each a linked list of what has to be looked at in that tick. Activity only stores
 * a time; an entry is asked for its next deadline when its slot comes, and moves on. So a message costs nothing here, and a client
 * a few looks a minute. A deadline fires up to two ticks (100 ms) late and never early.
 */
export class DeadlineWheel {
  readonly #clock: Clock;
  readonly #slots: (Timed | null)[] = Array.from({ length: SLOTS }, () => null);
  #tick: number;
  #entries = 0;
  #stopTimer: (() => void) | null = null;
  #heldUp = false;
  /** The time of the last tick: coarse, and free to read. */
  now: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.now = clock.now();
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
    this.#tick = tickOf(this.#clock.now());
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
    const now = this.#clock.now();
    this.now = now;
    const target = tickOf(now);
    // Held up, the server has not read what its clients sent meanwhile; the next tick comes after the sockets were read.
    if (!this.#heldUp && now - (this.#tick + 1) * TICK_MS > HELD_UP_MS) {
      this.#heldUp = true;
      return;
    }
    this.#heldUp = false;
    this.#tick = Math.max(this.#tick, target - SLOTS);
    while (this.#tick < target) this.#expire(++this.#tick, now);
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
