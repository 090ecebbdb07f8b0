import { AsyncResource } from "node:async_hooks";
import { Assembly } from "../../protocol/assembly.js";
import type { Timed } from "../base/deadlines.js";
import type { MemoryBudget } from "../sending/memory-budget.js";
import { Incoming } from "../session/incoming.js";
import type { ClientSocket, SocketOwner } from "../sockets/client-socket.js";

/** Why a handshake is not waited for any longer. */
export type HandshakeEnd = "gone" | "authenticate-timeout" | "draining" | "pending-handshakes";

/** What a client may send before it is let in: it is read so that its end is seen. */
const EARLY_BYTES = 64 * 1024;

/** A handshake that waits for `authenticate`, its deadline, and what comes meanwhile. */
export class PendingHandshake implements SocketOwner, Timed {
  readonly dueAt: number;
  readonly #socket: ClientSocket;
  readonly #budget: MemoryBudget;
  #early: Assembly | null = null;
  #incoming: Incoming | null = null;
  #isHandedOver = false;
  #controller: AbortController | null = null;
  #giveUp = (): void => {};
  /** Null: it is still waited for. What came first counts. */
  ended: HandshakeEnd | null = null;
  wheelAt = 0;
  wheelPrevious: Timed | null = null;
  wheelNext: Timed | null = null;

  /** @param early what came with the handshake */
  constructor(socket: ClientSocket, early: Buffer, dueAt: number, budget: MemoryBudget) {
    this.dueAt = dueAt;
    this.#socket = socket;
    this.#budget = budget;
    if (early.length > 0) this.onData(early, early.length);
  }

  /** Hands over what has come after the handshake. */
  takeEarly(): Buffer {
    const early = this.#early;
    this.#early = null;
    this.#isHandedOver = true;
    this.#incoming?.release();
    return early === null ? NOTHING : early.bytes;
  }

  /** Made when it is asked for: most applications do not look at it, and it costs as much as a third of a handshake. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.ended !== null) this.#controller.abort();
    return this.#controller.signal;
  }

  onData(bytes: Buffer, length: number): void {
    if (this.#isHandedOver) return;
    this.#early ??= new Assembly(true, false);
    this.#early.append(bytes, 0, length, Infinity);
    if (this.#early.length >= EARLY_BYTES) this.#socket.pause();
    this.#incoming ??= new Incoming(this.#budget, () => {
      this.takeEarly();
      this.end("pending-handshakes");
    });
    this.#incoming.set(this.#early.memory, 0);
  }

  onDrain(): void {}

  /** A client that ends its side now has given up: it cannot have asked for anything before. */
  onEnd(): void {
    this.end("gone");
  }

  onClosed(): void {
    this.end("gone");
  }

  end(why: HandshakeEnd): void {
    this.ended ??= why;
    this.#giveUp();
  }

  checkDeadlines(now: number): number {
    if (now < this.dueAt) return this.dueAt;
    this.end("authenticate-timeout");
    return Infinity;
  }

  /** What `authenticate` says; undefined once the client is gone or the time is over. */
  race<Data>(decision: Promise<Data>): Promise<Data | undefined> {
    return new Promise((resolve, reject) => {
      // Who listens to the signal finds the context of this handshake, whoever ends it.
      this.#giveUp = AsyncResource.bind(() => {
        this.#controller?.abort();
        resolve(undefined);
      });
      if (this.ended !== null) this.#giveUp();
      Promise.resolve(decision).then(resolve, reject);
    });
  }
}

const NOTHING = Buffer.alloc(0);
