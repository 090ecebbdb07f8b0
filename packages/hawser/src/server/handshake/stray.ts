import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { DeadlineWheel, Timed } from "../base/deadlines.js";
import { isTaken, markTaken } from "../sockets/client-socket.js";

/** So long that it never comes: a timeout that stands for nobody's having set another. */
const NEVER_MS = 2 ** 31 - 1;

/** An upgrade that was left to the other listeners of an HTTP server. Most of them take what is theirs and say nothing to the rest. */
export class Stray implements Timed {
  readonly dueAt: number;
  readonly #socket: Socket;
  readonly #bytesWritten: number;
  readonly #timeout: number | undefined;
  readonly #end: { refuse: () => void; onEnd: () => void };
  wheelAt = 0;
  wheelPrevious: Timed | null = null;
  wheelNext: Timed | null = null;

  /** To be made before the others see the request. @param end `refuse` is called when it is due and nobody has taken it; `onEnd` always */
  constructor(socket: Duplex, dueAt: number, end: { refuse: () => void; onEnd: () => void }) {
    this.dueAt = dueAt;
    this.#socket = socket as Socket;
    this.#end = end;
    this.#bytesWritten = this.#socket.bytesWritten;
    // Who takes a socket sets its timeout, for that of HTTP would cut it. A proxy does so long before the server behind it has answered.
    this.#socket.setTimeout?.(NEVER_MS);
    this.#timeout = this.#socket.timeout;
    socket.once("close", end.onEnd);
  }

  checkDeadlines(now: number): number {
    if (now < this.dueAt) return this.dueAt;
    this.end();
    return Infinity;
  }

  end(): void {
    const isTaken = this.#isTaken;
    this.#socket.removeListener("close", this.#end.onEnd);
    if (this.#socket.timeout === NEVER_MS) this.#socket.setTimeout(0);
    this.#end.onEnd();
    if (!isTaken) this.#end.refuse();
  }

  /** Whether somebody has ended it, reads it, has written to it, or has set its timeout. */
  get #isTaken(): boolean {
    const { destroyed, writableEnded, readableFlowing, bytesWritten, timeout } = this.#socket;
    return (
      destroyed ||
      writableEnded ||
      readableFlowing !== null ||
      bytesWritten !== this.#bytesWritten ||
      timeout !== this.#timeout
    );
  }
}

/** Those of one server: each is answered if nobody takes it in time. */
export class Strays {
  readonly #wheel: DeadlineWheel;
  readonly #timeoutMs: number;
  readonly #refuse: (request: IncomingMessage, socket: Duplex) => void;
  readonly #strays = new Map<Stray, object>();

  constructor(wheel: DeadlineWheel, timeoutMs: number, refuse: (request: IncomingMessage, socket: Duplex) => void) {
    this.#wheel = wheel;
    this.#timeoutMs = timeoutMs;
    this.#refuse = refuse;
  }

  /** @param source the HTTP server that it came from */
  add(request: IncomingMessage, socket: Duplex, source: object): void {
    // From the first tick, whoever answers: a reset that nobody listens for would end the process.
    socket.on("error", ignoreError);
    const stray = new Stray(socket, this.#wheel.time.now + this.#timeoutMs, {
      refuse: () => {
        if (isTaken(socket)) return;
        markTaken(socket);
        this.#refuse(request, socket);
      },
      onEnd: () => {
        this.#strays.delete(stray);
        this.#wheel.remove(stray);
      },
    });
    this.#strays.set(stray, source);
    this.#wheel.schedule(stray, stray.dueAt);
  }

  /** Answers at once those of one HTTP server that nobody has taken. */
  end(of: object): void {
    for (const [stray, source] of this.#strays) if (source === of) stray.end();
  }
}

function ignoreError(): void {
  // The socket closes right after.
}
