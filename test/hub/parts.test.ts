// Parts of the hub by themselves.

import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { once } from "node:events";
import { test } from "node:test";
import { WebSocket } from "ws";
import type { Client } from "#hawser/index.js";
import { outsideOfContexts } from "#hawser/hub/broker-outside.js";
import type { History, PresenceEntry, StoredMessage } from "#hawser/hub/brokers/broker.js";
import { MemoryEngine } from "#hawser/hub/brokers/memory-engine.js";
import { MemoryBroker } from "#hawser/hub/brokers/memory.js";
import { type Page, readAfter } from "#hawser/hub/history.js";
import { ownBytes } from "#hawser/hub/payload.js";
import { PresenceTopic } from "#hawser/hub/presence/presence-topic.js";
import { TokenCheck } from "#hawser/hub/session/token-check.js";
import type { SharedText } from "#hawser/hub/shared-text.js";
import { StepClock } from "../harness/step-clock.js";
import { startHub } from "./harness/hub-rig.js";

test("what is kept of a payload lies in memory that holds nothing else", () => {
  for (const payload of ["{}", "中", Buffer.from("a part of Node's pool"), "x".repeat(5000)]) {
    const bytes = ownBytes(payload);
    assert.deepEqual(Buffer.from(bytes), Buffer.from(payload));
    assert.equal(bytes.buffer.byteLength, bytes.length);
  }
});

test("subscriptions and reads belong to no client's context", async (t) => {
  const storage = new AsyncLocalStorage<string>();
  const memory = new MemoryBroker(new MemoryEngine(new StepClock()));
  const seen: Record<string, string | undefined> = {};
  for (const name of ["subscribe", "read", "heads", "renew", "tell"] as const) {
    const real = (memory[name] as (...args: never[]) => Promise<unknown>).bind(memory);
    t.mock.method(memory, name, (...args: never[]) => {
      seen[name] = storage.getStore();
      return real(...args);
    });
  }
  const broker = outsideOfContexts(memory);
  await broker.start({ message: () => {}, told: () => {}, state: () => {} });
  await storage.run("a client's", async () => {
    await broker.subscribe(["room"]);
    const { head } = await broker.read("room", { limit: 1 });
    await broker.heads(["room"]);
    await broker.renew("room", head.epoch);
    await broker.tell(Uint8Array.of(1));
  });
  assert.deepEqual(seen, {
    subscribe: undefined,
    read: undefined,
    heads: undefined,
    renew: undefined,
    tell: undefined,
  });
  await broker.close();
});

test("the signal of a token's check is told of its end, whether it was asked for before that or is after it", () => {
  const client = {} as Client;
  const [early, late] = [new TokenCheck(client), new TokenCheck(client)];
  const { signal } = early;
  let told = 0;
  signal.addEventListener("abort", () => told++);
  assert.deepEqual([signal.aborted, early.signal === signal, early.client === client], [false, true, true]);
  for (const check of [early, late]) check.giveUp();
  assert.deepEqual([told, signal.aborted, late.signal.aborted], [1, true, true]);
});

test("names are told again only when there are clearly fewer, and who had no room sees that it missed something", () => {
  const topic = new PresenceTopic("room", 4, false);
  const told: string[] = [];
  let hasRoom = true;
  const watcher = { offerShared: (text: SharedText) => hasRoom && told.push(text.text) > 0 };
  const entries = (count: number): PresenceEntry[] =>
    Array.from({ length: count }, (_, n) => ({ node: "n", key: `u${n}` }));
  topic.watch(watcher, true);
  topic.update(entries(4), undefined);
  topic.update(entries(5), 5);
  topic.update(entries(4), undefined);
  topic.update(entries(3), undefined);
  assert.deepEqual(told, [
    '{"pres":"room","n":5}',
    '{"pres":"room","n":4}',
    '{"pres":"room","n":3,"v":3}',
  ]); // oxfmt-ignore
  hasRoom = false;
  topic.update(entries(2), undefined);
  hasRoom = true;
  topic.drained(watcher);
  topic.drained(watcher);
  assert.deepEqual(told.slice(3), ['{"pres":"room","n":2,"v":4}']);
});

test("a client of another subprotocol is the application's", async (t) => {
  const { rig } = await startHub(
    t,
    {},
    { subprotocols: ["chat.v1"], message: (client) => void client.send(client.subprotocol) },
  );
  const socket = new WebSocket(rig.url, ["chat.v1"]);
  t.after(() => socket.terminate());
  await once(socket, "open");
  socket.send("hi");
  const [answer] = (await once(socket, "message")) as [Buffer];
  assert.equal(answer.toString(), "chat.v1");
});

test("who catches up is told that there is more where the engine has a hole, and there that it is one", async () => {
  const message = (offset: number, prev: number): StoredMessage => ({
    offset,
    prev,
    epoch: "e",
    stamp: `${offset}`,
    bytes: new Uint8Array(),
    binary: false,
  });
  const head = { epoch: "e", offset: 4 };
  const broker = new MemoryBroker(new MemoryEngine(new StepClock()));
  const read = (after: number, history: Omit<History, "head" | "diverged">): Promise<Page> => {
    broker.read = () => Promise.resolve({ head, diverged: false, ...history });
    return readAfter(broker, "room", { after, epoch: "e", limit: 10 });
  };
  const before = await read(1, { messages: [message(2, 1)], complete: true });
  assert.deepEqual([before.messages.length, before.more, before.missed], [1, true, false]);
  const over = await read(2, { messages: [message(4, 3)], complete: false });
  assert.deepEqual([over.messages.length, over.more, over.missed], [0, false, true]);
  const rest = await read(3, { messages: [message(4, 3)], complete: true });
  assert.deepEqual([rest.messages.length, rest.more, rest.missed], [1, false, false]);
});
