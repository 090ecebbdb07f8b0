// What holds for every broker. A function, run against each of them: brokers/*.test.ts.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Broker, BrokerEvents, Position, PublishOptions, StoredMessage } from "#hawser/hub/brokers/broker.js";

/** An engine for the length of one suite, as its brokers' tests have it. */
export interface ContractEngine {
  /** A broker of one more node, not started. */
  broker(node: string): Broker;
  /** Lets so much time pass. */
  pass(ms: number): Promise<void>;
  /** How long the engine remembers the key of a publish. */
  readonly keyWindowMs: number;
  close(): Promise<void>;
}

const HISTORY = { binary: false, size: 100, ttlMs: 60_000 } as const;
const NAMES = ["a.b", "a*", "a>b", "{a}b", "a%b c", "房间", "ü".repeat(127), "a\\b/c?d#e", "$SYS", "-"] as const;

/** A started broker, and what it told. */
class Node implements BrokerEvents {
  readonly broker: Broker;
  readonly messages: (StoredMessage & { topic: string })[] = [];
  readonly controls: string[] = [];
  #wake = (): void => {};

  constructor(broker: Broker) {
    this.broker = broker;
  }

  message(topic: string, message: StoredMessage): void {
    this.messages.push({ ...message, topic });
    this.#wake();
  }

  told(bytes: Uint8Array, from: string): void {
    this.controls.push(`${from}: ${Buffer.from(bytes).toString()}`);
    this.#wake();
  }

  state(): void {}

