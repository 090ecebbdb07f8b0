// The hub and @hawser/client against each other: contract, tokens by @hawser/jwt, cuts at random, a shutdown.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test, type TestContext } from "node:test";
import { WebSocket } from "ws";
import { z } from "zod";
import { connect, type Live } from "@hawser/client";
import { jwt } from "@hawser/jwt";
import { contract } from "@hawser/wire";
import { createServer, systemClock } from "#hawser/index.js";
import { createHub, type Hub } from "#hawser/hub/index.js";
import { MemoryBroker } from "#hawser/hub/brokers/memory.js";
import { MemoryEngine } from "#hawser/hub/brokers/memory-engine.js";
import { until } from "../harness/concurrency.js";
import { freePort } from "../harness/free-port.js";
import { Random } from "../harness/random.js";
import { LogBook } from "../harness/rig.js";

const chat = contract({
  topics: {
    "room:{id}": { message: z.object({ n: z.number() }), history: { size: 1000, ttlMs: 60_000 }, presence: true },
    "blob:{id}": { binary: true, history: { size: 10, ttlMs: 60_000 } },
  },
  calls: { add: { input: z.object({ a: z.number(), b: z.number() }), output: z.number() } },
  asks: { name: { output: z.string() } },
});

const SECRET = "a secret that nobody knows, of enough bytes";

function tokenOf(user: string): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = { sub: user, aud: "chat", exp: Math.floor(Date.now() / 1000) + 600 };
  const content = `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}`;
  return `${content}.${createHmac("sha256", SECRET).update(content).digest("base64url")}`;
}

function byNumber(a: number, b: number): number {
  return a - b;
}

function noteRefusal(error: { code?: unknown }): void {
  assert.equal(error.code, "queue-full");
}

function noGap(gap: object): void {
  assert.fail(`a gap: ${JSON.stringify(gap)}`);
}

interface Node {
  readonly hub: Hub<typeof chat>;
  readonly url: string;
  readonly live: (user: string, url?: string) => Live<typeof chat>;
  readonly cutAll: () => void;
  readonly stop: () => Promise<void>;
}

async function startNode(t: TestContext, engine = new MemoryEngine(systemClock), port?: number): Promise<Node> {
  const logger = new LogBook();
  const hub = createHub({
    logger,
    contract: chat,
    broker: new MemoryBroker(engine),
    authenticate: jwt({ secret: SECRET, audience: "chat" }),
    allow: { subscribe: () => true, publish: ({ user }) => user !== "reader", presence: () => true },
    calls: { add: ({ a, b }) => a + b },
    limits: { requestsPerSecond: 10_000 },
  });
  const server = createServer(hub.serverOptions({ logger }));
  const { url } = await server.listen(port ?? (await freePort()));
  const stop = async (): Promise<void> => {
    await server.close({ graceMs: 200 });
    await hub.close();
  };
  t.after(stop);
  return {
    hub,
    url,
    stop,
    cutAll: () => server.clients.forEach((client) => client.terminate()),
    live(user, at = url) {
      const live = connect(chat, at, {
        token: () => tokenOf(user),
        asks: { name: () => user },
        WebSocket,
        onError: (error) => assert.ifError(error),
      });
      t.after(() => live.close());
      return live;
    },
  };
}

