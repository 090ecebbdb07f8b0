import type { ClientSocket } from "../sockets/client-socket.js";
import type { Backlog } from "./backlog.js";

const NOTHING: Buffer = Buffer.alloc(0);

/**
 * The calls of `flush` for one client that wait. There are two promises at most, however many calls: the current one, for what had been sent
 * when it was made, and the next one, for what was sent since; that one's wait begins when the current one is settled.
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
    if (this.#current === null) return this.#begin(new Flush());
    if (this.#backlogOf()?.isMarkedWhole === true) return this.#current.promise;
    // Something may have been written behind what the current one waits for.
    return (this.#next ??= new Flush()).promise;
  }

  /** Settles the current one once all that the socket has by now is with the kernel. Unless it is full, a socket emits no `drain` then. */
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
    // Nothing can be written to it any more, and before it ended it was asked to tell.
    else if (this.#socket.writableEnded) this.onLeft();
    else this.tellWhenTaken();
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
