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
  readonly #slots: (Timed | null)[] = new Array<Timed | null>(SLOTS).fill(null);
  #tick: number;
  #entries = 0;
  #stop: (() => void) | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#tick = tickOf(clock.now());
  }

  /** Looks at `entry` again at the time `at`, or before. A no-op when it is to be looked at earlier anyway. */
  schedule(entry: Timed, at: number): void {
    if (entry.wheelAt !== 0 && entry.wheelAt <= at) return;
    this.remove(entry);
    if (at === Infinity) return;
    if (this.#stop === null) this.#start();
    this.#insert(entry, at);
  }

  remove(entry: Timed): void {
    if (entry.wheelAt === 0) return;
    const { wheelPrevious, wheelNext } = entry;
    if (wheelPrevious !== null) wheelPrevious.wheelNext = wheelNext;
    else this.#slots[this.#slotOf(entry)] = wheelNext;
    if (wheelNext !== null) wheelNext.wheelPrevious = wheelPrevious;
    entry.wheelPrevious = entry.wheelNext = null;
    entry.wheelAt = 0;
    if (--this.#entries === 0) this.stop();
  }

  stop(): void {
    this.#stop?.();
    this.#stop = null;
  }

  #start(): void {
    this.#tick = tickOf(this.#clock.now());
    this.#stop = this.#clock.every(TICK_MS, () => this.#turn());
  }

  #insert(entry: Timed, at: number): void {
    // Past the horizon it goes into the last slot and moves on from there: looking early costs little and does no harm.
    const tick = Math.min(Math.max(tickOf(at) + 1, this.#tick + 1), this.#tick + SLOTS - 1);
    entry.wheelAt = tick * TICK_MS;
    const slot = this.#slotOf(entry);
    const first = this.#slots[slot]!;
    entry.wheelNext = first;
    entry.wheelPrevious = null;
    if (first !== null) first.wheelPrevious = entry;
    this.#slots[slot] = entry;
    this.#entries++;
  }

  #slotOf(entry: Timed): number {
    return (entry.wheelAt / TICK_MS) % SLOTS;
  }

  #turn(): void {
    const now = this.#clock.now();
    const target = tickOf(now);
    // Held up, the server has not read what its clients sent meanwhile; the next tick comes after the sockets were read.
    if (now - (this.#tick + 1) * TICK_MS > HELD_UP_MS && !this.#heldUp) {
      this.#heldUp = true;
      return;
    }
    this.#heldUp = false;
    const last = Math.min(target, this.#tick + SLOTS);
    while (this.#tick < last) this.#expire(++this.#tick, now);
    this.#tick = Math.max(this.#tick, target);
  }

  #heldUp = false;

  #expire(tick: number, now: number): void {
    const slot = tick % SLOTS;
    let entry = this.#slots[slot]!;
    this.#slots[slot] = null;
    // The list is taken out first: whatever an entry does to itself or to others, this walk ends.
    while (entry !== null) {
      const next: Timed | null = entry.wheelNext;
      entry.wheelPrevious = entry.wheelNext = null;
      entry.wheelAt = 0;
      this.#entries--;
      if (next !== null) next.wheelPrevious = null;
      const at = entry.checkDeadlines(now);
      if (entry.wheelAt === 0 && at !== Infinity) this.#insert(entry, at);
      entry = next!;
    }
    if (this.#entries === 0) this.stop();
  }
}

function tickOf(at: number): number {
  return Math.floor(at / TICK_MS);
}
