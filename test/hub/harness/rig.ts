import type { GapWord } from "#hawser/hub/recovery/audience.js";
import type { Position, Published, PublishOptions, StoredMessage } from "#hawser/hub/brokers/broker.js";
import { MemoryBroker } from "#hawser/hub/brokers/memory.js";
import { MemoryEngine, type MemoryEngineOptions } from "#hawser/hub/brokers/memory-engine.js";
import type { JoinAnswer, Wish } from "#hawser/hub/recovery/joins.js";
import { Recovery, type RecoveryOptions } from "#hawser/hub/recovery/recovery.js";
import type { RingRule } from "#hawser/hub/recovery/ring.js";
import { DeadlineWheel } from "#hawser/server/base/deadlines.js";
import { Random } from "../../harness/random.js";
import { StepClock } from "../../harness/step-clock.js";
import { FaultyBroker } from "./faulty-broker.js";
import { pass, settled } from "./turns.js";

export const RULE: RingRule = { size: 10, ttlMs: 3_600_000 };

interface Frame {
  readonly topic: string;
  readonly message: StoredMessage;
}

/** A node on an engine in memory, whose broker does what a test wants. */
export interface Node {
  readonly recovery: Recovery<Listener, Frame>;
  readonly broker: FaultyBroker;
  /** Called for each frame that a listener was given. */
  onReceive: ((listener: Listener, frame: Frame) => void) | undefined;
}

/** An engine, its nodes, and a clock that the test moves. */
export class Rig {
  readonly clock = new StepClock();
  engine: MemoryEngine;
  readonly #rule: RingRule | undefined;
  readonly #options: RecoveryOptions;
  readonly #random = new Random(1);

  constructor({
    rule,
    engine,
    ...options
  }: { rule?: RingRule | null; engine?: MemoryEngineOptions } & RecoveryOptions = {}) {
    this.#rule = rule === null ? undefined : (rule ?? RULE);
    this.engine = new MemoryEngine(this.clock, engine);
    this.#options = options;
  }

  async node(): Promise<Node> {
    const broker = new FaultyBroker(new MemoryBroker(this.engine), this.#random, this.clock);
    const node: Node = { recovery: this.#recovery(broker, () => node), broker, onReceive: undefined };
    await broker.start(node.recovery.events);
    return node;
  }

  /** Publishes by way of the engine's own broker, which has no faults. */
  async publish(topic: string, text: string, options: Partial<PublishOptions> = {}): Promise<Published> {
    const broker = new MemoryBroker(this.engine);
    await broker.start({ message: () => {}, told: () => {}, state: () => {} });
    const { size, ttlMs } = this.#rule ?? { size: 0, ttlMs: 0 };
    const published = await broker.publish(topic, Buffer.from(text), { binary: false, size, ttlMs, ...options });
    await broker.close();
    await settled();
    return published;
  }

  /** The engine starts anew with nothing, and the node is connected to it. */
  async restartEngine(...nodes: Node[]): Promise<void> {
    for (const { broker } of nodes) broker.cut();
    this.engine = new MemoryEngine(this.clock);
    for (const { broker } of nodes) await broker.restore(new MemoryBroker(this.engine));
  }

  async pass(ms: number): Promise<void> {
    await pass(this.clock, ms);
  }

  #recovery(broker: FaultyBroker, node: () => Node): Recovery<Listener, Frame> {
    const take = (listener: Listener, frame: Frame): boolean => {
      if (listener.room === 0) return false;
      listener.room--;
      listener.receive(frame);
      node().onReceive?.(listener, frame);
      return true;
    };
    const port = {
      rule: () => this.#rule,
      frame: (topic: string, message: StoredMessage) => ({ topic, message }),
      deliver: (frame: Frame, listeners: ReadonlySet<Listener>) => [...listeners].filter((one) => !take(one, frame)),
      send: take,
      gap: (listener: Listener, _topic: string, { offset }: Position, word: GapWord) => {
        if (listener.room === 0) return false;
        listener.room--;
        listener.log.push(`gap ${word} ${offset}`);
        return true;
      },
      told: () => {},
      state: () => {},
    };
    const random = (): number => this.#random.below(1000) / 1000;
    return new Recovery<Listener, Frame>(broker, new DeadlineWheel(this.clock), port, { random, ...this.#options });
  }
}

/** A client of a node, which writes down what it is told. */
export class Listener {
  readonly log: string[] = [];
  readonly messages: StoredMessage[] = [];
  readonly #node: Node;
  /** So many frames it takes before its backlog is full. */
  room = Infinity;
  /** As the last answer had it. */
  answer: JoinAnswer | undefined;

  constructor(node: Node) {
    this.#node = node;
  }

  /** Subscribes, and waits until everything that has to be asked was asked. */
  async join(topic: string, wish: Wish = {}): Promise<this> {
    this.joinNow(topic, wish);
    await settled();
    return this;
  }

  joinNow(topic: string, wish: Wish = {}): void {
    this.#node.recovery.join(topic, this, wish, (answer) => {
      this.answer = answer;
      if (answer.kind !== "joined") this.log.push(answer.kind);
      else if (answer.missed) this.log.push(`missed ${answer.position.offset}`);
      else this.log.push(`joined ${answer.position.offset}${answer.replay > 0 ? ` replay ${answer.replay}` : ""}`);
    });
  }

  leave(topic: string): void {
    this.#node.recovery.leave(topic, this);
  }

  drain(): void {
    this.room = Infinity;
    this.#node.recovery.drained(this);
  }

  receive({ message }: Frame): void {
    this.messages.push(message);
    this.log.push(Buffer.from(message.bytes).toString());
  }

  /** What was written since this was called last. */
  news(): string[] {
    return this.log.splice(0);
  }

  /** Where it is, going by its last answer; to resume from. */
  get position(): Position {
    if (this.answer?.kind !== "joined") throw new Error("it has not joined");
    return this.answer.position;
  }
}

/** The position after `count` more messages, in a memory engine's dense numbers. */
export function later({ epoch, offset }: Position, count: number): Position {
  return { epoch, offset: offset + count };
}
