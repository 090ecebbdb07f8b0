import type { ClientSocket } from "../sockets/client-socket.js";
import type { Backlog } from "./backlog.js";

const NOTHING: Buffer = Buffer.alloc(0);

/**
 * Those who wait until what was sent to one client has left. Whoever asks for the same meanwhile gets the same promise, and whoever asks for
 * more gets the next one's, which is waited for once this one is settled: two promises, however often is asked.
 */
export class Flushes {
  readonly #socket: ClientSocket;
  readonly #backlogOf: () => Backlog | null;
  #current: Flush | null = null;
  #next: Flush | null = null;

  /** @param backlogOf what the socket has not been handed yet; null: it has been handed all */
  constructor(socket: ClientSocket, backlogOf: () => Backlog | null) {
    this.#socket = socket;
    this.#backlogOf = backlogOf;
  }

  get isAwaited(): boolean {
    return this.#current !== null;
  }

  /** @returns resolves with true when all that is with the socket or in the backlog has left */
  wait(): Promise<boolean> {
    const backlog = this.#backlogOf();
    if (this.#current === null) return this.#begin(new Flush());
    if (backlog === null || backlog.isMarkedWhole) return this.#current.promise;
    return (this.#next ??= new Flush()).promise;
  }

  /** Has it noticed when all is taken that the socket was handed so far: one that is not full does not tell by itself. */
  tellWhenTaken(): void {
    const flush = this.#current;
    this.#socket.write(NOTHING, (error) => {
      if (error) return;
      if (flush !== null && flush === this.#current) this.#settle(flush);
      else this.onLeft();
    });
    this.onLeft();
  }

  /** Some of it has left: settles what is waited for if that was it. */
  onLeft(): void {
    const flush = this.#current;
    if (flush === null || this.#socket.writableLength > 0 || this.#backlogOf()?.isMarked === true) return;
    this.#settle(flush);
  }

  /** What waits will not leave. */
  giveUp(): void {
    this.#current?.settle(false);
    this.#next?.settle(false);
    this.#current = this.#next = null;
  }

  #begin(flush: Flush): Promise<boolean> {
    this.#current = flush;
    const backlog = this.#backlogOf();
    if (backlog !== null) backlog.mark();
    // Before it ended it was asked to tell.
    else if (!this.#socket.writableEnded) this.tellWhenTaken();
    return flush.promise;
  }

  #settle(flush: Flush): void {
    // It has thrown away what it had.
    if (this.#socket.destroyed) return;
    const next = this.#next;
    this.#current = this.#next = null;
    flush.settle(true);
    if (next !== null) void this.#begin(next);
  }
}

class Flush {
  readonly promise: Promise<boolean>;
  readonly settle: (hasLeft: boolean) => void;

  constructor() {
    let settle: (hasLeft: boolean) => void = () => {};
    this.promise = new Promise((resolve) => (settle = resolve));
    this.settle = settle;
  }
}