test("topics, calls both ways, presence and history, as the contract has them", async (t) => {
  const { hub, live } = await startNode(t);
  const [ada, bob] = [live("ada"), live("bob")];
  const got: unknown[] = [];
  const room = ada.topic("room:{id}", { id: "a/b" });
  const here: string[][] = [];
  const sub = room.subscribe({
    message: ({ n }, { offset, by }) => got.push([n, offset, by]),
    gap: noGap,
    presence: ({ members }) => here.push([...(members?.keys() ?? [])].toSorted()),
  });
  await sub.ready;
  await bob.topic("room:{id}", { id: "a/b" }).publish({ n: 1 });
  await hub.publish("room:a%2Fb", { n: 2 });
  await until(() => got.length === 2, "both messages");
  assert.deepEqual(got, [[1, 1, "bob"], [2, 2, undefined]]); // oxfmt-ignore
  assert.equal(await ada.call("add", { a: 1, b: 2 }), 3);
  await assert.rejects(ada.call("add", { a: "1" as never, b: 2 }), { code: "bad-request" });
  await assert.rejects(live("reader").topic("room:{id}", { id: "a/b" }).publish({ n: 3 }), { code: "forbidden" });
  const state = ada.state.current;
  assert.equal(state.phase === "open" && (await hub.ask(state.client, "name", undefined)), "ada");
  const page = await room.history({ max: 1 });
  assert.equal(page.messages.length, 1);
  bob.topic("room:{id}", { id: "a/b" }).subscribe({ message: () => {}, gap: noGap });
  await until(() => here.some((keys) => keys.join() === "ada,bob"), "who is there");
  const blob = bob.topic("blob:{id}", { id: "1" });
  const bytes: Uint8Array[] = [];
  await blob.subscribe({ message: (data) => bytes.push(data), gap: noGap }).ready;
  await blob.publish(Uint8Array.of(0, 255));
  await until(() => bytes.length === 1, "the bytes");
  assert.deepEqual(Buffer.from(bytes[0]!), Buffer.of(0, 255));
});

test("clients that are cut again and again have every message once and in order", async (t) => {
  const { hub, live, cutAll } = await startNode(t);
  const random = new Random(20_261_130);
  const readers = ["ada", "bob", "eve"].map((user) => {
    const got: number[] = [];
    const topic = live(user).topic("room:{id}", { id: "1" });
    const { ready } = topic.subscribe({ message: ({ n }) => got.push(n), gap: noGap });
    return { got, ready, topic };
  });
  await Promise.all(readers.map(({ ready }) => ready));
  // A client without a connection keeps 64 messages: what it refuses is not expected to arrive.
  const accepted: number[] = [];
  const publishing: Promise<unknown>[] = [];
  for (let n = 1; n <= 400; n++) {
    const published =
      n % 3 === 0 ? hub.publish("room:1", { n }) : readers[n % 2]!.topic.publish({ n }, { timeoutMs: 60_000 });
    publishing.push(published.then(() => accepted.push(n), noteRefusal));
    if (random.below(40) === 0) cutAll();
    if (random.below(2) === 0) await new Promise((next) => setTimeout(next, 5));
  }
  await Promise.all(publishing);
  await until(() => readers.every(({ got }) => got.length >= accepted.length), "all messages");
  const [first, ...others] = readers.map(({ got }) => got);
  for (const other of others) assert.deepEqual(other, first, "the same order for all");
  assert.deepEqual(first!.toSorted(byNumber), accepted.toSorted(byNumber));
  assert.ok(accepted.length > 200, `${accepted.length} were accepted`);
  assert.ok(hub.stats.resumed > 0);
});

test("a server that is restarted: its clients come back when they were told to, and miss nothing", async (t) => {
  const engine = new MemoryEngine(systemClock);
  const before = await startNode(t, engine);
  const keeper = await startNode(t, engine);
  const got: number[] = [];
  const ada = before.live("ada");
  await ada.topic("room:{id}", { id: "1" }).subscribe({ message: ({ n }) => got.push(n), gap: noGap }).ready;
  await before.hub.publish("room:1", { n: 1 });
  await before.stop();
  assert.equal(ada.state.current.phase, "waiting");
  await keeper.hub.publish("room:1", { n: 2 });
  const after = await startNode(t, engine, Number(new URL(before.url).port));
  await until(() => got.length === 2, "what was missed");
  assert.deepEqual(got, [1, 2]);
  const [client] = [...(await after.hub.members("room:1"))];
  assert.equal(client?.key, "ada");
});
