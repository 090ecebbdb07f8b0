// What holds for every broker when its engine fails. A function, run against each engine that a test can stop, empty, pause and cut off.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import {
  type Broker,
  BrokerError,
  type BrokerEvents,
  type EngineState,
  type History,
  type Position,
  type Published,
  type StoredMessage,
} from "#hawser/hub/brokers/broker.js";
import { PATIENCE_MS, sleep, until } from "../harness/concurrency.js";
import type { TcpProxy } from "./harness/tcp-proxy.js";

/** An engine for the length of one suite. */
export interface EngineUnderFaults {
  /** A broker of one more node, not started. Its connections go through `link`. */
  broker(node: string): Broker;
  readonly link: TcpProxy;
  /** As a machine that loses its power; `start` has it back with the data that it keeps. */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** The process stands still: its connections stay. */
  pause(): void;
  resume(): void;
  /** Killed, and started with nothing. */
  restartEmpty(): Promise<void>;
  /** Keeps a copy of the data as it is now. */
  backUp(): Promise<void>;
  /** Killed, and started with that copy. */
  restartFromBackup(): Promise<void>;
  close(): Promise<void>;
}

const HISTORY = { binary: false, size: 100, ttlMs: 600_000 } as const;

/** A started broker, and what it told, in the order in which it did. */
export class WatchedNode implements BrokerEvents {
  readonly broker: Broker;
  readonly log: (EngineState | { readonly topic: string; readonly message: StoredMessage })[] = [];
  readonly controls: string[] = [];
  readonly foreignAt: string[] = [];

  constructor(broker: Broker) {
    this.broker = broker;
  }

  static async start(broker: Broker): Promise<WatchedNode> {
    const node = new WatchedNode(broker);
    await broker.start(node);
    await until(() => node.isUp, "the first connection");
    return node;
  }

  message(topic: string, message: StoredMessage): void {
    this.log.push({ topic, message });
  }

  told(bytes: Uint8Array, from: string): void {
    this.controls.push(`${from}: ${Buffer.from(bytes).toString()}`);
  }

  state(state: EngineState): void {
    this.log.push(state);
  }

  foreign(where: string): void {
    this.foreignAt.push(where);
  }

  get states(): EngineState[] {
    return this.log.filter((entry) => typeof entry === "string");
  }

  get isUp(): boolean {
    return this.states.length > 0 && this.states.at(-1) !== "down";
  }

  texts(topic: string): string[] {
    return this.log.flatMap((entry) =>
      typeof entry !== "string" && entry.topic === topic ? textOf(entry.message) : [],
    );
  }

  /** Once: it may be rejected. */
  publish(topic: string, text: string, key?: string): Promise<Published> {
    return this.broker.publish(topic, Buffer.from(text), { ...HISTORY, key });
  }

  /** Until it is answered, as a client does it: with a key. */
  async publishSurely(topic: string, text: string): Promise<Published> {
    return persistently(() => this.publish(topic, text, `key of ${text}`));
  }

  async subscribe(...topics: string[]): Promise<void> {
    await persistently(() => this.broker.subscribe(topics));
  }

  async read(topic: string, after?: Position): Promise<History> {
    return persistently(() => this.broker.read(topic, { after, limit: 1000 }));
  }

  async head(topic: string): Promise<Position> {
    return persistently(async () => (await this.broker.heads([topic])).get(topic)!);
  }
}

/** What an engine fails to do now it may do later. */
export async function persistently<Value>(ask: () => Promise<Value>): Promise<Value> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof BrokerError) || error.fault !== "unavailable" || performance.now() > deadline) throw error;
    }
    await sleep(20);
  }
}

function textOf({ bytes }: StoredMessage): string {
  return Buffer.from(bytes).toString();
}

const isUnavailable = { name: "BrokerError", fault: "unavailable" };

