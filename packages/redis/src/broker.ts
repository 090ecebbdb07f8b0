/** A hub's broker on Redis: one script for each publish, pub/sub for what is live, streams for what was. */
import { randomBytes } from "node:crypto";
import {
  type Broker,
  BrokerError,
  type BrokerEvents,
  type EngineState,
  type Position,
  type PresenceStore,
  type Published,
  type PublishOptions,
  type ReadOptions,
  type StoredHistory,
} from "hawser/hub";
import { addressOf, clientsOf } from "./clients.js";
import { TICK_MS } from "./connection.js";
import { Engine } from "./engine.js";
import { readAllLive } from "./envelope.js";
import { brokerErrorOf } from "./faults.js";
import { Keys, partitionOf } from "./keys.js";
import { BATCH } from "./link.js";
import { type RedisBrokerOptions, type ResolvedRedisOptions, resolveRedisOptions } from "./options.js";
import { Presence } from "./presence.js";
import { Publisher } from "./publisher.js";
import { Topics } from "./topics.js";
import { Topology } from "./topology.js";
import { Wanted } from "./wanted.js";

/** What a broker counts, for metrics. */
export interface RedisBrokerStats {
  readonly state: EngineState;
  /** How often connections were made anew. */
  readonly reconnects: number;
  /** Messages and entries that no node wrote, and that were passed over. */
  readonly foreign: number;
  /** Publishes that wait for an answer. */
  readonly waiting: number;
}

/** A broker that can say how it is. */
export interface RedisBroker extends Broker {
  readonly stats: RedisBrokerStats;
}

/**
 * A broker on Redis 6.2 or later, or Valkey: one server, Sentinels, or a Cluster of Redis 7.0 or later.
 * @throws OptionError, UsageError for options that are wrong or not safe
 */
export function redisBroker(options: RedisBrokerOptions): RedisBroker {
  return new BrokerOnRedis(resolveRedisOptions(options));
}

class BrokerOnRedis implements RedisBroker {
  readonly has = { history: true, presence: true, copies: true } as const;
  readonly presence: PresenceStore;
  readonly #node: string;
  readonly #clock: ResolvedRedisOptions["clock"];
  readonly #keys: Keys;
  readonly #engine: Engine;
  readonly #publisher: Publisher;
  readonly #topics: Topics;
  readonly #wanted: Wanted;
  #events: BrokerEvents | undefined;
  #stopTicks: (() => void) | undefined;
  #isClosed = false;
  #foreign = 0;

  constructor(options: ResolvedRedisOptions) {
    const { clock } = options;
    const id = randomBytes(9).toString("base64url");
    const now = (): number => clock.now();
    const { timeoutMs } = options;
    this.#clock = clock;
    this.#node = options.node ?? id;
    this.#keys = new Keys(options.prefix);
    this.#wanted = new Wanted(this.#keys, this.#node, id);
    const clients = clientsOf(options, `hawser-${id}`);
    const topology = new Topology(
      {
        addresses: options.url?.addresses ?? [addressOf(options.client!)],
        masterName: options.url?.masterName,
        mapAddress: options.mapAddress,
      },
      clients,
      { now, timeoutMs },
    );
    this.#engine = new Engine({
      clients,
      topology,
      now,
      timeoutMs,
      random: Math.random,
      message: (channel, data) => this.#message(channel, data),
      wanted: (partition, isFirst) => this.#wanted.channels(partition, isFirst, BATCH),
      probe: ({ shard }) => {
        const [partition = 0] = shard.partitions;
        return this.#publisher.send(this.#keys.channel("probe", partition, id), partition, NOTHING);
      },
      nowhere: (partition) => [this.#keys.nothing(partition), this.#keys.channel("probe", partition)],
      state: (state, why) => this.#events?.state(state, why),
    });
    this.#publisher = new Publisher(this.#engine, this.#keys, options.keyWindowMs);
    this.#topics = new Topics(this.#engine, this.#keys, (where) => this.#passOver(where));
    this.presence = new Presence(this.#engine, this.#keys, now);
  }

