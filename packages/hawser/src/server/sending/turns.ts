import type { Clock } from "../base/clock.js";
import { Batch } from "./batch.js";

/**
 * How many milliseconds of a turn one client may have, and all clients together; past that each may have a little, for one message at
 * least. Short enough for nobody to notice, and long beside what it costs to go on later: a turn (10 µs), and what is sent to a room of
 * thousands leaves in more writes.
 */
const CLIENT_MS = 8;
const ALL_MS = 16;
const PAST_ALL_MS = 1;
/** Work between two looks at the clock, and promises that are settled: not more, for those behind a hundred cheap messages may take long. */
const LOOK_EVERY = 8;
/** What took longer than this is looked at more closely. Less is seen early enough, and may be the machine's. */
const QUICK_MS = 3;
/** In this turn and the next. */
const WATCHED_TURNS = 2;
/** Outboxes that are flushed between two looks at the clock. */
const FLUSHED_AT_ONCE = 32;

/**
 * Work that is put off to the end of the event loop's turn, once the sockets that were readable have been read: outboxes are flushed
 * together, so that what many messages produced leaves in one write per socket, clients whose share of the turn was used up go on, and what is
 * kept of what has come is counted.
 *
 * A turn is over when that has been done, and as long as nobody puts anything off it is not: so who is served at once costs nothing here.
 */
export class Turns {
  /** What an outbox holds when it holds nothing. */
  readonly empty: Batch = Batch.empty();
  /** Another number is another turn, in which every client has a new share. */
  number = 1;
  /** How much work, as the parser counts it, one client may cause in a turn. */
  readonly #maxWork: number;
  readonly #clock: Clock;
  /** Until when time has been counted, and how much of it in this turn. In whole milliseconds, which add up as exact ones would. */
  #countedTo = 0;
  #spentMs = 0;
  /** For how many turns the clock is looked at from the first message on; 0: handlers are known to be quick. */
  #watched = WATCHED_TURNS;
  /** Promises that were settled since the last look. */
  #settled = 0;
  #flushes: { endTurn(): void }[] = [];
  #resumes: { resumeTurn(): void }[] = [];
  #counts: { countIncoming(): void }[] = [];
  /** How many go on in a turn at most: what their handlers take once they have returned is known only when the turn is over. */
  #mostResumes = Infinity;
  #resumed = 0;
  #scheduled = false;

  constructor(clock: Clock, maxWork: number) {
    this.#clock = clock;
    this.#maxWork = maxWork;
  }

  flushLater(outbox: { endTurn(): void }): void {
    this.#flushes.push(outbox);
    this.#schedule();
  }

  resumeLater(client: { resumeTurn(): void }): void {
    this.#resumes.push(client);
    this.#schedule();
  }

  countLater(client: { countIncoming(): void }): void {
    this.#counts.push(client);
    this.#schedule();
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
    if (this.#spentMs >= ALL_MS / 2) this.#schedule();
    return took;
  }

  /**
   * How much a client that has done so much in this turn may do before the clock is looked at again. Little at first where handlers take
   * time, for a single message may; and never much.
   */
  nextLook(work: number): number {
    const next =
      this.#watched === 0 || work >= LOOK_EVERY / 2 ? work - (work % LOOK_EVERY) + LOOK_EVERY : work < 2 ? work + 1 : 4;
    return Math.min(next, this.#maxWork);
  }

  /** A promise was settled. @returns whether the clock is to be looked at */
  isLookDue(): boolean {
    return ++this.#settled >= LOOK_EVERY || this.#watched > 0;
  }

  /** Whether a client that has done so much in this turn has had its share, of its own or of what there is for all. */
  isShareUsed(work: number, ms: number): boolean {
    // The turn may be several by now, of which none had anything to put off. If so, this makes it end before anybody has to wait for it.
    if (work >= this.#maxWork >> 1 || ms >= CLIENT_MS / 2) this.#schedule();
    return work >= this.#maxWork || ms >= this.#shareMs;
  }

  get #shareMs(): number {
    if (this.#spentMs < ALL_MS) return CLIENT_MS;
    // Whose time it was cannot be told of handlers that run in between each other: far past the end nobody has any left.
    return this.#spentMs < 2 * ALL_MS ? PAST_ALL_MS : 0;
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#run());
  }

  #run(): void {
    this.#scheduled = false;
    this.number++;
    if (this.#watched > 0) this.#watched--;
    this.#mostResumes = this.#spentMs > 2 * ALL_MS ? this.#resumed >> 1 : 2 * this.#mostResumes + 1;
    this.#spentMs = 0;
    this.beginWork();
    this.#flush();
    this.empty.forget();
    this.#resume();
    const counts = this.#counts;
    this.#counts = [];
    for (const client of counts) client.countIncoming();
    if (this.#flushes.length > 0 || this.#resumes.length > 0) this.#schedule();
  }

  /** To very many that is work for more than one turn, too. */
  #flush(): void {
    const flushes = this.#flushes;
    this.#flushes = [];
    let next = 0;
    while (next < flushes.length && this.#spentMs < ALL_MS) {
      flushes[next++]!.endTurn();
      if (next % FLUSHED_AT_ONCE === 0) this.countWork();
    }
    if (next < flushes.length) this.#flushes = [...flushes.slice(next), ...this.#flushes];
  }

  /** Who has to wait for another turn is the first in it. One at least goes on in each. */
  #resume(): void {
    const resumes = this.#resumes;
    this.#resumes = [];
    let next = 0;
    do resumes[next++]?.resumeTurn();
    while (next < resumes.length && next < this.#mostResumes && this.#spentMs < ALL_MS);
    this.#resumed = next;
    if (next < resumes.length) this.#resumes = [...resumes.slice(next), ...this.#resumes];
  }
}
