import type { Clock } from "../base/clock.js";
import { Batch } from "./batch.js";
import { Shares } from "./shares.js";

/** Outboxes that are flushed between two looks at the clock. */
const FLUSHED_AT_ONCE = 32;

/**
 * Work that is put off to the end of the event loop's turn, once the sockets that were readable have been read: outboxes are flushed
 * together, so that what many messages produced leaves in one write per socket, clients whose share of the turn was used up go on, and what is
 * kept of what has come is counted.
 *
 * A turn ends with that work. As long as there is none, no turn ends: clients that are served at once cost nothing here.
 */
export class Turns {
  /** What an outbox holds when it holds nothing. */
  readonly empty: Batch = Batch.empty();
  /** Another number is another turn, in which every client has a new share. */
  number = 1;
  /** What each client may have of a turn. */
  readonly shares: Shares;
  #flushes: { endTurn(): void }[] = [];
  #resumes: { resumeTurn(): void }[] = [];
  #counts: { countIncoming(): void }[] = [];
  /** How many go on in a turn at most: the time that their handlers take after their first `await` is known only when the turn is over. */
  #mostResumes = Infinity;
  #resumed = 0;
  #scheduled = false;

  /** @param maxWork how much one client may cause in a turn */
  constructor(clock: Clock, maxWork: number) {
    this.shares = new Shares(clock, maxWork, () => this.#schedule());
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

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#run());
  }

  #run(): void {
    this.#scheduled = false;
    this.number++;
    this.#mostResumes = this.shares.isOverrun ? this.#resumed >> 1 : 2 * this.#mostResumes + 1;
    this.shares.renew();
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
    while (next < flushes.length && !this.shares.isTimeUsed) {
      flushes[next++]!.endTurn();
      if (next % FLUSHED_AT_ONCE === 0) this.shares.countWork();
    }
    if (next < flushes.length) this.#flushes = [...flushes.slice(next), ...this.#flushes];
  }

  /** Who has to wait for another turn is the first in it. One at least goes on in each. */
  #resume(): void {
    const resumes = this.#resumes;
    this.#resumes = [];
    let next = 0;
    do resumes[next++]?.resumeTurn();
    while (next < resumes.length && next < this.#mostResumes && !this.shares.isTimeUsed);
    this.#resumed = next;
    if (next < resumes.length) this.#resumes = [...resumes.slice(next), ...this.#resumes];
  }
}