  get stats(): RedisBrokerStats {
    const { state, reconnects } = this.#engine;
    return { state, reconnects, foreign: this.#foreign, waiting: this.#publisher.waiting };
  }

  async start(to: BrokerEvents): Promise<void> {
    this.#check();
    this.#events = to;
    this.#stopTicks = this.#clock.every(TICK_MS, () => this.#engine.tick());
    try {
      await this.#engine.start();
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async subscribe(topics: readonly string[]): Promise<void> {
    this.#check();
    const request = {};
    for (const topic of topics) this.#wanted.add(partitionOf(topic), topic, request);
    try {
      await Promise.all(
        this.#channels(topics).map(([partition, channels]) =>
          this.#engine.ask(partition, (link) => link.subscribe(channels)),
        ),
      );
    } catch (error) {
      throw brokerErrorOf(error);
    } finally {
      this.#wanted.confirmed(topics, request);
    }
  }

  unsubscribe(topics: readonly string[]): void {
    for (const topic of topics) this.#wanted.remove(partitionOf(topic), topic);
    for (const [partition, channels] of this.#channels(topics)) {
      this.#engine.linkIfAny(partition)?.unsubscribe(channels);
    }
  }

  publish(topic: string, bytes: Uint8Array, options: PublishOptions): Promise<Published> {
    // An async function would be one more promise for each message.
    try {
      this.#check();
      return this.#publisher.publish(topic, bytes, options);
    } catch (error) {
      return Promise.reject(brokerErrorOf(error));
    }
  }

  async read(topic: string, options: ReadOptions): Promise<StoredHistory> {
    this.#check();
    return asBrokerError(this.#topics.read(topic, options));
  }

  async heads(topics: readonly string[]): Promise<ReadonlyMap<string, Position>> {
    this.#check();
    return asBrokerError(this.#topics.heads(topics));
  }

  async renew(topic: string, epoch: string): Promise<Position> {
    this.#check();
    return asBrokerError(this.#topics.renew(topic, epoch));
  }

  async tell(bytes: Uint8Array, node?: string): Promise<void> {
    this.#check();
    const partition = node === undefined ? 0 : partitionOf(node);
    const channel = this.#keys.channel(node === undefined ? "all" : "node", partition, node);
    await this.#publisher.send(channel, partition, { bytes, binary: true, from: this.#node });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#events = undefined;
    this.#stopTicks?.();
    this.#stopTicks = undefined;
    this.#engine.close();
  }

  #check(): void {
    if (this.#isClosed) throw new BrokerError("unavailable", "the broker is closed");
  }

  /** The channels of topics, in groups that one master has; in a Cluster a command has those of one partition. */
  #channels(topics: readonly string[]): (readonly [partition: number, channels: readonly string[]])[] {
    const groups = new Map<number, string[]>();
    for (const topic of topics) {
      const partition = partitionOf(topic);
      const group = this.#engine.isSharded ? partition : 0;
      const channels = groups.get(group) ?? [];
      groups.set(group, channels);
      channels.push(this.#keys.channel("topic", partition, topic));
    }
    return [...groups];
  }

  /** What comes on a channel. */
  #message(channel: string, data: Buffer): void {
    const named = this.#keys.nameOf(channel);
    if (named?.kind === "probe") return;
    const messages = readAllLive(data);
    if (named === undefined || messages === undefined) {
      this.#passOver(`a message on the channel ${channel}`);
      return;
    }
    const { kind, partition, name } = named;
    for (const message of messages) {
      if (kind === "topic") {
        if (this.#wanted.takes(partition, name)) this.#events?.message(name, message);
      } else if (message.from === undefined) this.#passOver(`a message on the channel ${channel}`);
      else this.#events?.told(message.bytes, message.from);
    }
  }

  #passOver(where: string): void {
    this.#foreign++;
    this.#events?.foreign?.(where);
  }
}

/** What a probe says. */
const NOTHING = { bytes: new Uint8Array(0), binary: true } as const;

async function asBrokerError<Value>(promise: Promise<Value>): Promise<Value> {
  try {
    return await promise;
  } catch (error) {
    throw brokerErrorOf(error);
  }
}
