// Parts of the hub by themselves.

import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { once } from "node:events";
import { test } from "node:test";
import { WebSocket } from "ws";
import { outsideOfContexts } from "#hawser/hub/broker-outside.js";
import type { PresenceEntry } from "#hawser/hub/brokers/broker.js";
import { MemoryEngine } from "#hawser/hub/brokers/memory-engine.js";
import { MemoryBroker } from "#hawser/hub/brokers/memory.js";
import { ownBytes } from "#hawser/hub/payload.js";
import { PresenceTopic } from "#hawser/hub/presence/presence-topic.js";
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
