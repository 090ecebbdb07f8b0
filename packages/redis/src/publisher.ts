/** Publishes of one turn go together: one script for many of them, which costs Redis and this process less than one for each. */
import { BrokerError, type Published, type PublishOptions } from "hawser/hub";
import { Batch, type Keeping, type Place } from "./batch.js";
import type { Engine } from "./engine.js";
import type { Content } from "./envelope.js";
import { brokerErrorOf } from "./faults.js";
import { freshWord } from "./fresh.js";
import { type Keys, partitionOf } from "./keys.js";
import { publishScript } from "./scripts.js";

/** In one script: Redis does nothing else meanwhile, for half a millisecond or so. */
const BATCH = 64;
const BATCH_BYTES = 256 * 1024;
/** What may wait for Redis at once. */
const MOST = 20_000;
const MOST_BYTES = 64 * 1024 * 1024;
/** What is kept nowhere. */
const NOT_KEPT: Keeping = { size: 0, ttlMs: 0 };

export class Publisher {
  readonly #engine: Engine;
  readonly #keys: Keys;
  readonly #keyWindowMs: string;
  /** Those of this turn. */
  #batches: Batch[] = [];
  /** The one that is being filled; by partition in a Cluster, where a script has the keys of one slot alone, elsewhere one for all. */
  #open = new Map<number, Batch>();
  #count = 0;
  #bytes = 0;

  constructor(engine: Engine, keys: Keys, keyWindowMs: number) {
    this.#engine = engine;
    this.#keys = keys;
    this.#keyWindowMs = String(keyWindowMs);
  }

  /** How many wait for an answer. */
  get waiting(): number {
    return this.#count;
  }

  /** What is published is copied before this returns. @throws RangeError for names that are far too long */
  publish(
    topic: string,
    bytes: Uint8Array,
    { size, ttlMs, key, binary, by, from }: PublishOptions,
  ): Promise<Published> {
    const partition = partitionOf(topic);
    const keys = this.#keys;
    return this.#add(
      partition,
      keys.channel("topic", partition, topic),
      () => ({ meta: keys.meta(partition, topic), stream: keys.stream(partition, topic) }),
      key === undefined ? undefined : keys.published(partition, topic, key),
      { size, ttlMs },
      { bytes, binary, by, from },
    );
  }

  /** To a channel that is no topic's. */
  async send(channel: string, partition: number, content: Content): Promise<void> {
    const nothing = this.#keys.nothing(partition);
    await this.#add(partition, channel, () => ({ meta: nothing, stream: nothing }), undefined, NOT_KEPT, content);
  }

  #add(
    partition: number,
    channel: string,
    placeOf: () => Place,
    key: string | undefined,
    keeping: Keeping,
    content: Content,
  ): Promise<Published> {
    const { byteLength } = content.bytes;
    if (this.#count >= MOST || this.#bytes + byteLength > MOST_BYTES) {
      return Promise.reject(new BrokerError("unavailable", "too much waits for Redis already"));
    }
    const batch = this.#batchFor(partition, byteLength);
    const before = batch.length;
    const published = batch.add(channel, placeOf, key, keeping, content);
    this.#count++;
    this.#bytes += batch.length - before;
    return published;
  }

  #batchFor(partition: number, bytes: number): Batch {
    const group = this.#engine.isSharded ? partition : 0;
    const open = this.#open.get(group);
    if (open !== undefined && open.size < BATCH && open.length + bytes <= BATCH_BYTES) return open;
    const batch = new Batch(partition);
    if (this.#batches.push(batch) === 1) this.#flushLater();
    this.#open.set(group, batch);
    return batch;
  }

  /**
   * At the end of the turn: by then every client that sent something at the same time was read. The client library writes at the end of a turn as well,
   * which is then the next one: where nothing is under way, what one client has sent, or what was waited for by the same answer, goes before that.
   */
  #flushLater(): void {
    if (this.#count === 0) process.nextTick(() => this.#flush());
    else setImmediate(() => this.#flush());
  }

  #flush(): void {
    const batches = this.#batches;
    this.#batches = [];
    // Not cleared: V8 has a cleared table point to the one after it. One that has grown old would keep all batches since for a major collection.
    this.#open = new Map();
    for (const batch of batches) if (batch.size > 0) void this.#run(batch);
  }

  async #run(batch: Batch): Promise<void> {
    const { bytes } = batch;
    const keys = batch.keys(this.#keys.nothing(batch.partition));
    try {
      const answers = await this.#engine.ask(batch.partition, ({ commands, shard }) =>
        commands.run(
          publishScript,
          keys,
          [shard.isSharded ? "SPUBLISH" : "PUBLISH", this.#keyWindowMs, freshWord(), bytes, ...batch.channels],
          bytes.length,
        ),
      );
      batch.answered(answers as Buffer);
    } catch (error) {
      batch.failed(brokerErrorOf(error));
    } finally {
      this.#count -= batch.size;
      this.#bytes -= bytes.length;
    }
  }
}
