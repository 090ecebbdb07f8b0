import type { Broker, Position } from "../brokers/broker.js";

/** For so long it can be found out that the engine has lost it: a failover is over, and noticed, within less. */
const KEPT_MS = 60_000;
/** Of so many topics, those that were published to last, more or less. */
const MOST = 10_000;
/** Topics in one question for their positions. */
const BATCH = 500;

interface Newest {
  position: Position;
  /** When it was published. */
  at: number;
  /** What `at` was when the topic took its place. */
  placedAt: number;
}

/**
 * What the engine has acknowledged in topics that nobody on this node follows: the newest of each. No other node may have heard of it, so that none but
 * this one can find that the engine has lost it.
 */
export class LatelyPublished {
  /**
   * By their places. A topic that is published to again keeps its place until it is due: to move it each time would have V8 make the table of the map
   * anew after every few messages, and have each table point to the next, so that all of them outlive the young generation.
   */
  readonly #newest = new Map<string, Newest>();

  add(topic: string, position: Position, now: number): void {
    const known = this.#newest.get(topic);
    if (known === undefined) {
      this.#forget(now, MOST - 1);
      this.#newest.set(topic, { position, at: now, placedAt: now });
    } else {
      known.position = position;
      known.at = now;
    }
  }

  /** The connection to the engine is a new one: a topic that has lost something begins anew, for all nodes. Never rejected. */
  async check(broker: Broker, now: number): Promise<void> {
    this.#forget(now, MOST);
    const all = [...this.#newest].map(([topic, { position }]) => [topic, position] as const);
    try {
      for (let at = 0; at < all.length; at += BATCH) {
        const batch = all.slice(at, at + BATCH);
        const heads = await broker.heads(batch.map(([topic]) => topic));
        for (const [topic, position] of batch) {
          const head = heads.get(topic);
          if (head !== undefined && (await isLost(broker, topic, position, head))) {
            await broker.renew(topic, position.epoch);
          }
        }
      }
    } catch {
      // The engine is gone again: the next connection asks.
    }
  }

  #forget(now: number, most: number): void {
    for (const [topic, newest] of this.#newest) {
      if (now - newest.placedAt < KEPT_MS && this.#newest.size <= most) return;
      this.#newest.delete(topic);
      if (newest.at === newest.placedAt || now - newest.at >= KEPT_MS) continue;
      newest.placedAt = newest.at;
      this.#newest.set(topic, newest);
    }
  }
}

async function isLost(broker: Broker, topic: string, position: Position, head: Position): Promise<boolean> {
  if (head.epoch !== position.epoch || head.offset === position.offset) return false;
  // Others have published since: is it among what they followed?
  return head.offset < position.offset || (await broker.read(topic, { after: position, limit: 0 })).diverged;
}
