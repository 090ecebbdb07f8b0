import type { DeadlineWheel } from "../../server/base/deadlines.js";
import type { AudiencePort } from "./audience.js";
import type { Broker, BrokerEvents, EngineState, Position, StoredMessage } from "../brokers/broker.js";
import { FairShare } from "../brokers/fair-share.js";
import type { JoinAnswer, Wish } from "./joins.js";
import { LatelyPublished } from "./lately-published.js";
import type { RingRule } from "./ring.js";
import { noPhases } from "./phases.js";
import { Topic } from "./topic.js";
import type { Ask, BrokerAnswer } from "./ask.js";
import type { Asker, RecoveryCounts, TopicPort } from "./topic-port.js";

/**
 * After a new connection to the engine all topics ask for their position, spread over this time: an engine answers fifty thousand questions in half a
 * second, and all of a node's clients wait for theirs.
 */
const SUSPECT_SPREAD_MS = 2_000;
/** Topics in one question for their positions, or to subscribe: an engine answers that in a few milliseconds. */
const BATCH = 500;

/** What the recovery needs of the hub. */
export interface RecoveryPort<Client, Frame> extends Omit<AudiencePort<Client, Frame>, "slow" | "counts"> {
  /** What clients are sent for a message: composed once, kept for replays. */
  frame(topic: string, message: StoredMessage): Frame;
  /** What is kept of a topic; undefined for one without history. */
  rule(topic: string): RingRule | undefined;
  /** A control message of a node. */
  told(bytes: Uint8Array, from: string): void;
  state(state: EngineState, why: string): void;
  /** Something stood in the engine that no node wrote. */
  foreign?(where: string): void;
}

export interface RecoveryOptions {
  /** The most that messages take which are kept for replays or held back, all topics together. @default 67108864 (64 MiB) */
  readonly bytes?: number | undefined;
  /** From 0 to 1. @default Math.random */
  readonly random?: (() => number) | undefined;
}

/**
 * The topics of this node, between a broker and the hub's clients. Here questions become promises and deadlines a place on the wheel; what to do
 * about them is decided in `Topic`.
 */
export class Recovery<Client, Frame> {
  readonly counts: RecoveryCounts = {
    messages: 0,
    deliveries: 0,
    phases: noPhases(),
    asked: 0,
    repaired: 0,
    gaps: { expired: 0, lost: 0, slow: 0, reset: 0 },
    resumed: 0,
    missed: 0,
  };
  readonly #broker: Broker;
  readonly #wheel: DeadlineWheel;
  readonly #port: RecoveryPort<Client, Frame>;
  readonly #topics = new Map<string, Topic<Client, Frame>>();
  /** In which topics a client has no room. */
  readonly #slow = new Map<Client, Set<string>>();
  readonly #latelyPublished = new LatelyPublished();
  readonly #share: FairShare;
  readonly #topicPort: TopicPort<Client, Frame>;
  readonly #toSubscribe: Asker[] = [];
  readonly #toCheck: (readonly [topic: Asker, number: number])[] = [];
  #isStopped = false;

  constructor(
    broker: Broker,
    wheel: DeadlineWheel,
    port: RecoveryPort<Client, Frame>,
    { bytes = 64 * 1024 * 1024, random = Math.random }: RecoveryOptions = {},
  ) {
    this.#broker = broker;
    this.#wheel = wheel;
    this.#port = port;
    this.#share = new FairShare(bytes);
    this.#topicPort = this.#portOfTopics(random);
  }

  /** For `Broker.start`. */
  get events(): BrokerEvents {
    return {
      message: (topic, message) => this.#topics.get(topic)?.message(message, this.#wheel.now),
      told: (bytes, from) => this.#port.told(bytes, from),
      foreign: (where) => this.#port.foreign?.(where),
      state: (state, why) => this.#stateChanged(state, why),
    };
  }

  get topics(): ReadonlyMap<string, Topic<Client, Frame>> {
    return this.#topics;
  }

  /** What the messages on this node take. */
  get bytes(): number {
    return this.#share.bytes;
  }

