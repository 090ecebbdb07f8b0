// What is special about topics in NATS: what the stream keeps and what readers are given, positions of topics that are quiet for long, and what
// others write.

import assert from "node:assert/strict";
import { after, before, describe, test, type TestContext } from "node:test";
import { connect, headers, type Msg, type MsgHdrs, type NatsConnection } from "@nats-io/transport-node";
import { natsBroker, type NatsBrokerOptions } from "@hawser/nats";
import type { Position } from "#hawser/hub/index.js";
import { sleep, until } from "../harness/concurrency.js";
import { WatchedNode } from "../hub/engine-faults.js";
import { nats, NatsServer } from "./harness/nats-server.js";

const HISTORY = { binary: false, size: 100, ttlMs: 600_000 } as const;

describe("topics in NATS", { skip: nats.missing }, () => {
  let server: NatsServer;
  let other: NatsConnection;
  before(async () => {
    server = await NatsServer.start({ config: "max_pending: 40MB" });
    other = await connect({ servers: server.url });
  });
  after(async () => {
    await other.close();
    await server.close();
  });

  async function start(t: TestContext, options: NatsBrokerOptions = {}): Promise<WatchedNode> {
    const node = await WatchedNode.start(natsBroker({ url: server.url, timeoutMs: 20_000, ...options }));
    t.after(() => node.broker.close());
    return node;
  }

  async function stored(subject: string, stream = "hawser-topics"): Promise<number> {
    const asked = JSON.stringify({ subjects_filter: subject });
    const answer = await other.request(`$JS.API.STREAM.INFO.${stream}`, asked, { timeout: 20_000 });
    const { state } = answer.json<{ state: { subjects?: Record<string, number> } }>();
    return state.subjects?.[subject] ?? 0;
  }

  /** What somebody else writes. */
  function write(subject: string, options: { headers?: MsgHdrs } = {}): Promise<Msg> {
    return other.request(subject, "foreign", { timeout: 20_000, ...options });
  }

  const numbers = (count: number): string[] => Array.from({ length: count }, (_, n) => `${n}`);
  const textsOf = (messages: readonly { bytes: Uint8Array }[]): string[] =>
    messages.map(({ bytes }) => Buffer.from(bytes).toString());

  test("a large history is read whole, from its end, and page by page", async (t) => {
    const { broker } = await start(t);
    const publish = async (n: number): Promise<void> =>
      void (await broker.publish("large", Buffer.from(`${n}`), { ...HISTORY, size: 3_000 }));
    for (let n = 0; n < 2_000; n++) await Promise.all([publish(n), broker.publish(`o${n}`, Buffer.alloc(1), HISTORY)]);
    const all = await broker.read("large", { limit: 5_000 });
    assert.deepEqual([textsOf(all.messages), all.complete], [numbers(2_000), true]);
    const pages: string[] = [];
    let position: Position | undefined;
    do {
      const { messages } = await broker.read("large", { limit: 300, reverse: true, after: position });
      pages.push(...textsOf(messages));
      position = messages.at(-1);
    } while (position !== undefined);
    assert.deepEqual(pages.toReversed(), numbers(2_000));
    const { messages, complete } = await broker.read("large", { limit: 7, after: all.messages[1_000] });
    assert.deepEqual([textsOf(messages), complete], [numbers(1_008).slice(1_001), true]);
  });

  test("messages of a mebibyte come in spite of what the server holds for a connection", async (t) => {
    const { broker } = await start(t);
    for (let n = 0; n < 48; n++) await broker.publish("heavy", Buffer.alloc(2 ** 20, `${n % 10}`), HISTORY);
    const { messages } = await broker.read("heavy", { limit: 100 });
    assert.deepEqual(
      messages.map(({ bytes }) => `${bytes.length} ${String.fromCharCode(bytes[0]!)}`),
      numbers(48).map((n) => `${2 ** 20} ${n.at(-1)}`),
    );
  });

  test("many topics of large messages are read at once, whatever the newest of each is", async (t) => {
    const [writer, reader] = [await start(t), await start(t)];
    const topics = numbers(12).map((n) => `at once ${n}`);
    const large = Buffer.alloc(2 ** 20, "x");
    for (let n = 0; n < 8; n++) {
      // That the newest ones are small says nothing of those before them.
      const isSmall = (i: number): boolean => n === 7 && i % 2 === 0;
      for (const [i, topic] of topics.entries())
        await writer.broker.publish(topic, isSmall(i) ? Buffer.from("x") : large, HISTORY);
    }
    // Those before them were small too.
    await writer.broker.publish("small", Buffer.from("x"), HISTORY);
    for (let n = 0; n < 100; n++) await reader.broker.read("small", { limit: 1 });
    const read = await Promise.all(topics.map((topic) => reader.broker.read(topic, { limit: 100 })));
    assert.deepEqual(
      read.map(({ messages, complete }) => [messages.length, messages[0]!.bytes.length, complete]),
      topics.map(() => [8, 2 ** 20, true]),
    );
    await Promise.all(numbers(60).map(() => reader.broker.heads(topics)));
    assert.deepEqual(reader.states, ["up"]);
  });

  test("the stream keeps as much as the largest topic asks for, and of a smaller one not much more than that", async (t) => {
    const { broker } = await start(t);
    await broker.publish("one", Buffer.from("x"), { ...HISTORY, size: 2_000 });
    for (let n = 0; n < 500; n++) await broker.publish("price", Buffer.from(`${n}`), { ...HISTORY, size: 1 });
    const { messages, complete, head } = await broker.read("price", { limit: 10 });
    assert.deepEqual([textsOf(messages), complete], [["499"], false]);
    assert.equal(head.offset, messages[0]!.offset);
    // The rest goes a moment later.
    while ((await stored("hawser.s.price")) > 40) await sleep(20);
    const { prev } = messages[0]!;
    assert.equal(
      (await broker.read("price", { limit: 10, after: { epoch: head.epoch, offset: prev } })).complete,
      true,
    );
  });

  test("who asks for more of a topic than before has it, on whichever node", async (t) => {
    const [a, b] = [await start(t), await start(t)];
    await a.broker.publish("grows", Buffer.from("0"), { ...HISTORY, size: 4_000 });
    await Promise.all([
      b.broker.publish("grows", Buffer.from("1"), { ...HISTORY, size: 6_000 }),
      a.broker.publish("grows", Buffer.from("1"), { ...HISTORY, size: 5_000 }),
    ]);
    const answer = await other.request("$JS.API.STREAM.INFO.hawser-topics", "", { timeout: 20_000 });
    const { config } = answer.json<{ config: { max_msgs_per_subject: number } }>();
    assert.ok(config.max_msgs_per_subject >= 6_001);
  });

  test("a quiet topic keeps its position as long as somebody follows it, and loses it afterwards", async (t) => {
    const options = { prefix: "quiet", positionMs: 1_000 };
    const [a, b] = [await start(t, options), await start(t, options)];
    await a.subscribe("followed");
    const short = { ...HISTORY, ttlMs: 100 };
    for (const topic of ["followed", "forgotten"]) await b.broker.publish(topic, Buffer.from("x"), short);
    const followed = await a.head("followed");
    const forgotten = await a.head("forgotten");
    await until(() => a.texts("followed").length === 1, "the message");
    // So that there is something newer than what is let go.
    for (let kept = 1; kept > 0; kept = await stored("quiet.s.followed", "quiet-topics")) {
      await b.broker.publish("busy", Buffer.from("x"), short);
      await sleep(50);
    }
    assert.deepEqual(await a.head("followed"), followed);
    const { complete, diverged } = await a.read("followed", followed);
    assert.deepEqual([complete, diverged], [true, false]);
    // Whoever does not follow it does not know, and says so; nobody is told that the engine went back.
    for (const node of [a, b]) {
      const read = await node.read("forgotten", forgotten);
      assert.deepEqual([read.complete, read.diverged, read.head.epoch], [false, false, forgotten.epoch]);
    }
    await b.broker.publish("followed", Buffer.from("y"), short);
    await until(() => a.texts("followed").length === 2, "the next message");
    const message = a.log.findLast((entry) => typeof entry !== "string" && entry.topic === "followed");
    assert.equal((message as { message: { prev: number } }).message.prev, followed.offset, "nothing is missing");
    assert.deepEqual(a.states, ["up"]);
  });

  test("what others write among our subjects is passed over and told", async (t) => {
    const [a, b] = [await start(t), await start(t)];
    await a.subscribe("with others");
    const subject = "hawser.s.with=20others";
    await b.publishSurely("with others", "one");
    await write(subject);
    const broken = headers();
    broken.set("Hawser", "1 what?");
    await write(subject, { headers: broken });
    other.publish("hawser.l.with=20others", "foreign");
    other.publish("hawser.c.all", "foreign");
    other.publish("hawser.e.epoch", "foreign");
    await b.publishSurely("with others", "two");
    await write(subject);
    await until(() => a.texts("with others").length === 2, "both messages");
    await until(() => a.foreignAt.length === 6, "what no node wrote");
    const { messages, head, complete } = await a.read("with others");
    assert.deepEqual([textsOf(messages), complete, messages[1]!.prev], [["one", "two"], true, messages[0]!.offset]);
    assert.deepEqual([head.offset, await b.head("with others")], [messages[1]!.offset, head]);
    assert.equal((await b.broker.renew("with others", head.epoch)).offset, head.offset);
    assert.notEqual((await a.head("with others")).epoch, head.epoch);
    await until(() => a.states.includes("suspect"), "the new epoch");
  });

  test("of a message in a form of a later version nobody learns nothing, be it in between or the newest", async (t) => {
    const node = await start(t);
    await node.subscribe("two versions");
    const later = headers();
    later.set("Hawser", "2 of another form");
    const publishLater = async (): Promise<number> => {
      const ack = await write("hawser.s.two=20versions", { headers: later });
      return ack.json<{ seq: number }>().seq;
    };
    const one = await node.publishSurely("two versions", "one");
    const between = await publishLater();
    await node.publishSurely("two versions", "two");
    const over = await node.read("two versions", one);
    assert.deepEqual([textsOf(over.messages), over.complete, over.diverged], [["two"], false, false]);
    assert.equal(over.messages[0]!.prev, between);
    const newest = await publishLater();
    const after = await node.read("two versions", over.messages[0]);
    assert.deepEqual([after.messages, after.complete, after.diverged, after.head.offset], [[], false, false, newest]);
    assert.equal((await node.head("two versions")).offset, newest);
    const { epoch } = one;
    assert.equal((await node.read("two versions", { epoch, offset: newest })).complete, true);
    const three = await node.publishSurely("two versions", "three");
    const onwards = await node.read("two versions", { epoch, offset: newest });
    assert.deepEqual([textsOf(onwards.messages), onwards.complete, three.epoch], [["three"], true, epoch]);
    await until(() => node.foreignAt.length === 2, "those that it did not read");
  });

  test("hubs with different prefixes do not meet", async (t) => {
    const [a, b] = [await start(t, { prefix: "one" }), await start(t, { prefix: "one-two" })];
    for (const node of [a, b]) await node.subscribe("t");
    await a.publishSurely("t", "of a");
    await b.publishSurely("t", "of b");
    await a.broker.tell(Buffer.from("to all"));
    await a.broker.presence!.lease("n", 10_000);
    await a.broker.presence!.put("t", { node: "n", key: "u" });
    await until(() => a.controls.length === 1 && a.texts("t").length === 1 && b.texts("t").length === 1, "all");
    assert.deepEqual([a.texts("t"), b.texts("t"), b.controls], [["of a"], ["of b"], []]);
    assert.equal(await b.broker.presence!.count("t"), 0);
  });

  test("fifty thousand topics are subscribed anew and asked for when the connection was lost", async (t) => {
    const node = await start(t);
    const topics = Array.from({ length: 50_000 }, (_, n) => `many:${n}`);
    for (let n = 0; n < topics.length; n += 500) await node.broker.subscribe(topics.slice(n, n + 500));
    for (let n = 0; n < 50; n++) await node.publishSurely(topics[n * 1_000]!, "x");
    await server.kill();
    await until(() => node.states.at(-1) === "down", "the loss of the connection");
    await server.start();
    await until(() => node.states.at(-1) === "suspect", "everything in place");
    let asked = 0;
    for (let n = 0; n < topics.length; n += 500) asked += (await node.broker.heads(topics.slice(n, n + 500))).size;
    assert.equal(asked, topics.length);
    for (const topic of [topics[1]!, topics[25_000]!, topics.at(-1)!]) {
      await node.publishSurely(topic, "after");
      await until(() => node.texts(topic).at(-1) === "after", "a message by the new connection");
    }
  });
});
