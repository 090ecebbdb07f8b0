import type { StoredMessage } from "../brokers/broker.js";
import type { FairShare, Holder } from "../brokers/fair-share.js";
import { messageCost } from "../brokers/message-cost.js";

/** What is held back for one topic at most. */
export const HELD_MESSAGES: number = 1000;
const HELD_BYTES = 1024 * 1024;

export interface HeldMessage {
  readonly message: StoredMessage;
  /** Reads that had begun when it came: what a later one says holds for it. */
  readonly begun: number;
}

/**
 * Messages that came live and wait until a read has answered, since the position of their topic is not certain. Past its bounds all of them are
 * let go: they are read from the engine instead.
 */
export class Held implements Holder {
  readonly #share: FairShare;
  #messages: HeldMessage[] = [];
  #hasLost = false;
  bytes = 0;

  constructor(share: FairShare) {
    this.#share = share;
    share.enter(this);
  }

  get length(): number {
    return this.#messages.length;
  }

  /** The one that came last. */
  get last(): StoredMessage | undefined {
    return this.#messages.at(-1)?.message;
  }

  add(message: StoredMessage, begun: number): void {
    const cost = messageCost(message);
    if (this.#messages.length === HELD_MESSAGES || this.bytes + cost > HELD_BYTES) {
      this.evict();
      return;
    }
    this.#messages.push({ message, begun });
    this.#grow(cost);
    this.#share.settle(this);
  }

  hasStamp(stamp: string): boolean {
    return this.#messages.some(({ message }) => message.stamp === stamp);
  }

  /** Takes all of them out, in the order of their offsets. */
  take(): HeldMessage[] {
    const messages = this.#messages.toSorted((a, b) => a.message.offset - b.message.offset);
    this.#messages = [];
    this.#grow(-this.bytes);
    return messages;
  }

  evict(): void {
    this.take();
    this.#hasLost = true;
  }

  /** Whether messages were let go since this was asked last: then the engine has to be. */
  hadLoss(): boolean {
    const had = this.#hasLost;
    this.#hasLost = false;
    return had;
  }

  close(): void {
    this.#share.leave(this);
  }

  #grow(bytes: number): void {
    this.bytes += bytes;
    this.#share.add(bytes);
  }
}
