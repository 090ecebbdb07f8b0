/** The links to all masters, kept in place for as long as the broker lives. */
import { BrokerError, BrokerSetupError, type EngineState } from "hawser/hub";
import { addressText } from "./address.js";
import { endsConnection, ELSEWHERE, EngineError, messageOf, setupFaultOf } from "./faults.js";
import { PARTITIONS } from "./keys.js";
import { type Patience, TICK_MS } from "./connection.js";
import { Link, type LinkPort } from "./link.js";
import type { Clients, Shard, Topology } from "./topology.js";

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 3_000;
/** Subscriptions on a new connection that wait for their answers at once. */
const PIPELINE = 16;
/** How often it is asked whether the masters are still the same. */
const LOOK_MS = 10_000;
/** A partition that is on the move is asked for again after so long, for as long as the caller can wait. */
const MOVING_MS = 50;

export interface EnginePort extends Patience {
  readonly clients: Clients;
  readonly topology: Topology;
  random(): number;
  message(channel: string, data: Buffer): void;
  /** The channels that are wanted in a partition, in pieces; of the first one of a link with that of its probe. */
  wanted(partition: number, isFirst: boolean): Iterable<readonly string[]>;
  probe(link: Link): Promise<unknown>;
  nowhere(partition: number): readonly [key: string, channel: string];
  state(state: EngineState, why: string): void;
}

export class Engine {
  readonly #port: EnginePort;
  readonly #links: (Link | undefined)[] = Array.from({ length: PARTITIONS });
  /** Those that there are, each once. */
  readonly #open = new Set<Link>();
  #healing: Promise<void> | undefined;
  #isHealAgain = false;
  #isClosed = false;
  #state: EngineState | undefined;
  #why = "the broker is not started";
  #lookAt = Infinity;
  #isLooking = false;
  #tickedAt = 0;
  #wake: () => void = () => {};
  /** How often a link was made, the first ones not counted. */
  reconnects = 0;

  constructor(port: EnginePort) {
    this.#port = port;
  }

  get state(): EngineState {
    return this.#state ?? "down";
  }

  /** Whether what belongs together in a Cluster has to be asked for partition by partition. */
  get isSharded(): boolean {
    const [link] = this.#open;
    return link?.shard.isSharded ?? false;
  }

