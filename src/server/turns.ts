import { Batch } from "./batch.js";

/**
 * Work that is put off to the end of the event loop's turn, once the sockets that were readable have been read: outboxes are flushed
 * together, so that what many messages produced leaves in one write per socket, and clients whose share of the turn was used up go on.
 */
export class Turns {
  /** What an outbox holds when it holds nothing. */
  readonly empty: Batch = Batch.empty();
  #flushes: { endTurn(): void }[] = [];
  #resumes: { resumeTurn(): void }[] = [];
  #scheduled = false;

  flushLater(outbox: { endTurn(): void }): void {
    this.#flushes.push(outbox);
    this.#schedule();
  }

  resumeLater(client: { resumeTurn(): void }): void {
    this.#resumes.push(client);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#run());
  }

  #run(): void {
    this.#scheduled = false;
    const flushes = this.#flushes;
    const resumes = this.#resumes;
    this.#flushes = [];
    this.#resumes = [];
    for (const outbox of flushes) outbox.endTurn();
    this.empty.forget();
    for (const client of resumes) client.resumeTurn();
  }
}
