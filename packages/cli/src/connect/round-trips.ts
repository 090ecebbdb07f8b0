/** Pings that are under way: each has a payload of its own, by which its pong is known. */

const MOST = 100;

export class RoundTrips {
  readonly #sentAt = new Map<string, number>();
  readonly #now: () => number;
  #count = 0;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** The payload of the next ping. */
  next(): Buffer {
    const payload = `hawser ${++this.#count}`;
    this.#sentAt.set(payload, this.#now());
    // A server that does not answer.
    const [oldest = ""] = this.#sentAt.keys();
    if (this.#sentAt.size > MOST) this.#sentAt.delete(oldest);
    return Buffer.from(payload);
  }

  /** How long it took, in milliseconds; undefined: nobody asked. */
  answered(payload: Buffer): number | undefined {
    const key = payload.toString("latin1");
    const sentAt = this.#sentAt.get(key);
    this.#sentAt.delete(key);
    return sentAt === undefined ? undefined : this.#now() - sentAt;
  }
}

export function roundTripText(milliseconds: number): string {
  return `pong after ${milliseconds.toFixed(milliseconds < 10 ? 2 : 0)} ms`;
}
