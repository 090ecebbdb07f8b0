// What Redis, its client library and other people do, each as a test.

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { after, before, describe, test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { redisBroker, type RedisBrokerOptions } from "@hawser/redis";
import type { History, Published } from "#hawser/hub/brokers/broker.js";
import { Keys, partitionOf } from "#redis/keys.js";
import { until } from "../harness/concurrency.js";
import { projectRoot } from "../harness/root.js";
import { StepClock } from "../harness/step-clock.js";
import { persistently, WatchedNode } from "../hub/engine-faults.js";
import { TcpProxy } from "../hub/harness/tcp-proxy.js";
import { redis, RedisServer } from "./harness/redis-server.js";

const HISTORY = { binary: false, size: 100, ttlMs: 600_000 } as const;
const keys = new Keys("hawser");
const HEAP = fileURLToPath(new URL("harness/heap-main.js", import.meta.url));

/** KEYS: messages. ARGV: the id of one, which is made one of the form after this. */
const INTO_NEXT_FORM = `
local entries, lasts = redis.call('XRANGE', KEYS[1], '-', '+'), redis.call('PTTL', KEYS[1])
redis.call('DEL', KEYS[1])
for _, entry in ipairs(entries) do
  local value = entry[2][2]
  if entry[1] == ARGV[1] then value = string.sub(value, 1, 15) .. '\\2' .. string.sub(value, 17) end
  redis.call('XADD', KEYS[1], entry[1], 'm', value)
end
redis.call('PEXPIRE', KEYS[1], lasts)`;

const textsOf = ({ messages }: History): string[] => messages.map(({ bytes }) => Buffer.from(bytes).toString());

describe("a Redis server", { skip: redis.missing }, () => {
  let server: RedisServer;
  let topics = 0;
  before(async () => void (server = await RedisServer.start()));
  after(() => server.close());

  const fresh = (): string => `topic ${++topics}`;
  const meta = (topic: string): string => keys.meta(partitionOf(topic), topic);
  const stream = (topic: string): string => keys.stream(partitionOf(topic), topic);
  const channel = (topic: string): string => keys.channel("topic", partitionOf(topic), topic);

  async function start(t: TestContext, options: Partial<RedisBrokerOptions> = {}): Promise<WatchedNode> {
    const node = await WatchedNode.start(redisBroker({ url: server.url, timeoutMs: 20_000, ...options }));
    t.after(() => node.broker.close());
    return node;
  }

  // On Node 20 each command kept some 70 bytes until the next collection of everything, 25 milliseconds of it every two seconds.
  test("a publish leaves nothing that outlives the young generation", async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [HEAP, server.url]);
    assert.ok(Number(stdout) < 35, `${stdout} bytes of each are kept`);
  });

  test("offsets are a clock: never below the server's time, one more where that has not gone on", async (t) => {
    const node = await start(t);
    const topic = fresh();
    const [seconds] = (await server.command("TIME")) as [string, string];
    const published = await Promise.all(Array.from({ length: 500 }, (_, i) => node.publish(topic, `${i}`)));
    assert.ok(published[0]!.offset >= Number(seconds) * 1000);
    published.reduce((previous, { offset }) => {
      assert.ok(offset > previous && offset < 2 ** 48);
      return offset;
    }, 0);
  });

  test("publishes of one turn are in the order in which they were asked for, and few scripts", async (t) => {
    const node = await start(t);
    const topic = fresh();
    const calls = async (): Promise<number> =>
      Number(/cmdstat_evalsha:calls=(\d+)/.exec(String(await server.command("INFO", "commandstats")))?.[1] ?? 0);
    const before = await calls();
    await Promise.all(Array.from({ length: 300 }, (_, i) => node.publish(topic, `${i}`)));
    assert.ok((await calls()) - before <= 6);
    const texts = (await node.read(topic)).messages.map(({ bytes }) => Number(Buffer.from(bytes).toString()));
    assert.deepEqual(
      texts,
      texts.toSorted((a, b) => a - b),
    );
  });

  test("scripts that were flushed are there again at once", async (t) => {
    const node = await start(t);
    await server.command("SCRIPT", "FLUSH");
    await node.publish(fresh(), "x");
  });

  test("a position that was thrown away, and messages that were, are a new epoch", async (t) => {
    const node = await start(t);
    for (const lost of [meta, stream]) {
      const topic = fresh();
      await node.publish(topic, "one");
      const before = await node.head(topic);
      await server.command("DEL", lost(topic));
      const after = await node.head(topic);
      assert.notEqual(after.epoch, before.epoch);
      assert.equal((await node.read(topic, before)).complete, false);
      const { epoch } = await node.publish(topic, "two");
      assert.equal(epoch, after.epoch);
      assert.equal((await node.read(topic)).messages.length, 1);
    }
  });

  test("what somebody else wrote under names of ours is counted, told and passed over", async (t) => {
    const broker = redisBroker({ url: server.url, timeoutMs: 20_000 });
    const node = await WatchedNode.start(broker);
    t.after(() => broker.close());
    const topic = fresh();
    await node.subscribe(topic);
    await node.publish(topic, "one");
    await server.command("PUBLISH", channel(topic), "hello?");
    await server.command("PUBLISH", channel(topic), "H");
    await server.command("PUBLISH", keys.channel("all", 0), "hello?");
    await server.command("XADD", stream(topic), "*", "field", "value");
    await until(() => broker.stats.foreign === 3, "three messages");
    const { messages } = await node.read(topic);
    assert.equal(messages.length, 1);
    assert.equal(broker.stats.foreign, 4);
    assert.equal(node.foreignAt.length, 4);
    // Of another kind altogether, or in the way of what comes next.
    await server.command("SET", meta(topic), "hello?");
    await node.publish(topic, "two");
    await server.command("SET", stream(topic), "hello?");
    await node.publish(topic, "three");
    await server.command("XADD", stream(topic), "9999999999999-0", "m", "hello?");
    await node.publish(topic, "four");
    await until(() => node.texts(topic).length === 4, "all messages");
    assert.deepEqual(node.texts(topic), ["one", "two", "three", "four"]);
    assert.equal((await node.read(topic)).messages.length, 1);
  });

  test("over messages that somebody deleted, or of a form of a later version, nobody reads without being told", async (t) => {
    const node = await start(t);
    const spoil = {
      deleted: (topic: string, offset: number) => server.command("XDEL", stream(topic), `${offset}-0`),
      newer: async (topic: string, offset: number) => {
        await server.command("EVAL", INTO_NEXT_FORM, "1", stream(topic), `${offset}-0`);
      },
    };
    for (const [how, make] of Object.entries(spoil)) {
      const topic = fresh();
      const all = await Promise.all(["one", "two", "three", "four"].map((text) => node.publish(topic, text)));
      const [one, two, three, four] = all as [Published, Published, Published, Published];
      await make(topic, three.offset);
      const before = await node.read(topic, one);
      assert.deepEqual([textsOf(before), before.complete, before.diverged], [["two"], true, false], how);
      const over = await node.read(topic, two);
      assert.deepEqual([textsOf(over), over.complete, over.diverged], [["four"], false, false], how);
      await make(topic, four.offset);
      const newest = await node.read(topic, two);
      assert.deepEqual([textsOf(newest), newest.complete, newest.diverged], [[], false, false], how);
      assert.equal((await node.broker.read(topic, { after: two, limit: 0 })).complete, true);
    }
  });

  test("what somebody else wrote in the place of members is in nobody's way once somebody comes", async (t) => {
    const { broker } = await start(t);
    const presence = broker.presence!;
    await presence.lease("n", 600_000);
    const topic = fresh();
    await presence.put(topic, { node: "n", key: "ada" });
    const [members] = (await server.command("KEYS", `hawser:*:p:*:${topic}`)) as string[];
    for (const key of [keys.nodes(partitionOf(topic), topic), members!]) await server.command("SET", key, "hello?");
    await presence.put(topic, { node: "n", key: "bob" });
    assert.deepEqual(
      (await presence.list(topic, 10)).map(({ key }) => key),
      ["bob"],
    );
    await presence.lease("n", 0);
  });

  test("a position with something that no node wrote begins anew", async (t) => {
    const node = await start(t);
    const numbers = ["-5", "1e3", "0x10", "1.5", "", "99999999999999999999", "281474976710655"];
    const others = { t: numbers, l: numbers, x: numbers, e: ["", "a b", "a".repeat(33), "\u0001"], s: ["short"] };
    for (const [field, values] of Object.entries(others)) {
      for (const value of values) {
        const topic = fresh();
        const before = await node.publish(topic, "one");
        await server.command("HSET", meta(topic), field, value);
        const head = await node.head(topic);
        assert.notEqual(head.epoch, before.epoch, `${field} ${value}`);
        const after = await node.publish(topic, "two");
        assert.equal(after.epoch, head.epoch);
        const { messages } = await node.read(topic);
        assert.deepEqual(
          messages.map(({ offset, prev }) => ({ offset, prev })),
          [{ offset: after.offset, prev: 0 }],
        );
      }
    }
  });

  test("the key of a publish with something that no node wrote is none", async (t) => {
    const node = await start(t);
    const topic = fresh();
    const key = keys.published(partitionOf(topic), topic, "k");
    for (const value of ["99999999999999999999 epoch", "-1 epoch", "5 ", "5 a b", "hello?"]) {
      await server.command("SET", key, value);
      const first = await node.publish(topic, value, "k");
      assert.equal(first.duplicate, false, value);
      assert.deepEqual(await node.publish(topic, value, "k"), { ...first, duplicate: true });
    }
  });

  test("two prefixes on one server know nothing of each other", async (t) => {
    const [a, b] = [await start(t, { prefix: "a" }), await start(t, { prefix: "b" })];
    const topic = fresh();
    await a.subscribe(topic);
    await b.subscribe(topic);
    await a.publish(topic, "of a", "k");
    assert.equal((await b.publish(topic, "of b", "k")).duplicate, false);
    await a.broker.tell(Buffer.from("x"));
    await a.broker.presence!.lease("n", 600_000);
    await a.broker.presence!.put(topic, { node: "n", key: "u" });
    await until(() => a.texts(topic).length === 1 && b.texts(topic).length === 1, "both messages");
    assert.deepEqual([a.texts(topic), b.texts(topic)], [["of a"], ["of b"]]);
    assert.deepEqual(b.controls, []);
    assert.equal(await b.broker.presence!.count(topic), 0);
  });

  test("a master that becomes a replica is left, and taken again once it is a master", async (t) => {
    const node = await start(t);
    const topic = fresh();
    await server.command("REPLICAOF", "127.0.0.1", "1");
    await assert.rejects(node.publish(topic, "x"), { fault: "unavailable" });
    // One without history would reach nobody there.
    await assert.rejects(node.broker.publish(topic, Buffer.from("x"), { ...HISTORY, size: 0 }), {
      fault: "unavailable",
    });
    await until(() => !node.isUp, "down");
    await server.command("REPLICAOF", "NO", "ONE");
    await until(() => node.isUp, "suspect");
    await node.publish(topic, "x");
  });

  test("one that is full says so, and goes on reading", async (t) => {
    const node = await start(t);
    const topic = fresh();
    await node.publish(topic, "x");
    await server.command("CONFIG", "SET", "maxmemory", "1");
    t.after(() => server.command("CONFIG", "SET", "maxmemory", "0"));
    await assert.rejects(node.publish(topic, "y"), { name: "BrokerError", fault: "limit" });
    assert.equal((await node.read(topic)).messages.length, 1);
  });

  test("one that delivers nothing, and answers everything, is found out and left", async (t) => {
    const link = await TcpProxy.start(server.port);
    t.after(() => link.close());
    const clock = new StepClock();
    const node = await start(t, { url: `redis://127.0.0.1:${link.port}`, clock });
    const topic = fresh();
    await node.subscribe(topic);
    /** Silence for as long as it takes to have itself told something; afterwards that was heard, if it can be. */
    const probe = async (i: number): Promise<void> => {
      clock.advance(16_000);
      await node.read(topic);
      await node.subscribe(`${topic} ${i}`);
    };
    for (let i = 0; i < 10; i++) await probe(i);
    await node.publish(topic, "heard");
    await until(() => node.texts(topic).length === 1, "the message");
    assert.deepEqual(node.states, ["up"]);
    link.deafen();
    await node.publish(topic, "unheard");
    await probe(10);
    clock.advance(21_000);
    await until(() => !node.isUp, "down");
    await link.pass();
    await until(() => node.isUp, "suspect");
    await persistently(() => node.publish(topic, "heard again"));
    await until(() => node.texts(topic).includes("heard again"), "a message by the new connection");
    assert.deepEqual(node.texts(topic), ["heard", "heard again"]);
  });

  test("one that cuts off a reader that is too slow: it comes back, and everything can be read", async (t) => {
    const [a, b] = [await start(t), await start(t)];
    const topic = fresh();
    await b.subscribe(topic);
    await server.command("CONFIG", "SET", "client-output-buffer-limit", "pubsub 100kb 0 0");
    // More at once than may wait for a reader.
    await Promise.all(
      Array.from({ length: 8 }, () => a.broker.publish(topic, Buffer.alloc(60_000, "x"), { ...HISTORY, size: 1000 })),
    );
    await until(() => b.states.length > 1, "the loss of the connection");
    await server.command("CONFIG", "SET", "client-output-buffer-limit", "pubsub 32mb 8mb 60");
    await until(() => b.isUp, "suspect");
    const { messages, complete } = await b.read(topic);
    assert.deepEqual([messages.length, complete], [8, true]);
  });

  test("fifty thousand topics are subscribed and verified again after the connection was lost", async (t) => {
    const node = await start(t);
    const names = Array.from({ length: 50_000 }, (_, i) => `one of many ${i}`);
    for (let at = 0; at < names.length; at += 500) await node.subscribe(...names.slice(at, at + 500));
    await node.broker.heads(names);
    const [begin, cpu] = [performance.now(), process.cpuUsage()];
    await server.command("CLIENT", "KILL", "TYPE", "pubsub");
    await until(() => node.states.length > 2, "suspect");
    const subscribed = performance.now();
    const heads = await node.broker.heads(names);
    const end = performance.now();
    const { user, system } = process.cpuUsage(cpu);
    t.diagnostic(
      `subscribed in ${Math.round(subscribed - begin)} ms, verified in ${Math.round(end - subscribed)} ms more, ` +
        `${Math.round((user + system) / 1000)} ms of this process`,
    );
    assert.equal(heads.size, names.length);
    const counted = (await server.command("PUBSUB", "NUMSUB", ...names.map(channel))) as unknown[];
    assert.equal(counted.filter((_, i) => i % 2 === 1 && Number(counted[i]) === 1).length, names.length);
  });

  test("what topics take", async (t) => {
    const node = await start(t);
    const topic = fresh();
    const usage = async (key: string): Promise<number> => Number(await server.command("MEMORY", "USAGE", key));
    await node.publish(topic, "x".repeat(100), "k".repeat(20));
    const [position, one] = [await usage(meta(topic)), await usage(stream(topic))];
    for (let n = 1; n < 100; n++) await node.publish(topic, "x".repeat(100));
    const hundred = await usage(stream(topic));
    const key = await usage(keys.published(partitionOf(topic), topic, "k".repeat(20)));
    t.diagnostic(`bytes: position ${position}, one message of 100 ${one}, a hundred ${hundred}, a key ${key}`);
    assert.ok(position < 400 && one < 6_000 && hundred < 25_000 && key < 300);
  });

  test("a broker that is closed leaves nothing that keeps a process alive", async () => {
    const program = `
      import { redisBroker } from "@hawser/redis";
      const broker = redisBroker({ url: ${JSON.stringify(server.url)}, timeoutMs: 20000 });
      await broker.start({ message() {}, told() {}, state() {} });
      await broker.subscribe(["t"]);
      await broker.publish("t", Buffer.from("x"), { binary: false, size: 1, ttlMs: 1000 });
      broker.read("t", { limit: 1 }).catch((error) => console.log(error.name));
      await broker.close();
      const away = redisBroker({ url: "redis://127.0.0.1:1" });
      await away.start({ message() {}, told() {}, state(state) { console.log(state); } });
      await away.close();`;
    const child = spawn(process.execPath, ["--input-type=module", "--eval", program], {
      cwd: projectRoot,
      stdio: ["ignore", "pipe", "inherit"],
    });
    let said = "";
    child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
    const [code] = (await once(child, "close")) as [number | null];
    assert.deepEqual([code, said], [0, "BrokerError\ndown\n"]);
  });
});
