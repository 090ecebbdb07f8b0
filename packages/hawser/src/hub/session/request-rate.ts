import { TokenBucket } from "../../server/base/token-bucket.js";

/** A client that goes on so far past its rate is not meant well. */
const FLOOD_FACTOR = 10;

/** How fast a client asks. */
export class RequestRate {
  readonly #bucket: TokenBucket;
  readonly #most: number;
  #refused = 0;

  constructor(perSecond: number, now: number) {
    this.#bucket = new TokenBucket(perSecond, now);
    this.#most = perSecond * FLOOD_FACTOR;
  }

  /** One more request: whether it may be answered, has to wait, or is one too many of those that should have waited. */
  take(now: number): "answer" | "refuse" | "flood" {
    if (this.#bucket.take(now)) {
      if (this.#refused > 0) this.#refused--;
      return "answer";
    }
    return ++this.#refused > this.#most ? "flood" : "refuse";
  }
}
