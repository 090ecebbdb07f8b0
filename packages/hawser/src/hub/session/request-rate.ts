import { TokenBucket } from "../../server/base/token-bucket.js";

/** A client that goes on so far past its rate is not meant well. */
const FLOOD_FACTOR = 10;

/**
 * After a refusal all is refused for so long, in milliseconds: what was under way already would otherwise overtake what is sent again. A little
 * less than what the client is told (`RETRY_MS`), for the two clocks are not the same.
 */
const PAUSE_MS = 900;

/** How fast a client asks. */
export class RequestRate {
  readonly #bucket: TokenBucket;
  readonly #most: number;
  #refused = 0;
  #pausedUntil = -Infinity;

  constructor(perSecond: number, now: number) {
    this.#bucket = new TokenBucket(perSecond, now);
    this.#most = perSecond * FLOOD_FACTOR;
  }

  /** One more request: whether it may be answered, has to wait, or is one too many of those that should have waited. */
  take(now: number): "answer" | "refuse" | "flood" {
    if (now >= this.#pausedUntil && this.#bucket.take(now)) {
      if (this.#refused > 0) this.#refused--;
      return "answer";
    }
    if (now >= this.#pausedUntil) this.#pausedUntil = now + PAUSE_MS;
    return ++this.#refused > this.#most ? "flood" : "refuse";
  }
}