  /** Waits for something that comes by itself. */
  async until(done: () => boolean): Promise<void> {
    while (!done()) await new Promise<void>((resolve) => (this.#wake = resolve));
  }

  async publish(topic: string, text: string, options: Partial<PublishOptions> = {}) {
    return this.broker.publish(topic, Buffer.from(text), { ...HISTORY, ...options });
  }

  async texts(topic: string, after?: Position, limit = 1000): Promise<string[]> {
    return (await this.broker.read(topic, { after, limit })).messages.map(({ bytes }) => Buffer.from(bytes).toString());
  }
}

/** @param has what the broker says that it has: without a history there is less to keep */
export function brokerContract(
  name: string,
  begin: () => Promise<ContractEngine>,
  has: { readonly history: boolean } = { history: true },
): void {
  const kept = (what: string, check: () => Promise<void>): void => {
    if (has.history) test(what, check);
  };
  describe(`broker ${name}`, () => {
    let engine: ContractEngine;
    const nodes: Node[] = [];
    let topics = 0;

    before(async () => void (engine = await begin()));
    after(async () => {
      for (const { broker } of nodes) await broker.close();
      await engine.close();
    });

    async function start(): Promise<Node> {
      const node = new Node(engine.broker(`node ${nodes.length}`));
      nodes.push(node);
      await node.broker.start(node);
      return node;
    }
    const fresh = (): string => `topic ${++topics}`;

    kept("what is published is read, is the head, and arrives where the topic is subscribed", async () => {
      const [a, b] = [await start(), await start()];
      const topic = fresh();
      await b.broker.subscribe([topic]);
      const before = (await a.broker.heads([topic])).get(topic)!;
      assert.equal(before.offset, 0);
      const { offset, epoch, duplicate } = await a.publish(topic, "one", { by: "u7" });
      await b.until(() => b.messages.length > 0);
      const [live] = b.messages;
      const { head, messages, complete, diverged } = await a.broker.read(topic, { limit: 10 });
      assert.deepEqual([head.offset, head.epoch, duplicate, complete, diverged], [offset, epoch, false, true, false]);
      assert.deepEqual({ ...messages[0], topic }, live);
      assert.deepEqual([live!.offset, live!.prev, live!.epoch, live!.by], [offset, 0, before.epoch, "u7"]);
      assert.deepEqual((await b.broker.heads([topic])).get(topic), { epoch, offset, stamp: live!.stamp });
      assert.deepEqual(head, { epoch, offset, stamp: live!.stamp });
    });

    test("bytes stay as they are: all of them, none, a mebibyte; and whether they are text", async () => {
      const node = await start();
      const topic = fresh();
      const payloads = [
        Buffer.from(Uint8Array.from({ length: 256 }, (_, i) => i)),
        Buffer.alloc(0),
        Buffer.alloc(2 ** 20, "x"),
      ];
      await node.broker.subscribe([topic]);
      for (const [i, bytes] of payloads.entries()) {
        await node.broker.publish(topic, Buffer.from(bytes), { ...HISTORY, binary: i === 0 });
      }
      await node.until(() => node.messages.length === 3);
      const lists = has.history ? [(await node.broker.read(topic, { limit: 10 })).messages] : [];
      for (const list of [node.messages, ...lists]) {
        for (const [i, { bytes }] of list.entries()) assert.ok(payloads[i]!.equals(bytes));
        assert.deepEqual(
          list.map(({ binary }) => binary),
          [true, false, false],
        );
      }
    });

    kept("a message has the client that sent it, live and when it is read, with a history and without", async () => {
      const [a, b] = [await start(), await start()];
      const [topic, other] = [fresh(), fresh()];
      const from = "0b54a5fd-9d8c-4d3d-8d0c-7f0a6c1f1f6e";
      await b.broker.subscribe([topic, other]);
      await a.publish(topic, "one", { from, by: "u7" });
      await a.publish(topic, "two");
      await a.publish(other, "three", { from, size: 0 });
      await b.until(() => b.messages.length === 3);
      const live = (name: string) => b.messages.flatMap(({ topic, from }) => (topic === name ? [from] : []));
      assert.deepEqual([live(topic), live(other)], [[from, undefined], [from]]);
      const { messages } = await a.broker.read(topic, { limit: 10 });
      assert.deepEqual(
        messages.map((message) => message.from),
        [from, undefined],
      );
    });

    kept(
      "ten thousand publishes from four nodes arrive everywhere in the same order, each naming the one before",
      async () => {
        const four = [await start(), await start(), await start(), await start()];
        const topic = fresh();
        for (const { broker } of four) await broker.subscribe([topic]);
        const publish = async (node: Node, i: number): Promise<void> => {
          // Some at once, as clients do it: one by one most of the time would go by on the way.
          for (let n = 0; n < 2_500; n += 25) {
            await Promise.all(Array.from({ length: 25 }, (_, k) => node.publish(topic, `${i}/${n + k}`)));
          }
        };
        await Promise.all(four.map(publish));
        for (const node of four) {
          await node.until(() => node.messages.length === 10_000);
          node.messages.reduce((prev, message) => {
            assert.equal(message.prev, prev);
            assert.ok(message.offset > prev);
            return message.offset;
          }, 0);
        }
        const orders = four.map(({ messages }) => messages.map(({ stamp }) => stamp).join());
        assert.equal(new Set(orders).size, 1);
        assert.equal(new Set(four[0]!.messages.map(({ stamp }) => stamp)).size, 10_000, "no stamp comes twice");
      },
    );

    kept("who subscribes first and reads second misses nothing of what is published meanwhile", async () => {
      const [a, b] = [await start(), await start()];
      const topic = fresh();
      const meanwhile = { isOver: false };
      const publishing = (async () => {
        for (let n = 0; !meanwhile.isOver || n < 50; n++) await a.publish(topic, `${n}`, { size: 100_000 });
      })();
      await b.broker.subscribe([topic]);
      const { messages } = await b.broker.read(topic, { limit: 100_000 });
      meanwhile.isOver = true;
      await publishing;
      const { head } = await a.broker.read(topic, { limit: 0 });
      await b.until(() => b.messages.at(-1)?.offset === head.offset);
      const offsets = new Set([...messages, ...b.messages].map(({ offset }) => offset));
      const all = (await a.broker.read(topic, { limit: 100_000 })).messages;
      assert.deepEqual(
        all.filter(({ offset }) => !offsets.has(offset)),
        [],
      );
    });

    kept("a read is complete exactly where nothing after its position is gone", async () => {
      const node = await start();
      const topic = fresh();
      const positions: Position[] = [(await node.broker.heads([topic])).get(topic)!];
      for (let n = 1; n <= 8; n++) {
        await node.publish(topic, `${n}`, { size: 3 });
        positions.push((await node.broker.heads([topic])).get(topic)!);
      }
      for (const [n, position] of positions.entries()) {
        const { messages, complete, diverged } = await node.broker.read(topic, { after: position, limit: 10 });
        assert.equal(complete, n >= 5, `after ${n}`);
        assert.equal(diverged, false);
        assert.deepEqual(messages.length, Math.min(3, 8 - n));
        const withoutStamp = { epoch: position.epoch, offset: position.offset };
        assert.equal((await node.broker.read(topic, { after: withoutStamp, limit: 10 })).complete, n >= 5);
      }
      assert.equal((await node.broker.read(topic, { limit: 10 })).complete, false, "the first five are gone");
    });

    kept("a limit ends a read early, and is no reason to call it incomplete", async () => {
      const node = await start();
      const topic = fresh();
      const begin = (await node.broker.heads([topic])).get(topic)!;
      for (let n = 1; n <= 5; n++) await node.publish(topic, `${n}`);
      const { messages, complete, head } = await node.broker.read(topic, { after: begin, limit: 2 });
      assert.deepEqual([messages.length, complete], [2, true]);
      assert.deepEqual(await node.texts(topic, messages[1]), ["3", "4", "5"]);
      assert.deepEqual(await node.texts(topic, head), []);
      assert.deepEqual((await node.broker.read(topic, { limit: 0 })).messages, []);
    });

    kept("in reverse the newest come first, and before a position those that are older", async () => {
      const node = await start();
      const topic = fresh();
      for (let n = 1; n <= 5; n++) await node.publish(topic, `${n}`, { size: 4 });
      const read = async (limit: number, after?: Position) => {
        const { messages, complete } = await node.broker.read(topic, { limit, reverse: true, after });
        return { texts: messages.map(({ bytes }) => Buffer.from(bytes).toString()), complete };
      };
      assert.deepEqual(await read(2), { texts: ["5", "4"], complete: true });
      assert.deepEqual(await read(9), { texts: ["5", "4", "3", "2"], complete: false });
      const [, fourth] = (await node.broker.read(topic, { limit: 2, reverse: true })).messages;
      assert.deepEqual(await read(1, fourth), { texts: ["3"], complete: true });
      assert.deepEqual(await read(9, fourth), { texts: ["3", "2"], complete: false });
    });

    kept("messages expire, their position does not", async () => {
      const node = await start();
      const topic = fresh();
      const begin = (await node.broker.heads([topic])).get(topic)!;
      const { offset, epoch } = await node.publish(topic, "one", { ttlMs: 1_000 });
      await engine.pass(2_000);
      const { messages, complete, head } = await node.broker.read(topic, { after: begin, limit: 10 });
      assert.deepEqual([messages, complete, head.offset, head.epoch], [[], false, offset, epoch]);
      assert.equal((await node.broker.read(topic, { after: head, limit: 10 })).complete, true);
      const next = await node.publish(topic, "two");
      assert.equal(next.epoch, epoch);
      assert.deepEqual(await node.texts(topic, head), ["two"]);
    });

    kept("what is kept for ever stays in its epoch", async () => {
      const node = await start();
      const topic = fresh();
      const ever = { size: Number.MAX_SAFE_INTEGER, ttlMs: Number.MAX_SAFE_INTEGER };
      const { epoch } = await node.publish(topic, "one", ever);
      assert.equal((await node.publish(topic, "two", ever)).epoch, epoch);
      assert.deepEqual(await node.texts(topic, { epoch, offset: 0 }), ["one", "two"]);
    });

    kept(
      "a position of another epoch has no messages, and one that the topic is not at says that it went back",
      async () => {
        const node = await start();
        const topic = fresh();
        for (let n = 1; n <= 3; n++) await node.publish(topic, `${n}`);
        const { head, messages } = await node.broker.read(topic, { limit: 10 });
        const verdict = async (after: Position) => {
          const { messages, complete, diverged } = await node.broker.read(topic, { after, limit: 10 });
          return { count: messages.length, complete, diverged };
        };
        assert.deepEqual(await verdict({ ...head, epoch: "other" }), { count: 0, complete: false, diverged: false });
        assert.deepEqual(await verdict({ epoch: head.epoch, offset: head.offset + 1 }), {
          count: 0,
          complete: false,
          diverged: true,
        });
        assert.deepEqual(await verdict({ ...head, stamp: "another" }), { count: 0, complete: false, diverged: true });
        const { offset, epoch } = messages[0]!;
        assert.equal((await verdict({ epoch, offset, stamp: "another" })).diverged, true);
        assert.deepEqual(await verdict({ epoch, offset }), { count: 2, complete: true, diverged: false });
      },
    );

    kept("a topic is renewed once for two nodes that ask for it, and keeps its messages", async () => {
      const [a, b] = [await start(), await start()];
      const topic = fresh();
      for (let n = 1; n <= 3; n++) await a.publish(topic, `${n}`);
      const old = (await a.broker.heads([topic])).get(topic)!;
      const [one, other] = await Promise.all([a.broker.renew(topic, old.epoch), b.broker.renew(topic, old.epoch)]);
      assert.deepEqual(one, other);
      assert.notEqual(one.epoch, old.epoch);
      assert.deepEqual([one.offset, one.stamp], [old.offset, old.stamp]);
      const { messages } = await a.broker.read(topic, { limit: 10 });
      assert.deepEqual([...new Set(messages.map(({ epoch }) => epoch))], [one.epoch]);
      assert.equal((await b.publish(topic, "four")).epoch, one.epoch);
    });

    kept("a publish with the same key happens once, and has the first one's answer", async () => {
      const [a, b] = [await start(), await start()];
      const [topic, other] = [fresh(), fresh()];
      await b.broker.subscribe([topic, other]);
      const [first, second] = await Promise.all([
        a.publish(topic, "one", { key: "k" }),
        b.publish(topic, "one", { key: "k" }),
      ]);
      assert.deepEqual([first.offset, first.epoch], [second.offset, second.epoch]);
      assert.equal([first, second].filter(({ duplicate }) => duplicate).length, 1);
      await a.publish(other, "one", { key: "k" });
      await a.publish(topic, "two");
      // Topics have no order between them.
      await b.until(() => b.messages.length >= 3);
      const came = b.messages.map(({ topic, bytes }) => `${topic} ${Buffer.from(bytes).toString()}`);
      assert.deepEqual(came.toSorted(), [`${topic} one`, `${topic} two`, `${other} one`].toSorted());
      await engine.pass(engine.keyWindowMs + 1_000);
      assert.equal((await a.publish(topic, "later", { key: "k" })).duplicate, false);
    });

    test("any name is a topic of its own", async () => {
      const node = await start();
      await node.broker.subscribe(NAMES);
      for (const name of NAMES) await node.publish(name, name);
      await node.until(() => node.messages.length === NAMES.length);
      // Topics have no order between them.
      const came = new Map(node.messages.map(({ topic, bytes }) => [topic, Buffer.from(bytes).toString()]));
      assert.deepEqual(came, new Map(NAMES.map((name) => [name, name])));
      for (const name of has.history ? NAMES : []) assert.deepEqual(await node.texts(name), [name]);
    });

    test("who unsubscribes and subscribes again at once has what comes from then on", async () => {
      const [a, b] = [await start(), await start()];
      const topic = fresh();
      for (let n = 0; n < 20; n++) {
        await b.broker.subscribe([topic]);
        b.broker.unsubscribe([topic]);
        await b.broker.subscribe([topic]);
        await a.publish(topic, `${n}`);
        await b.until(() => b.messages.length > n);
      }
      b.broker.unsubscribe([topic]);
      await a.publish(topic, "unheard");
      await b.broker.subscribe([topic]);
      await a.publish(topic, "heard");
      await b.until(() => Buffer.from(b.messages.at(-1)!.bytes).toString() === "heard");
      assert.equal(b.messages.length, 21);
    });

    kept("a topic without history has no positions", async () => {
      const [a, b] = [await start(), await start()];
      const topic = fresh();
      await b.broker.subscribe([topic]);
      const first = await a.publish(topic, "one", { size: 0, key: "k" });
      assert.deepEqual(first, { offset: 0, epoch: "", duplicate: false });
      assert.equal((await a.publish(topic, "one", { size: 0, key: "k" })).duplicate, true);
      await a.publish(topic, "two", { size: 0 });
      await b.until(() => b.messages.length === 2);
      assert.deepEqual(
        b.messages.map(({ offset }) => offset),
        [0, 0],
      );
    });

    test("a control message reaches all nodes, or the one it is for", async () => {
      const [a, b] = [await start(), await start()];
      const from = `node ${nodes.indexOf(a)}`;
      await a.broker.tell(Buffer.from("to all"));
      await a.broker.tell(Buffer.from("to b"), `node ${nodes.indexOf(b)}`);
      await b.until(() => b.controls.length === 2);
      await a.until(() => a.controls.length === 1);
      assert.deepEqual([...a.controls, ...b.controls], [`${from}: to all`, `${from}: to all`, `${from}: to b`]);
    });

    test("members are there as long as their node's lease", async () => {
      const { broker } = await start();
      const { presence } = broker;
      assert.equal(broker.has.presence, presence !== undefined);
      if (presence === undefined) return;
      const topic = fresh();
      const keys = async (): Promise<string[]> =>
        (await presence.list(topic, 100)).map(({ node, key, info }) => `${node} ${key} ${info ?? ""}`).toSorted();
      // A hub does not wait for its lease before it puts its first member.
      const first = { node: "a", key: "u1", info: "1" };
      await Promise.all([presence.lease("a", 600_000), presence.put(topic, first)]);
      await presence.lease("b", 600_000);
      await presence.put(topic, { node: "a", key: "u2" });
      await presence.put(topic, { node: "b", key: "u1" });
      await presence.put(topic, { node: "a", key: "u1", info: "2" });
      assert.deepEqual(await keys(), ["a u1 2", "a u2 ", "b u1 "]);
      assert.equal(await presence.count(topic), 3);
      assert.equal((await presence.list(topic, 2)).length, 2);
      await presence.remove(topic, "a", "u2");
      assert.equal(await presence.count(topic), 2);
      assert.equal(await presence.lease("a", 1_000), true);
      await engine.pass(2_000);
      assert.deepEqual(await keys(), ["b u1 "]);
      assert.equal(await presence.lease("a", 10_000), false, "it has to put its members anew");
      assert.deepEqual(await keys(), ["b u1 "]);
      assert.equal(await presence.lease("b", 10_000), true);
      await presence.lease("b", 0);
      assert.deepEqual(await keys(), []);
    });

    test("a broker that is closed tells nothing more, and does nothing more", async () => {
      const [a, b] = [await start(), await start()];
      const topic = fresh();
      await b.broker.subscribe([topic]);
      await b.broker.close();
      await a.publish(topic, "one");
      await a.broker.tell(Buffer.from("to all"));
      await engine.pass(1_000);
      assert.deepEqual([b.messages, b.controls], [[], []]);
      await assert.rejects(b.publish(topic, "two"), { name: "BrokerError", fault: "unavailable" });
      await assert.rejects(b.broker.subscribe([topic]), { name: "BrokerError" });
      await assert.rejects(b.broker.read(topic, { limit: 1 }), { name: "BrokerError" });
      if (has.history) assert.deepEqual(await a.texts(topic), ["one"]);
    });
  });
}
