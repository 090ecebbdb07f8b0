import type { StoredMessage } from "#hawser/hub/brokers/broker.js";
import { MemoryBroker } from "#hawser/hub/brokers/memory.js";
import { MemoryEngine } from "#hawser/hub/brokers/memory-engine.js";
import { Recovery } from "#hawser/hub/recovery/recovery.js";
import type { RingRule } from "#hawser/hub/recovery/ring.js";
import { DeadlineWheel } from "#hawser/server/base/deadlines.js";
import { Random } from "../../harness/random.js";
import { StepClock } from "../../harness/step-clock.js";
import { FaultyBroker, loseNewest, NO_FAULTS } from "../harness/faulty-broker.js";
import { pass, settled } from "../harness/turns.js";
import { ModelClient, type Node, type Session } from "./client.js";
import { Truth } from "./truth.js";

export const TOPICS: readonly string[] = ["long", "short", "latest", "plain"];
const RULES: Readonly<Record<string, RingRule | undefined>> = {
  long: { size: 40, ttlMs: 600_000 },
  short: { size: 6, ttlMs: 20_000 },
  latest: { size: 1, ttlMs: 60_000 },
  plain: undefined,
};
const NODES = 2;
const CLIENTS = 5;
/** Small, so that they are reached. */
const RING_BYTES = 10_000;
const ENGINE_BYTES = 20_000;
const KEY_WINDOW_MS = 60_000;
/** Retries and checks take half a minute at most, and what was late is late by seconds. */
const CALM_MS = 50_000;

interface Place {
  broker: FaultyBroker;
  node: Node;
  wheel: DeadlineWheel;
}

/** Two nodes on one engine, clients, and everything that may go wrong. */
export class World {
  readonly clock = new StepClock();
  readonly #random: Random;
  readonly #truth: Truth;
  readonly places: Place[] = [];
  readonly clients: ModelClient[] = [];
  #published = 0;
  #lastKey: { topic: string; key: string; id: string; until: number } | undefined;
  #engine: MemoryEngine;

