import type { Http2Session, ServerHttp2Stream } from "node:http2";

/** How many clients each session of HTTP/2 has, those whose handshakes are under way among them. */
export class SessionShares {
  readonly #max: number;
  readonly #taken = new WeakMap<Http2Session, number>();
  #total = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** How many all sessions have. */
  get total(): number {
    return this.#total;
  }

  /** Whether the session of this stream may have one more. */
  hasRoom({ session }: ServerHttp2Stream): boolean {
    return session === undefined || (this.#taken.get(session) ?? 0) < this.#max;
  }

  /** Takes a place, until the stream is closed. */
  take(stream: ServerHttp2Stream): void {
    const { session } = stream;
    // Gone meanwhile: its stream will say so.
    if (session === undefined) return;
    this.#taken.set(session, (this.#taken.get(session) ?? 0) + 1);
    this.#total++;
    stream.once("close", () => {
      this.#taken.set(session, this.#taken.get(session)! - 1);
      this.#total--;
    });
  }
}