  /** @throws BrokerSetupError */
  async start(): Promise<void> {
    try {
      await this.#putInPlace();
      if (this.#isInPlace) this.#tell("up", this.#where());
      else if (this.#isClosed) throw new BrokerError("unavailable", this.#why);
    } catch (error) {
      if (error instanceof BrokerSetupError || this.#isClosed) {
        this.#why = messageOf(error);
        throw error;
      }
      this.#why = messageOf(error);
    }
    if (this.#isInPlace) return;
    this.#tell("down", this.#why);
    this.#heal();
  }

  /** @throws BrokerError */
  link(partition: number): Link {
    const link = this.#links[partition];
    if (link === undefined) throw new BrokerError("unavailable", `Redis cannot be reached: ${this.#why}`);
    return link;
  }

  linkIfAny(partition: number): Link | undefined {
    return this.#links[partition];
  }

  /**
   * Asks the master of a partition. Where it turns out that another one is, that one is asked.
   * @throws BrokerError, EngineError
   */
  async ask<Value>(partition: number, ask: (link: Link) => Promise<Value>): Promise<Value> {
    const since = this.#port.now();
    for (;;) {
      const link = this.link(partition);
      try {
        return await ask(link);
      } catch (error) {
        if (endsConnection(error)) link.close(error.message);
        if (!(error instanceof EngineError) || !ELSEWHERE.has(error.code)) throw error;
        this.#lookAgain();
        // A connection waits for less than the whole of it, so that there is time for this.
        if (this.#port.now() - since >= this.#port.timeoutMs / 8) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, MOVING_MS));
    }
  }

  tick(): void {
    const now = this.#port.now();
    const isLate = now - this.#tickedAt > 3 * TICK_MS;
    this.#tickedAt = now;
    // This process stood still itself: answers may be there, and are read before the next time.
    if (isLate) return;
    for (const link of this.#open) link.tick();
    if (this.#port.now() >= this.#lookAt) this.#lookAgain();
  }

  close(): void {
    this.#isClosed = true;
    this.#why = "the broker is closed";
    for (const link of this.#open) link.close("the broker is closed");
    this.#wake();
  }

  get #isInPlace(): boolean {
    return this.#links.every((link) => link?.isInPlace === true);
  }

  /** Whether the masters are still the same ones: a link can be well, and lead to one that is none any longer. */
  #lookAgain(): void {
    this.#lookAt = this.#port.now() + LOOK_MS * (0.8 + 0.4 * this.#port.random());
    if (this.#isLooking || this.#healing !== undefined || this.#isClosed) return;
    this.#isLooking = true;
    this.#port.topology
      .find()
      .then((shards) => this.#drop(shards))
      // Whoever cannot say is no reason to give up links that work.
      .catch(() => {})
      .finally(() => (this.#isLooking = false));
  }

  /** Gives up the links to those who are not masters of the same partitions any longer. */
  #drop(shards: readonly Shard[]): void {
    const wanted = new Set(shards.map(keyOf));
    for (const link of this.#open) {
      if (!wanted.has(keyOf(link.shard))) link.close(`${addressText(link.shard.address)} is not the master any longer`);
    }
  }

  #lost(link: Link, why: string): void {
    this.#open.delete(link);
    for (const partition of link.shard.partitions) {
      if (this.#links[partition] === link) this.#links[partition] = undefined;
    }
    if (this.#isClosed) return;
    this.#why = why;
    if (this.#state !== undefined) {
      this.#tell("down", why);
      this.#heal();
    }
  }

  #heal(): void {
    if (this.#healing !== undefined) {
      this.#isHealAgain = true;
      return;
    }
    this.#healing = this.#healNow().finally(() => {
      this.#healing = undefined;
      if (this.#isHealAgain && !this.#isClosed) this.#heal();
    });
  }

  async #healNow(): Promise<void> {
    for (let attempt = 0; !this.#isClosed; attempt++) {
      // The first one as well: all nodes have lost their connection at the same time.
      const most = Math.min(FIRST_PAUSE_MS * 2 ** attempt, LONGEST_PAUSE_MS);
      await this.#pause(most * (0.5 + this.#port.random() / 2));
      if (this.#isClosed) return;
      this.#isHealAgain = false;
      try {
        await this.#putInPlace();
      } catch (error) {
        this.#why = messageOf(error);
        continue;
      }
      if (!this.#isInPlace) continue;
      this.reconnects++;
      this.#tell("suspect", this.#where());
      return;
    }
  }

  /** @throws EngineError, BrokerSetupError: of the first master that something is wrong with; the others are in place */
  async #putInPlace(): Promise<void> {
    const shards = await this.#port.topology.find();
    this.#drop(shards);
    const there = new Set([...this.#open].map(({ shard }) => keyOf(shard)));
    const missing = shards.filter((shard) => !there.has(keyOf(shard)));
    const results = await Promise.allSettled(missing.map((shard) => this.#open1(shard)));
    this.#lookAt = this.#port.now() + LOOK_MS;
    for (const result of results) if (result.status === "rejected") throw result.reason;
  }

  async #open1(shard: Shard): Promise<void> {
    const port: LinkPort = {
      clients: this.#port.clients,
      timeoutMs: this.#port.timeoutMs,
      now: () => this.#port.now(),
      message: (channel, data) => this.#port.message(channel, data),
      probe: (link) => this.#port.probe(link),
      nowhere: (partition) => this.#port.nowhere(partition),
      lost: (link, why) => this.#lost(link, why),
      moved: () => this.#lookAgain(),
    };
    const link = await Link.open(shard, port);
    if (this.#isClosed) {
      link.close("the broker is closed");
      return;
    }
    this.#open.add(link);
    for (const partition of shard.partitions) this.#links[partition] = link;
    try {
      let asked: Promise<void>[] = [];
      for (const partition of shard.partitions) {
        const isFirst = partition === shard.partitions[0];
        for (const channels of this.#port.wanted(partition, isFirst)) {
          if (asked.push(link.subscribe(channels)) < PIPELINE) continue;
          await Promise.all(asked);
          asked = [];
        }
      }
      await Promise.all(asked);
    } catch (error) {
      link.close(messageOf(error));
      throw setupFaultOf(error) ?? error;
    }
    link.isInPlace = this.#open.has(link);
  }

  #tell(state: EngineState, why: string): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#port.state(state, why);
  }

  #where(): string {
    return [...this.#open].map(({ shard }) => addressText(shard.address)).join(", ");
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

function keyOf({ address, partitions }: Shard): string {
  return `${addressText(address)} ${partitions.join()}`;
}
