import { freshId } from "../../server/base/fresh-id.js";
import {
  type Broker,
  BrokerError,
  type BrokerEvents,
  type History,
  type Position,
  type PresenceStore,
  type Published,
  type PublishOptions,
  type ReadOptions,
} from "./broker.js";
import type { MemoryEngine } from "./memory-engine.js";

/** A broker on the memory of this process. What it holds is gone with the process: then topics begin anew, in another epoch. */
export class MemoryBroker implements Broker {
  readonly has = { history: true, presence: true, trusted: true } as const;
  readonly presence: PresenceStore;
  readonly #engine: MemoryEngine;
  readonly #node: string;
  #events: BrokerEvents | undefined;

  constructor(engine: MemoryEngine, node: string = freshId()) {
    this.#engine = engine;
    this.#node = node;
    this.presence = engine.presence;
  }

  start(to: BrokerEvents): Promise<void> {
    this.#events = to;
    this.#engine.enter(this.#node, to);
    to.state("up", "memory of this process");
    return Promise.resolve();
  }

  async subscribe(topics: readonly string[]): Promise<void> {
    const events = this.#started();
    for (const topic of topics) this.#engine.subscribe(topic, events);
  }

  unsubscribe(topics: readonly string[]): void {
    if (this.#events === undefined) return;
    for (const topic of topics) this.#engine.unsubscribe(topic, this.#events);
  }

  async publish(topic: string, bytes: Uint8Array, options: PublishOptions): Promise<Published> {
    this.#started();
    return this.#engine.publish(topic, bytes, options);
  }

  async read(topic: string, options: ReadOptions): Promise<History> {
    this.#started();
    return this.#engine.topic(topic).read(options, this.#engine.now());
  }

  async heads(topics: readonly string[]): Promise<ReadonlyMap<string, Position>> {
    this.#started();
    return new Map(topics.map((topic) => [topic, this.#engine.topic(topic).head]));
  }

  async renew(name: string, epoch: string): Promise<Position> {
    this.#started();
    const topic = this.#engine.topic(name);
    if (topic.epoch === epoch) topic.renew();
    return topic.head;
  }

  async tell(bytes: Uint8Array, node?: string): Promise<void> {
    this.#started();
    this.#engine.tell(bytes, this.#node, node);
  }

  async close(): Promise<void> {
    if (this.#events !== undefined) this.#engine.leave(this.#node, this.#events);
    this.#events = undefined;
  }

  #started(): BrokerEvents {
    if (this.#events === undefined) throw new BrokerError("unavailable", "the broker is not started, or closed");
    return this.#events;
  }
}