  /**
   * A client subscribes, or subscribes again. `answer` is called once, before anything of the topic is sent, unless the client leaves before.
   * Where this node knows enough, that and the replay happen before `join` returns.
   */
  join(name: string, client: Client, wish: Wish, answer: (answer: JoinAnswer) => void): void {
    let topic = this.#topics.get(name);
    if (topic === undefined) {
      topic = new Topic(name, this.#port.rule(name), this.#topicPort, this.#wheel.time.now);
      this.#topics.set(name, topic);
    }
    topic.join(client, wish, answer, this.#wheel.time.now);
  }

  leave(name: string, client: Client): void {
    const slow = this.#slow.get(client);
    slow?.delete(name);
    if (slow?.size === 0) this.#slow.delete(client);
    this.#topics.get(name)?.leave(client, this.#wheel.time.now);
  }

  /** The engine has acknowledged a publish of this node's, with this position. */
  acknowledged(name: string, { epoch, offset }: Position): void {
    const { now } = this.#wheel.time;
    const topic = this.#topics.get(name);
    if (topic !== undefined) topic.acknowledged({ epoch, offset }, now);
    else if (offset > 0) this.#latelyPublished.add(name, { epoch, offset }, now);
  }

  /** A client that had no room for something has room again: it catches up. */
  drained(client: Client): void {
    const slow = this.#slow.get(client);
    this.#slow.delete(client);
    for (const name of slow ?? []) this.#topics.get(name)?.drained(client);
  }

  /** Nothing is done any longer, whatever the broker says. */
  stop(): void {
    this.#isStopped = true;
    for (const topic of this.#topics.values()) this.#wheel.remove(topic);
    this.#topics.clear();
    Object.assign(this.counts.phases, noPhases());
    this.#slow.clear();
  }

  #portOfTopics(random: () => number): TopicPort<Client, Frame> {
    const port = this.#port;
    return {
      deliver: (frame, clients) => port.deliver(frame, clients),
      send: (client, frame) => port.send(client, frame),
      gap: (client, topic, position, word) => {
        const hadRoom = port.gap(client, topic, position, word);
        // The others are told to all clients of a topic, and counted there.
        if (hadRoom && word === "slow") this.counts.gaps.slow++;
        return hadRoom;
      },
      frame: (topic, message) => port.frame(topic, message),
      slow: (client, topic) => {
        const topics = this.#slow.get(client);
        if (topics === undefined) this.#slow.set(client, new Set([topic]));
        else topics.add(topic);
      },
      ask: (topic, what) => this.#ask(topic, what),
      check: (topic, number) => {
        // Those of the same turn of the wheel go together.
        if (this.#toCheck.push([topic, number]) === 1) queueMicrotask(() => this.#check());
      },
      wake: (topic, at) => this.#wheel.schedule(topic, at),
      drop: (topic) => {
        this.#topics.delete(topic.name);
        this.#broker.unsubscribe([topic.name]);
      },
      random,
      share: this.#share,
      counts: this.counts,
    };
  }

  #stateChanged(state: EngineState, why: string): void {
    const now = this.#wheel.time.now;
    if (state !== "up") {
      for (const topic of this.#topics.values()) topic.doubt(now, state === "suspect" ? SUSPECT_SPREAD_MS : undefined);
      if (state === "suspect") void this.#latelyPublished.check(this.#broker, now);
    }
    this.#port.state(state, why);
  }

  #ask(topic: Asker, ask: Ask): void {
    if (ask.kind === "subscribe") {
      // A hello brings hundreds of topics in one turn.
      if (this.#toSubscribe.push(topic) === 1) queueMicrotask(() => this.#subscribe());
      return;
    }
    this.#answer([topic], () => this.#put(topic.name, ask));
  }

  async #put(name: string, ask: Exclude<Ask, { kind: "subscribe" }>): Promise<BrokerAnswer> {
    if (ask.kind === "renew") {
      await this.#broker.renew(name, ask.epoch);
      return { kind: "renewed" };
    }
    const { limit } = ask;
    const options = ask.kind === "newest" ? { limit, reverse: true } : { limit, after: ask.position };
    return { kind: "history", history: await this.#broker.read(name, options) };
  }

  #subscribe(): void {
    for (
      let topics = this.#toSubscribe.splice(0, BATCH);
      topics.length > 0;
      topics = this.#toSubscribe.splice(0, BATCH)
    ) {
      const names = topics.map(({ name }) => name);
      this.#answer(topics, async () => {
        await this.#broker.subscribe(names);
        return { kind: "subscribed" };
      });
    }
  }

  #answer(topics: readonly Asker[], ask: () => Promise<BrokerAnswer>): void {
    const answered = (answer: BrokerAnswer): void => {
      if (this.#isStopped) return;
      const now = this.#wheel.time.now;
      for (const topic of topics) topic.answered(answer, now);
    };
    ask().then(answered, () => answered({ kind: "failed" }));
  }

  #check(): void {
    for (let batch = this.#toCheck.splice(0, BATCH); batch.length > 0; batch = this.#toCheck.splice(0, BATCH)) {
      const checked = (heads: ReadonlyMap<string, Position>): void => {
        if (this.#isStopped) return;
        const now = this.#wheel.time.now;
        for (const [topic, number] of batch) topic.checked(heads.get(topic.name), number, now);
      };
      this.#broker.heads(batch.map(([{ name }]) => name)).then(checked, () => checked(new Map()));
    }
  }
}
