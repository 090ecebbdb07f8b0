import { randomFillSync } from "node:crypto";
import type { FairShare, Holder } from "./fair-share.js";
import type { History, Position, Published, PublishOptions, ReadOptions, StoredMessage } from "./broker.js";
import { messageCost } from "./message-cost.js";

/** What a key costs besides its characters: its entry in a map, and the answer. */
const KEY_COST = 150;

export interface MemoryLimits {
  /** The most that the history and the keys of one topic hold. */
  readonly topicBytes: number;
  /** For how long a key of a publish is remembered. */
  readonly keyWindowMs: number;
  /** The most keys that one topic remembers; the oldest goes first. */
  readonly topicKeys: number;
}

interface Kept {
  message: StoredMessage;
  readonly expiresAt: number;
}

/** A topic in this process's memory: its newest messages, its position, and the keys that were published with. */
export class MemoryTopic implements Holder {
  readonly #limits: MemoryLimits;
  readonly #share: FairShare;
  readonly #keys = new Map<string, { readonly published: Published; readonly expiresAt: number }>();
  /** Oldest first. */
  kept: Kept[] = [];
  epoch: string = freshEpoch();
  /** Position of the newest message. */
  top: { offset: number; stamp: string } = { offset: 0, stamp: "" };
  /** The newest of those that are gone: who has that one has missed nothing. */
  evicted: { offset: number; stamp: string } = { offset: 0, stamp: "" };
  bytes = 0;

  constructor(limits: MemoryLimits, share: FairShare) {
    this.#limits = limits;
    this.#share = share;
    share.enter(this);
  }

  get head(): Position {
    return { epoch: this.epoch, ...this.top };
  }

  /** Whether only the position would be lost with it. */
  isIdle(now: number): boolean {
    this.expire(now);
    return this.kept.length === 0 && this.#keys.size === 0;
  }

  /** When something here expires next, Infinity for never. */
  get expiresAt(): number {
    const [first] = this.#keys.values();
    return Math.min(this.kept[0]?.expiresAt ?? Infinity, first?.expiresAt ?? Infinity);
  }

  /** The answer of the first publish with this key. */
  publishedWith(key: string, now: number): Published | undefined {
    this.expire(now);
    return this.#keys.get(key)?.published;
  }

  /** Has the next message; it is kept unless the topic has no history. */
  append(bytes: Uint8Array, { binary, size, ttlMs, key, by, from }: PublishOptions, now: number): StoredMessage {
    const message =
      size === 0
        ? { offset: 0, prev: 0, epoch: "", stamp: freshStamp(), bytes, binary, by, from }
        : this.#keep({ bytes, binary, by, from }, size, now + ttlMs);
    if (key !== undefined) this.#remember(key, message, now);
    this.expire(now);
    while (this.bytes > this.#limits.topicBytes) this.evict();
    this.#share.settle(this);
    return message;
  }

  read({ after, limit, reverse = false }: ReadOptions, now: number): History {
    this.expire(now);
    const { head, evicted } = this;
    if (after !== undefined && after.epoch !== this.epoch) {
      return { head, messages: [], complete: false, diverged: false };
    }
    if (reverse) {
      const end = after === undefined ? this.kept.length : this.#indexAfter(after.offset - 1);
      const messages = this.kept
        .slice(Math.max(0, end - limit), end)
        .map(({ message }) => message)
        .toReversed();
      return { head, messages, complete: messages.length === limit || evicted.offset === 0, diverged: false };
    }
    const from = after?.offset ?? 0;
    const begin = this.#indexAfter(from);
    const messages = this.kept.slice(begin, begin + limit).map(({ message }) => message);
    const diverged = this.#isElsewhere(after);
    return { head, messages, complete: !diverged && from >= evicted.offset, diverged };
  }

  /** The same messages in another epoch. */
  renew(): void {
    this.epoch = freshEpoch();
    for (const kept of this.kept) kept.message = { ...kept.message, epoch: this.epoch };
  }

  expire(now: number): void {
    while (this.kept.length > 0 && this.kept[0]!.expiresAt <= now) this.#evictMessage();
    for (const [key, { expiresAt }] of this.#keys) {
      if (expiresAt > now && this.#keys.size <= this.#limits.topicKeys) break;
      this.#forget(key);
    }
  }

  /** Messages first: one that is gone is told, a key that is gone is not. */
  evict(): void {
    const [key] = this.#keys.keys();
    if (this.kept.length > 0) this.#evictMessage();
    else if (key !== undefined) this.#forget(key);
  }

  #keep(
    content: Pick<StoredMessage, "bytes" | "binary" | "by" | "from">,
    size: number,
    expiresAt: number,
  ): StoredMessage {
    const offset = this.top.offset + 1;
    const message = { offset, prev: this.top.offset, epoch: this.epoch, stamp: freshStamp(), ...content };
    this.top = { offset, stamp: message.stamp };
    this.kept.push({ message, expiresAt });
    this.#grow(messageCost(message));
    while (this.kept.length > size) this.#evictMessage();
    return message;
  }

  #remember(key: string, { offset, epoch }: StoredMessage, now: number): void {
    this.#keys.set(key, {
      published: { offset, epoch, duplicate: true },
      expiresAt: now + this.#limits.keyWindowMs,
    });
    this.#grow(KEY_COST + key.length);
  }

  #evictMessage(): void {
    const { message } = this.kept.shift()!;
    this.evicted = { offset: message.offset, stamp: message.stamp };
    this.#grow(-messageCost(message));
  }

  #forget(key: string): void {
    this.#keys.delete(key);
    this.#grow(-KEY_COST - key.length);
  }

  #grow(bytes: number): void {
    this.bytes += bytes;
    this.#share.add(bytes);
  }

  /** Whether somebody who has `after` has a message that is none of this topic's. */
  #isElsewhere(after: Position | undefined): boolean {
    if (after === undefined || after.offset < this.evicted.offset) return false;
    if (after.offset > this.top.offset) return true;
    const stamp =
      after.offset === this.evicted.offset
        ? this.evicted.stamp
        : this.kept[this.#indexAfter(after.offset) - 1]!.message.stamp;
    return after.stamp !== undefined && after.stamp !== stamp;
  }

  // Offsets are dense here.
  #indexAfter(offset: number): number {
    const first = this.kept[0]?.message.offset ?? this.top.offset + 1;
    return Math.min(Math.max(0, offset + 1 - first), this.kept.length);
  }
}

const STAMP_BYTES = 8;
/** Random bytes for the next ones: to ask for them costs more than the bytes. */
const random = Buffer.alloc(512 * STAMP_BYTES);
let used = random.length;

function freshStamp(): string {
  if (used === random.length) {
    randomFillSync(random);
    used = 0;
  }
  return random.toString("latin1", used, (used += STAMP_BYTES));
}

/** A word that has not been an epoch before. */
function freshEpoch(): string {
  return Buffer.from(freshStamp(), "latin1").toString("base64url");
}