export function engineFaults(name: string, begin: () => Promise<EngineUnderFaults>): void {
  describe(`${name} that fails`, () => {
    let engine: EngineUnderFaults;
    let nodes: WatchedNode[] = [];
    let count = 0;
    let topics = 0;

    before(async () => void (engine = await begin()));
    afterEach(async () => {
      for (const { broker } of nodes) await broker.close();
      nodes = [];
    });
    after(() => engine.close());

    async function start(): Promise<WatchedNode> {
      const node = await WatchedNode.start(engine.broker(`node ${++count}`));
      nodes.push(node);
      return node;
    }
    const fresh = (): string => `topic ${++topics}`;
    const down = (...all: readonly WatchedNode[]): Promise<void> => until(() => all.every(({ isUp }) => !isUp), "down");
    const back = (...all: readonly WatchedNode[]): Promise<void> =>
      until(() => all.every(({ isUp }) => isUp), "suspect");

    type Fault = readonly [name: string, begin: () => unknown, end: () => unknown];
    const faults: readonly Fault[] = [
      ["is killed", () => engine.kill(), () => engine.start()],
      ["stands still", () => engine.pause(), () => engine.resume()],
      ["refuses connections", () => engine.link.refuse(), () => engine.link.pass()],
      ["is cut off without a word", () => engine.link.swallow(), () => engine.link.pass()],
    ];

    for (const [what, beginFault, endFault] of faults) {
      test(`one that ${what}: whatever is asked is rejected in time, and all is well again afterwards`, async () => {
        const [a, b] = [await start(), await start()];
        const topic = fresh();
        await b.subscribe(topic);
        await a.publishSurely(topic, "before");
        await until(() => b.texts(topic).length === 1, "the first message");
        await beginFault();
        await assert.rejects(a.publish(topic, "during", "key of during"), isUnavailable);
        await Promise.all([
          assert.rejects(b.publish(topic, "no key"), isUnavailable),
          assert.rejects(a.broker.read(topic, { limit: 1 }), isUnavailable),
          assert.rejects(a.broker.heads([topic]), isUnavailable),
          assert.rejects(a.broker.renew(topic, "x"), isUnavailable),
          assert.rejects(a.broker.subscribe(["another"]), isUnavailable),
          assert.rejects(a.broker.tell(Buffer.from("x")), isUnavailable),
          assert.rejects(b.broker.presence!.lease("n", 1_000), isUnavailable),
          assert.rejects(b.broker.presence!.list(topic, 1), isUnavailable),
        ]);
        await down(a, b);
        assert.deepEqual(b.texts(topic), ["before"], "nothing is delivered past the engine");
        await endFault();
        await back(a, b);
        await a.publishSurely(topic, "during");
        await a.publishSurely(topic, "after");
        await until(() => b.texts(topic).includes("after"), "a message by the new connection");
        const { messages } = await b.read(topic);
        assert.equal(messages.filter((message) => textOf(message) === "during").length, 1, "once, by its key");
        for (const { states } of [a, b]) assert.match(states.join(" "), /^(up|down suspect)( down suspect)+$/);
      });
    }

    test("one that comes back empty has other epochs, and no position is one that it can go on from", async () => {
      const [a, b] = [await start(), await start()];
      const topic = fresh();
      await b.subscribe(topic);
      await a.publishSurely(topic, "one");
      const before = await a.head(topic);
      await engine.restartEmpty();
      await until(() => a.states.length > 1 && b.states.length > 1, "the loss of the connection");
      await back(a, b);
      const { complete, messages } = await b.read(topic, before);
      assert.deepEqual([complete, messages], [false, []]);
      await a.publishSurely(topic, "two");
      await until(() => b.texts(topic).includes("two"), "a message by the new connection");
      const head = await a.head(topic);
      assert.notEqual(head.epoch, before.epoch);
      assert.equal((await b.read(topic, before)).complete, false);
    });

    test("one that comes back with older data: nobody goes on in silence from a position that it lost", async () => {
      const [a, b] = [await start(), await start()];
      const topic = fresh();
      await b.subscribe(topic);
      for (const text of ["1", "2", "3"]) await a.publishSurely(topic, text);
      const kept = await a.head(topic);
      await engine.backUp();
      for (const text of ["4", "5"]) await a.publishSurely(topic, text);
      const lost = await a.head(topic);
      await engine.restartFromBackup();
      await until(() => a.states.length > 1 && b.states.length > 1, "the loss of the connection");
      await back(a, b);
      const check = async (): Promise<void> => {
        const read = await b.read(topic, lost);
        assert.equal(read.complete, false);
        assert.ok(read.diverged || read.head.epoch !== lost.epoch);
        // A client has no stamp.
        assert.equal((await b.read(topic, { epoch: lost.epoch, offset: lost.offset })).complete, false);
      };
      await check();
      for (const text of ["4'", "5'", "6'"]) await a.publishSurely(topic, text);
      await check();
      const { head, complete, messages } = await b.read(topic, kept);
      if (head.epoch === kept.epoch) assert.deepEqual([complete, messages.map(textOf)], [true, ["4'", "5'", "6'"]]);
      const renewed = await persistently(() => b.broker.renew(topic, lost.epoch));
      assert.notEqual(renewed.epoch, lost.epoch);
    });

    test("one whose connections are cut again and again: every subscription is there each time", async () => {
      const [a, b] = [await start(), await start()];
      const names = Array.from({ length: 20 }, fresh);
      await b.subscribe(...names);
      for (let round = 0; round < 5; round++) {
        const before = b.states.length;
        engine.link.cut();
        await until(() => b.states.length > before, "the loss of the connection");
        await back(a, b);
        for (const topic of names) await a.publishSurely(topic, `${round} ${topic}`);
        await until(
          () => names.every((topic) => b.texts(topic).includes(`${round} ${topic}`)),
          "messages of all topics",
        );
      }
    });

    test("one that is away for a while is asked now and then, and not all the time", async () => {
      const node = await start();
      await engine.kill();
      await down(node);
      const [before, since] = [engine.link.accepted, performance.now()];
      await sleep(3_000);
      const [tries, seconds] = [engine.link.accepted - before, (performance.now() - since) / 1000];
      await engine.start();
      await back(node);
      assert.ok(tries <= 10 * seconds, `${tries} connections in ${seconds} s`);
    });
  });
}
