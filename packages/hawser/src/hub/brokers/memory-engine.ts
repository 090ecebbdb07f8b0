import type { Clock } from "../../server/base/clock.js";
import {
  BrokerError,
  type BrokerEvents,
  type Published,
  type PublishOptions,
  type PresenceStore,
  type StoredMessage,
} from "./broker.js";
import { FairShare } from "./fair-share.js";
import { MemoryPresence } from "./memory-presence.js";
import { type MemoryLimits, MemoryTopic } from "./memory-topic.js";

export interface MemoryEngineOptions extends Partial<MemoryLimits> {
  /** The most that the histories and keys of all topics hold. @default 67108864 (64 MiB) */
  readonly bytes?: number | undefined;
  /** The most topics that have a position: each takes half a kilobyte, and its name. @default 100000 */
  readonly topics?: number | undefined;
}

/** How many topics are looked at for one that can be forgotten, when another one begins. */
const LOOKS = 16;
/** How often a few topics are looked at for what has expired in them. */
const SWEEP_MS = 1000;
/** So many: a hundred thousand topics have their turn in less than two minutes. */
const SWEPT = 1000;

/** The histories, keys and subscriptions that the memory brokers of one or more nodes share. */
export class MemoryEngine {
  readonly #clock: Clock;
  readonly #limits: MemoryLimits;
  readonly #maxTopics: number;
  readonly #share: FairShare;
  readonly #subscribers = new Map<string, Set<BrokerEvents>>();
  readonly #nodes = new Map<string, BrokerEvents>();
  /** What was published from inside of a delivery: it waits, so that everybody sees the same order. */
  readonly #outgoing: (readonly [topic: string, message: StoredMessage])[] = [];
  #isDelivering = false;
  #round: Iterator<MemoryTopic> | undefined;
  #stopSweep: (() => void) | undefined;
  readonly topics: Map<string, MemoryTopic> = new Map();
  readonly presence: PresenceStore;

  constructor(clock: Clock, options: MemoryEngineOptions = {}) {
    this.#clock = clock;
    this.#limits = {
      // Half of what a client may have queued, four times over: a history that nobody could be sent in one piece helps nobody.
      topicBytes: options.topicBytes ?? 2 * 1024 * 1024,
      // As long as others do: a client that was away for longer has no business with its queue.
      keyWindowMs: options.keyWindowMs ?? 300_000,
      topicKeys: options.topicKeys ?? 10_000,
    };
    this.#maxTopics = options.topics ?? 100_000;
    this.#share = new FairShare(options.bytes ?? 64 * 1024 * 1024);
    this.presence = new MemoryPresence(clock);
  }

  /** What all histories and keys hold. */
  get bytes(): number {
    return this.#share.bytes;
  }

  now(): number {
    return this.#clock.now();
  }

  enter(node: string, events: BrokerEvents): void {
    this.#nodes.set(node, events);
    this.#stopSweep ??= this.#clock.every(SWEEP_MS, () => this.#sweep());
  }

  leave(node: string, events: BrokerEvents): void {
    for (const [topic, subscribers] of this.#subscribers) if (subscribers.has(events)) this.unsubscribe(topic, events);
    this.#nodes.delete(node);
    if (this.#nodes.size > 0) return;
    this.#stopSweep?.();
    this.#stopSweep = undefined;
  }

  subscribe(topic: string, events: BrokerEvents): void {
    const subscribers = this.#subscribers.get(topic);
    if (subscribers === undefined) this.#subscribers.set(topic, new Set([events]));
    else subscribers.add(events);
  }

  unsubscribe(topic: string, events: BrokerEvents): void {
    const subscribers = this.#subscribers.get(topic);
    subscribers?.delete(events);
    if (subscribers?.size === 0) this.#subscribers.delete(topic);
  }

  publish(name: string, bytes: Uint8Array, options: PublishOptions): Published {
    const { key, size, binary, by, from } = options;
    const now = this.now();
    if (size === 0 && key === undefined) {
      this.#deliver(name, { offset: 0, prev: 0, epoch: "", stamp: "", bytes, binary, by, from });
      return { offset: 0, epoch: "", duplicate: false };
    }
    const topic = this.topic(name);
    const earlier = key === undefined ? undefined : topic.publishedWith(key, now);
    if (earlier !== undefined) return earlier;
    const message = topic.append(bytes, options, now);
    this.#deliver(name, message);
    return { offset: message.offset, epoch: message.epoch, duplicate: false };
  }

  /** A topic, from its beginning if it is new. */
  topic(name: string): MemoryTopic {
    const known = this.topics.get(name);
    if (known !== undefined) return known;
    if (this.topics.size >= this.#maxTopics) this.#makeRoom();
    const topic = new MemoryTopic(this.#limits, this.#share);
    this.topics.set(name, topic);
    return topic;
  }

  tell(bytes: Uint8Array, from: string, node?: string): void {
    for (const [name, events] of this.#nodes) if (node === undefined || node === name) events.told(bytes, from);
  }

  #deliver(topic: string, message: StoredMessage): void {
    this.#outgoing.push([topic, message]);
    if (this.#isDelivering) return;
    this.#isDelivering = true;
    for (let next = this.#outgoing.shift(); next !== undefined; next = this.#outgoing.shift()) {
      const [topic, message] = next;
      for (const subscriber of this.#subscribers.get(topic) ?? []) subscriber.message(topic, message);
    }
    this.#isDelivering = false;
  }

  // A position that somebody follows is never forgotten: it would be a new epoch, and a gap where nothing is missing.
  #makeRoom(): void {
    let looks = 0;
    for (const [name, topic] of this.topics) {
      if (this.#canForget(name, topic)) {
        this.#share.leave(topic);
        this.topics.delete(name);
        return;
      }
      // Next time another one is looked at first.
      this.topics.delete(name);
      this.topics.set(name, topic);
      if (++looks === LOOKS) break;
    }
    throw new BrokerError("limit", `there are ${this.#maxTopics} topics already, and those looked at are in use`);
  }

  #canForget(name: string, topic: MemoryTopic): boolean {
    return !this.#subscribers.has(name) && topic.isIdle(this.now());
  }

  /** Memory of messages that nobody asks for is given back too. */
  #sweep(): void {
    const now = this.now();
    for (let swept = 0; swept < SWEPT; swept++) {
      this.#round ??= this.topics.values();
      const next = this.#round.next();
      if (next.done === true) {
        this.#round = undefined;
        return;
      }
      next.value.expire(now);
    }
  }
}