  constructor(seed: number) {
    this.#random = new Random(seed);
    this.#engine = this.#newEngine();
    this.#truth = new Truth(this.#engine, TOPICS);
    for (let i = 0; i < CLIENTS; i++) this.clients.push(new ModelClient(String(i), this.#truth));
  }

  async start(): Promise<void> {
    for (let i = 0; i < NODES; i++) this.places.push(await this.#newPlace());
    for (const [i, client] of this.clients.entries()) client.connect(this.places[i % NODES]!.node);
  }

  async publish(place: number, topic: string, withKey: boolean): Promise<void> {
    const id = String(++this.#published);
    const key = withKey ? `k${id}` : undefined;
    if (key !== undefined) this.#lastKey = { topic, key, id, until: this.clock.now() + KEY_WINDOW_MS };
    await this.#publish(place, topic, id, key);
  }

  /** The same publish again, as after a lost connection. */
  async repeat(place: number): Promise<void> {
    if (this.#lastKey === undefined || this.clock.now() >= this.#lastKey.until) return;
    const { topic, key, id } = this.#lastKey;
    await this.#publish(place, topic, id, key);
  }

  restartNode(place: number): Promise<void> {
    const old = this.places[place]!;
    for (const client of this.clients) if (client.session?.node === old.node) client.cut();
    old.node.stop();
    return old.broker.close().then(async () => {
      this.places[place] = await this.#newPlace();
    });
  }

  /** All nodes lose their connection, and the engine the newest messages of a topic. */
  rollBack(topic: string, count: number): void {
    for (const { broker } of this.places) broker.cut();
    this.#truth.lost(topic, loseNewest(this.#engine, topic, count));
  }

  /** The engine starts anew with nothing; nodes are connected to it when they are restored. */
  restartEngine(): void {
    for (const { broker } of this.places) broker.cut();
    this.#engine = this.#newEngine();
    this.#truth.watch(this.#engine, TOPICS);
  }

  restore(place: number): Promise<void> {
    return this.places[place]!.broker.restore(new MemoryBroker(this.#engine));
  }

  get failure(): Error | undefined {
    return this.#truth.failure;
  }

  checkBounds(): void {
    if (this.#engine.bytes > ENGINE_BYTES) this.#truth.fail(`the engine holds ${this.#engine.bytes} bytes`);
    for (const { node } of this.places) {
      if (node.bytes > RING_BYTES) this.#truth.fail(`a node keeps ${node.bytes} bytes`);
      const sum = [...node.topics.values()].reduce((sum, { bytes }) => sum + bytes, 0);
      if (sum !== node.bytes) this.#truth.fail(`a node keeps ${sum} bytes, and counts ${node.bytes}`);
    }
  }

  /** The last fault is over, and everybody is connected. After some time all have to be where the engine is. */
  async end(): Promise<void> {
    for (const [i, { broker }] of this.places.entries()) {
      broker.faults = { ...NO_FAULTS };
      broker.isDeaf = false;
      await this.restore(i);
    }
    for (const client of this.clients) this.drain(client);
    await pass(this.clock, 5_000);
    for (const [i, client] of this.clients.entries()) {
      client.connect(this.places[i % NODES]!.node);
      client.resubscribeUnanswered();
    }
    await pass(this.clock, CALM_MS);
    for (const client of this.clients) client.checkEnd();
    this.checkBounds();
    for (const { node, broker } of this.places) {
      node.stop();
      await broker.close();
    }
  }

  drain(client: ModelClient): void {
    const { session } = client;
    if (session === undefined) return;
    session.room = Infinity;
    session.node.drained(session);
  }

  async #publish(place: number, topic: string, id: string, key: string | undefined): Promise<void> {
    const expected = this.clients.map((client) => client.expect(topic, id));
    const { size, ttlMs } = RULES[topic] ?? { size: 0, ttlMs: 0 };
    const bytes = Buffer.from(key === undefined ? id : `${id} ${key}`);
    const options = { binary: false, size, ttlMs, key };
    // Not waited for: an answer may take as long as the test lets it.
    void this.places[place]!.broker.publish(topic, bytes, options).then(
      ({ duplicate, epoch, offset }) => {
        if (!duplicate) this.places[place]!.node.acknowledged(topic, { epoch, offset });
        if (size > 0 && !duplicate) for (const due of expected) due?.();
      },
      () => {},
    );
    await settled();
  }

  async #newPlace(): Promise<Place> {
    const broker = new FaultyBroker(new MemoryBroker(this.#engine), this.#random, this.clock);
    const wheel = new DeadlineWheel(this.clock);
    const random = (): number => this.#random.below(1_000_000) / 1_000_000;
    const node: Node = new Recovery<Session, StoredMessage>(
      broker,
      wheel,
      {
        rule: (topic) => RULES[topic],
        frame: (topic, message) => ({ ...message, topic }) as StoredMessage,
        deliver: (frame, sessions) => [...sessions].filter((session) => !take(session, frame)),
        send: take,
        gap: (session, topic, position, word) => {
          if (!hasRoom(session)) return false;
          session.client.gap(topic, position, word);
          return true;
        },
        told: () => {},
        state: () => {},
      },
      { bytes: RING_BYTES, random },
    );
    await broker.start(node.events);
    return { broker, node, wheel };
  }

  #newEngine(): MemoryEngine {
    return new MemoryEngine(this.clock, {
      bytes: ENGINE_BYTES,
      topicBytes: ENGINE_BYTES / 2,
      keyWindowMs: KEY_WINDOW_MS,
    });
  }
}

function take(session: Session, frame: StoredMessage): boolean {
  if (!hasRoom(session)) return false;
  session.client.receive((frame as StoredMessage & { topic: string }).topic, frame);
  return true;
}

function hasRoom(session: Session): boolean {
  if (!session.isOpen) session.client.sentAfterEnd();
  return session.room-- > 0;
}
