/** What to do about a ping that has come: answer it, answer later for all that came meanwhile, or end it. */
export type ControlVerdict = "answer" | "later" | "flood";

/** A client that sends so many times more than are answered is not meant well. */
const FLOOD_FACTOR = 10;
const WINDOW_MS = 1000;

/**
 * Bounds what a client's pings cost. RFC 6455 5.5.3: an endpoint that has not answered a ping yet may answer the most
 * recent one only; so past `perSecond` the answers come together, and far past it the client is closed.
 */
export class ControlRate {
  readonly #perSecond: number;
  #since = 0;
  #count = 0;
  /** The latest ping that was to be answered later. */
  #waiting: Uint8Array | null = null;

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  /** A ping has come. One that waits is answered with it. */
  onPing(payload: Uint8Array, now: number): ControlVerdict {
    if (now - this.#since >= WINDOW_MS) {
      this.#since = now;
      this.#count = 0;
    }
    this.#count++;
    if (this.#count > this.#perSecond * FLOOD_FACTOR) return "flood";
    const isLate = this.#count > this.#perSecond;
    // A copy: not of the pool, of which it would keep up to 64 KiB.
    this.#waiting = isLate ? new Uint8Array(payload) : null;
    return isLate ? "later" : "answer";
  }

  /** When the ping that waits is to be answered; Infinity when none waits. */
  get answerAt(): number {
    return this.#waiting === null ? Infinity : this.#since + WINDOW_MS;
  }

  /** The ping that is to be answered by now, if there is one; it waits no longer. */
  dueAt(now: number): Uint8Array | null {
    if (now < this.answerAt) return null;
    const due = this.#waiting;
    this.#waiting = null;
    return due;
  }
}
