import type { StoredMessage } from "../brokers/broker.js";
import type { FairShare, Holder } from "../brokers/fair-share.js";

/**
 * What stands around the payload and the names in its frame, by measurement: the entry, the stamp, the frame and its buffer. Where plain clients
 * are in the topic as well they have a frame of their own, and in all it is less than twice as much.
 */
const AROUND = 650;

export interface RingRule {
  /** The most messages. */
  readonly size: number;
  /** In time that the process ran. */
  readonly ttlMs: number;
}

export interface Entry<Frame> {
  readonly offset: number;
  readonly prev: number;
  readonly stamp: string;
  /** What clients are sent, live or replayed. */
  readonly frame: Frame;
  readonly cost: number;
  readonly expiresAt: number;
}

/** The newest messages of a topic on this node, as one chain: each is the one after the one before. */
export class Ring<Frame> implements Holder {
  readonly #rule: RingRule;
  readonly #share: FairShare;
  readonly #topic: string;
  #entries: Entry<Frame>[] = [];
  bytes = 0;
  /** The engine has no older messages than these: asking it is of no use. */
  isWhole = false;

  constructor(topic: string, rule: RingRule, share: FairShare) {
    this.#topic = topic;
    this.#rule = rule;
    this.#share = share;
    share.enter(this);
  }

  get length(): number {
    return this.#entries.length;
  }

  get first(): Entry<Frame> | undefined {
    return this.#entries[0];
  }

  /** Adds the newest. The caller trims. */
  push(message: StoredMessage, frame: Frame, now: number): void {
    this.#entries.push(this.#entryOf(message, frame, now));
  }

  /** Puts older messages, oldest first, before what is there. The caller has seen that they chain up, and trims. */
  prepend(older: readonly StoredMessage[], frameOf: (message: StoredMessage) => Frame, now: number): void {
    this.#entries = [...older.map((message) => this.#entryOf(message, frameOf(message), now)), ...this.#entries];
  }

  clear(): void {
    while (this.#entries.length > 0) this.#shift();
    this.isWhole = false;
  }

  /** The chain is of no further use to anybody. */
  close(): void {
    this.#share.leave(this);
  }

  /** Whether the chain has every message after this offset. An offset that no message has is none to go on from. */
  goesOnFrom(offset: number): boolean {
    return this.first?.prev === offset || this.stampAt(offset) !== undefined;
  }

  stampAt(offset: number): string | undefined {
    const entry = this.#entries[this.#indexAfter(offset) - 1];
    return entry?.offset === offset ? entry.stamp : undefined;
  }

  has(stamp: string): boolean {
    return this.#entries.some((entry) => entry.stamp === stamp);
  }

  /** How many messages come after this offset. */
  countAfter(offset: number): number {
    return this.#entries.length - this.#indexAfter(offset);
  }

  /** The message after this offset, undefined at the end of the chain. */
  next(offset: number): Entry<Frame> | undefined {
    return this.#entries[this.#indexAfter(offset)];
  }

  /** The position from which the newest `count` follow. */
  startOf(count: number, top: number): number {
    return count === 0 ? top : ((this.#entries.at(-count) ?? this.first)?.prev ?? top);
  }

  /** Lets go of what is too old, too many, or too much. */
  trim(now: number): void {
    while (this.#entries.length > this.#rule.size || (this.first?.expiresAt ?? Infinity) <= now) this.#shift();
    this.#share.settle(this);
  }

  evict(): void {
    this.#shift();
    this.isWhole = false;
  }

  #entryOf({ offset, prev, stamp, bytes, by, from }: StoredMessage, frame: Frame, now: number): Entry<Frame> {
    const cost = AROUND + this.#topic.length + (by?.length ?? 0) + (from?.length ?? 0) + bytes.byteLength;
    this.#grow(cost);
    return { offset, prev, stamp, frame, cost, expiresAt: now + this.#rule.ttlMs };
  }

  #shift(): void {
    this.#grow(-this.#entries.shift()!.cost);
  }

  #grow(bytes: number): void {
    this.bytes += bytes;
    this.#share.add(bytes);
  }

  #indexAfter(offset: number): number {
    let low = 0;
    for (let high = this.#entries.length; low < high;) {
      const middle = (low + high) >>> 1;
      if (this.#entries[middle]!.offset <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
