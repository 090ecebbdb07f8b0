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
  type StoredMessage,
} from "#hawser/hub/brokers/broker.js";
import type { MemoryEngine } from "#hawser/hub/brokers/memory-engine.js";
import type { Random } from "../../harness/random.js";
import type { StepClock } from "../../harness/step-clock.js";
import { after } from "./turns.js";

/** How often something goes wrong, in percent. */
export interface Faults {
  /** A message does not arrive. */
  drop: number;
  /** It arrives twice, the second time later. */
  double: number;
  /** It arrives later, and others overtake it. */
  delay: number;
  /** A question is not answered, or a publish not carried out. */
  fail: number;
  /** A publish is carried out, and rejected all the same. */
  failAfter: number;
  /** An answer takes its time: it says what was true when it was asked for. */
  slow: number;
}

export const NO_FAULTS: Readonly<Faults> = { drop: 0, double: 0, delay: 0, fail: 0, failAfter: 0, slow: 0 };

const MOST_DELAY_MS = 2_000;

/** A broker whose engine and link do everything that is not asked of them, and keep what is. */
export class FaultyBroker implements Broker {
  readonly has = { history: true, presence: true, trusted: true } as const;
  readonly presence: PresenceStore | undefined;
  faults: Faults = { ...NO_FAULTS };
  /** Nothing arrives, and nobody notices. */
  isDeaf = false;
  /** Reads do not say that the engine went back, as of an engine that cannot tell. */
  isVague = false;
  /** How often the broker was asked for what, since the start. */
  readonly asked = { subscribe: 0, read: 0, heads: 0, renew: 0 };
  readonly #random: Random;
  readonly #clock: StepClock;
  readonly #topics = new Set<string>();
  #inner: Broker;
  #events: BrokerEvents | undefined;
  #isUp = true;
  /** What is under way on a connection that is no more never arrives. */
  #connection = 0;

  constructor(inner: Broker, random: Random, clock: StepClock) {
    this.#inner = inner;
    this.#random = random;
    this.#clock = clock;
    this.presence = inner.presence;
  }

  async start(to: BrokerEvents): Promise<void> {
    this.#events = to;
    await this.#inner.start(this.#link(this.#inner));
  }

  /** The connection is lost. */
  cut(): void {
    this.#connection++;
    this.#isUp = false;
    this.#events?.state("down", "cut by the test");
  }

  /** A new connection, perhaps to another engine. Messages may come before the broker says that all is in place. */
  async restore(inner: Broker = this.#inner): Promise<void> {
    if (this.#isUp) return;
    this.#isUp = true;
    if (inner !== this.#inner) {
      await this.#inner.close();
      this.#inner = inner;
      await inner.start(this.#link(inner));
      await inner.subscribe([...this.#topics]);
    }
    const connection = ++this.#connection;
    const inPlace = (): void => {
      if (connection === this.#connection) this.#events?.state("suspect", "connected anew");
    };
    if (this.#random.chance(50)) inPlace();
    else after(this.#clock, 1 + this.#random.below(500), inPlace);
  }

  async subscribe(topics: readonly string[]): Promise<void> {
    this.asked.subscribe++;
    for (const topic of topics) this.#topics.add(topic);
    await this.#try(() => this.#inner.subscribe(topics));
  }

  unsubscribe(topics: readonly string[]): void {
    for (const topic of topics) this.#topics.delete(topic);
    this.#inner.unsubscribe(topics);
  }

  async publish(topic: string, bytes: Uint8Array, options: PublishOptions): Promise<Published> {
    const published = await this.#try(() => this.#inner.publish(topic, bytes, options));
    if (this.#random.chance(this.faults.failAfter)) throw unavailable();
    return published;
  }

  read(topic: string, options: ReadOptions): Promise<History> {
    this.asked.read++;
    return this.#try(async () => {
      const history = await this.#inner.read(topic, options);
      return this.isVague ? { ...history, diverged: false } : history;
    });
  }

  heads(topics: readonly string[]): Promise<ReadonlyMap<string, Position>> {
    this.asked.heads++;
    return this.#try(() => this.#inner.heads(topics));
  }

  renew(topic: string, epoch: string): Promise<Position> {
    this.asked.renew++;
    return this.#try(() => this.#inner.renew(topic, epoch));
  }

  async tell(bytes: Uint8Array, node?: string): Promise<void> {
    await this.#try(() => this.#inner.tell(bytes, node));
  }

  async close(): Promise<void> {
    this.#connection++;
    this.#events = undefined;
    await this.#inner.close();
  }

  #link(inner: Broker): BrokerEvents {
    return {
      message: (topic, message) => {
        if (inner === this.#inner) this.#arrive(topic, message);
      },
      told: (bytes, from) => this.#events?.told(bytes, from),
      // It tells its own.
      state: () => {},
    };
  }

  #arrive(topic: string, message: StoredMessage): void {
    const { drop, delay, double } = this.faults;
    if (!this.#isUp || this.isDeaf || this.#random.chance(drop)) return;
    if (this.#random.chance(delay)) this.#later(topic, message);
    else this.#events?.message(topic, message);
    if (this.#random.chance(double)) this.#later(topic, message);
  }

  #later(topic: string, message: StoredMessage): void {
    const connection = this.#connection;
    after(this.#clock, 1 + this.#random.below(MOST_DELAY_MS), () => {
      if (connection === this.#connection) this.#events?.message(topic, message);
    });
  }

  async #try<T>(ask: () => Promise<T>): Promise<T> {
    if (!this.#isUp || this.#random.chance(this.faults.fail)) throw unavailable();
    const answer = await ask();
    if (this.#random.chance(this.faults.slow)) {
      await new Promise<void>((resolve) => after(this.#clock, 1 + this.#random.below(MOST_DELAY_MS), resolve));
    }
    return answer;
  }
}

/** The engine forgets the newest messages of a topic, and goes on counting from there in the same epoch. @returns what it forgot */
export function loseNewest(engine: MemoryEngine, name: string, count: number): StoredMessage[] {
  const topic = engine.topic(name);
  const lost = topic.kept.splice(Math.max(0, topic.kept.length - count));
  if (lost.length > 0) {
    const { offset, stamp } = topic.kept.at(-1)?.message ?? topic.evicted;
    topic.top = { offset, stamp };
  }
  return lost.map(({ message }) => message);
}

function unavailable(): BrokerError {
  return new BrokerError("unavailable", "a fault of the test");
}
