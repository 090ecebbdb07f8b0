import type { Position } from "../brokers/broker.js";
import type { Feed } from "./feed.js";
import type { RecoveryCounts } from "./topic-port.js";

/** What a client that subscribes wants to have besides what comes from now on. */
export interface Wish {
  /** Everything after this position. */
  readonly position?: Position | undefined;
  /** Or so many of the newest messages. */
  readonly last?: number | undefined;
}

/** The answer to a subscription. It is given before anything of the topic is sent. */
export type JoinAnswer =
  /** `replay` messages follow, and then those to come. `missed`: what was asked for is gone, and none of it follows. */
  | { readonly kind: "joined"; readonly position: Position; readonly replay: number; readonly missed: boolean }
  /** A topic without history has no position. */
  | { readonly kind: "joined without history" }
  /** The engine could not be asked. */
  | { readonly kind: "unavailable" };

/** How far the broker was asked. Reads are counted, so that what came before one began can be told from what came after. */
export interface Knowledge {
  /** Reads that have begun. */
  begun: number;
  /** The last read of the newest messages that was answered. */
  newest: number;
  /** The last read of what comes after the position that was answered. */
  after: number;
}

interface Join {
  readonly wish: Wish;
  readonly answer: (answer: JoinAnswer) => void;
  /** Reads that had begun when it came: a later one decides. */
  readonly begun: number;
}

/** So many epochs that clients came with, and that the broker did not know, are kept in mind. */
const UNKNOWN_EPOCHS = 8;

/** The subscriptions that wait for an answer. */
export class Joins<Client, Frame> {
  readonly #feed: Feed<Client, Frame>;
  readonly #known: Readonly<Knowledge>;
  readonly #counts: RecoveryCounts;
  readonly #waiting = new Map<Client, Join>();
  /** After the engine has lost everything, ten thousand clients that come with the same old epoch are one question. */
  #unknownEpochs: readonly string[] = [];

  constructor(feed: Feed<Client, Frame>, known: Readonly<Knowledge>, counts: RecoveryCounts) {
    this.#feed = feed;
    this.#known = known;
    this.#counts = counts;
  }

  get size(): number {
    return this.#waiting.size;
  }

  add(client: Client, wish: Wish, answer: (answer: JoinAnswer) => void): void {
    this.#waiting.set(client, { wish, answer, begun: this.#known.begun });
  }

  remove(client: Client): void {
    this.#waiting.delete(client);
  }

  /** Whether anybody asks for messages from before. */
  get wantHistory(): boolean {
    return [...this.#waiting.values()].some(({ wish }) => wish.position !== undefined || wish.last !== undefined);
  }

  /** Whether anybody has a position that this node may not have reached yet. */
  get wantNewer(): boolean {
    return [...this.#waiting.values()].some(({ wish }) => this.#startOf(wish) === "newer");
  }

  /** Answers those who can be answered. */
  settle(): void {
    for (const client of this.#waiting.keys()) this.settleOne(client);
  }

  /** Answers a client, replays, and counts it among the live ones, all in one turn; or leaves it waiting for what the broker may say. */
  settleOne(client: Client): void {
    const join = this.#waiting.get(client);
    if (join === undefined) return;
    const { wish, answer, begun } = join;
    const { ring, audience, epoch, top, hasHistory } = this.#feed;
    if (!hasHistory) {
      this.#waiting.delete(client);
      audience.addLive(client);
      answer({ kind: "joined without history" });
      return;
    }
    const start = this.#startOf(wish);
    if (start === "older" && !ring.isWhole && this.#known.newest <= begun) return;
    if (start === "newer" && !this.#isOutdated(wish) && this.#known.after <= begun) return;
    this.#waiting.delete(client);
    if (start === "newer") this.#keepInMind(wish);
    const missed = typeof start === "string" && wish.position !== undefined;
    const offset = typeof start === "number" ? start : missed ? top : ring.startOf(wish.last ?? 0, top);
    if (wish.position !== undefined) this.#counts[missed ? "missed" : "resumed"]++;
    audience.addBehind(client, { epoch, offset });
    answer({ kind: "joined", position: { epoch, offset: top }, replay: ring.countAfter(offset), missed });
    audience.advance(client, this.#feed);
  }

  refuse(): void {
    for (const [client, { answer }] of this.#waiting) {
      this.#waiting.delete(client);
      answer({ kind: "unavailable" });
    }
  }

  /** The offset after which a client goes on, or what the node would have to read to say so. */
  #startOf({ position, last }: Wish): number | "newer" | "older" {
    const { ring, epoch, top } = this.#feed;
    if (position !== undefined) {
      if (position.epoch !== epoch || position.offset > top) return "newer";
      return position.offset === top || ring.goesOnFrom(position.offset) ? position.offset : "older";
    }
    if (last === undefined || last === 0) return top;
    return ring.length >= last || ring.isWhole ? ring.startOf(last, top) : "older";
  }

  /** Whether a client's epoch is known to be none that the topic can be in: an epoch that ended does not begin again. */
  #isOutdated({ position }: Wish): boolean {
    if (position === undefined || position.epoch === this.#feed.epoch) return false;
    return this.#feed.wasIn(position.epoch) || this.#unknownEpochs.includes(position.epoch);
  }

  #keepInMind(wish: Wish): void {
    const { epoch } = wish.position!;
    if (epoch === this.#feed.epoch || this.#isOutdated(wish)) return;
    this.#unknownEpochs = [...this.#unknownEpochs, epoch].slice(-UNKNOWN_EPOCHS);
  }
}
