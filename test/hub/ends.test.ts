// Revocations, shutdowns, slow clients, an engine that is away.

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Message, writeCall, writeHello, writePub, writeSub, writeUnsub } from "@hawser/wire/client";
import { BrokerError, createHub } from "#hawser/hub/index.js";
import { MemoryBroker } from "#hawser/hub/brokers/memory.js";
import { MemoryEngine } from "#hawser/hub/brokers/memory-engine.js";
import { until } from "../harness/concurrency.js";
import { turns } from "../harness/rig.js";
import { StepClock } from "../harness/step-clock.js";
import { byName, everything, goOn, has, startHub, type WireClient } from "./harness/hub-rig.js";

const HISTORY = {
  defaultTopic: { history: { size: 200, ttlMs: 600_000 } },
  authenticate: byName,
  allow: everything,
} as const;

test("a revocation ends subscriptions of a user, a client, or all; without a topic connections", async (t) => {
  const { connect, hub, rig } = await startHub(t, HISTORY);
  const [ada, bob, bob2] = [
    await connect("ada", [["room"], ["other"]]),
    await connect("bob", [["room"]]),
    await connect("bob", [["room"], ["other"]]),
  ];
  for (const peer of [ada, bob, bob2]) await peer.answer(2);
  for (const peer of [ada, bob2]) await peer.answer(3);
  await hub.revoke({ user: "bob", topic: "room" });
  for (const peer of [bob, bob2])
    assert.deepEqual(await peer.next("unsub"), { verb: "unsub", unsub: "room", code: "revoked" });
  await hub.publish("room", 1);
  has(await ada.next("pub"), { d: 1 });
  await hub.revoke({ topic: "other" });
  for (const peer of [ada, bob2]) has(await peer.next("unsub"), { unsub: "other" });
  await hub.revoke({ client: rig.opened[1]!.id });
  has(await bob.next("bye"), { bye: "forbidden" });
  has(await bob.end(), { code: 4403 });
  await hub.revoke({ user: "bob" });
  has(await bob2.end(), { code: 4403 });
  await turns();
  assert.deepEqual([bob.taken("pub"), bob2.taken("pub"), ada.closed], [[], [], undefined]);
  await assert.rejects(hub.revoke({}), /takes a user, a client or a topic/);
});

test("a shutdown tells each client its own delay before the close frame", async (t) => {
  const { connect, stop, hub } = await startHub(t, { ...HISTORY, returnsPerSecond: 5 });
  const peers = await Promise.all(Array.from({ length: 20 }, (_, n) => connect(`user${n}`)));
  const stopped = stop();
  const waits: number[] = [];
  for (const peer of peers) {
    const { bye, wait } = await peer.next("bye");
    assert.equal(bye, "drain");
    waits.push(wait!);
    has(await peer.end(), { code: 1001 });
  }
  await stopped;
  assert.ok(new Set(waits).size > 15, "each its own");
  assert.ok(Math.max(...waits) <= 4000 && Math.max(...waits) > 1000, `20 clients at 5 a second: ${waits.join()}`);
  await hub.close();
  await hub.close();
});

test("a slow client is sent nothing more until it has read, and then what it missed, in order", async (t) => {
  const { connect, dial, hub, rig } = await startHub(t, HISTORY, { maxBacklogBytes: 64 * 1024 });
  const fast = await connect("fast", [["room"]]);
  await fast.answer(2);
  const slow = await dial();
  slow.send(writeHello(1, "slow", [["room"]]));
  await slow.answer(2);
  slow.socket.pause();
  const text = "x".repeat(100_000);
  for (let n = 1; n <= 150; n++) {
    await hub.publish("room", { n, text });
    await turns(1);
  }
  await until(() => fast.frames.length >= 150, "all that was published");
  const client = [...rig.server.clients.values()].find(({ bufferedBytes }) => bufferedBytes > 0);
  assert.ok(client !== undefined && client.bufferedBytes < 4_000_000, `${client?.bufferedBytes} bytes wait for it`);
  slow.socket.resume();
  await until(() => slow.frames.filter(({ verb }) => verb === "pub").length >= 150, "the rest, replayed");
  assert.deepEqual(offsets(slow.taken("pub")), offsets(fast.taken("pub")));
  assert.equal(
    slow.frames.some(({ verb }) => verb === "gap"),
    false,
  );
});

test("a slow client that cannot be replayed is told of the gap, and so is the application; what is still kept follows", async (t) => {
  const gaps: unknown[] = [];
  const few = { ...HISTORY, defaultTopic: { history: { size: 5, ttlMs: 600_000 } } };
  const { connect, hub } = await startHub(t, few, { maxBacklogBytes: 64 * 1024 });
  const end = hub.on("gap", (...gap) => gaps.push(gap));
  const slow = await connect("slow", [["room"]]);
  await slow.answer(2);
  slow.socket.pause();
  const text = "x".repeat(100_000);
  for (let n = 1; n <= 150; n++) {
    await hub.publish("room", { n, text });
    await turns(1);
  }
  slow.socket.resume();
  const first = await toldUpTo(slow, 0, 150);
  assert.ok(first.length > 0, "a gap");
  await hub.publish("room", "after the gap");
  has(await slow.next("pub"), { o: 151 });
  slow.socket.pause();
  for (let n = 152; n <= 300; n++) {
    await hub.publish("room", { n, text });
    await turns(1);
  }
  slow.socket.resume();
  const second = await toldUpTo(slow, 151, 300);
  assert.ok(second.length > 0, "a gap, again");
  const { epoch } = await hub.history("room");
  assert.deepEqual(
    gaps,
    [...first, ...second].map((offset) => ["room", "slow", { epoch, offset }]),
  );
  end();
});

test("who does not read its answers is closed, and not for what was published", async (t) => {
  const { connect, hub, rig } = await startHub(
    t,
    {
      ...HISTORY,
      calls: { much: () => "x".repeat(300_000) },
      limits: { requestsPerSecond: 1000, callsPerClient: 100 },
    },
    { maxBacklogBytes: 64 * 1024 },
  );
  const peer = await connect("ada");
  peer.socket.pause();
  for (let id = 2; id < 60; id++) peer.send(writeCall("much", id));
  // Once it closes, no further call is read; the connection goes on until the client has read what it was sent.
  await until(() => !rig.opened[0]!.isOpen || hub.stats.calls === 58, "the end or the last call");
  peer.socket.resume();
  has(await peer.end(), { code: 1013 });
});

test("an engine that is away: told to who asks, seen in the state, and found again", async (t) => {
  const clock = new StepClock();
  const memory = new MemoryBroker(new MemoryEngine(clock));
  let isDown = false;
  const down = (): Promise<never> => Promise.reject(new BrokerError("unavailable", "the engine is away"));
  for (const name of ["publish", "read", "heads", "subscribe"] as const) {
    const real = (memory[name] as (...args: never[]) => Promise<unknown>).bind(memory);
    t.mock.method(memory, name, (...args: never[]) => (isDown ? down() : real(...args)));
  }
  const start = memory.start.bind(memory);
  let state: (state: "up" | "down" | "suspect", why: string) => void = () => {};
  t.mock.method(memory, "start", (to: Parameters<typeof start>[0]) => {
    state = (...what) => to.state(...what);
    return start(to);
  });
  const { connect, hub, log } = await startHub(t, { ...HISTORY, clock, broker: memory });
  await hub.ready;
  const told: string[] = [];
  hub.on("state", (now, why) => told.push(`${now}: ${why}`));
  const ada = await connect("ada", [["room"]]);
  await ada.answer(2);
  isDown = true;
  state("down", "no connection");
  has(await ada.ask(3, writePub("room", 1, 3)), { code: "unavailable", retry: 1000 });
  await assert.rejects(hub.publish("room", 1), { name: "HubError", code: "unavailable" });
  await assert.rejects(hub.history("room"), { name: "HubError", code: "unavailable" });
  // Whoever tries again at once, and again, does not keep the process from hearing of anything else.
  const turn = { isOver: false };
  setImmediate(() => (turn.isOver = true));
  for (let tries = 0; !turn.isOver; tries++) {
    assert.ok(tries < 100, "the event loop goes on");
    await assert.rejects(hub.publish("room", 1));
  }
  ada.send(writeSub("other", 4));
  await goOn(clock, 2000, 100);
  has(await ada.answer(4), { code: "unavailable" });
  assert.equal(hub.state, "degraded");
  isDown = false;
  state("suspect", "connected again");
  await goOn(clock, 6000, 500);
  assert.equal(hub.state, "up");
  has(await ada.ask(5, writePub("room", 2, 5)), { o: 1 });
  has(await ada.next("pub"), { d: 2 });
  has(await ada.ask(6, writeSub("other", 6)), { o: 0 });
  assert.deepEqual(told, ["degraded: no connection", "up: connected again"]);
  assert.deepEqual(log.of("hub-state").map(({ level }) => level), ["error", "info"]); // oxfmt-ignore
  log.assertDocumented();
});

test("a subscription that is revoked before its answer is answered once", async (t) => {
  const memory = new MemoryBroker(new MemoryEngine(new StepClock()));
  t.mock.method(memory, "subscribe", () => new Promise(() => {}));
  const { connect, hub } = await startHub(t, { ...HISTORY, broker: memory });
  const ada = await connect("ada", [["room"]]);
  await hub.revoke({ topic: "room" });
  has(await ada.answer(2), { code: "forbidden" });
  has(await ada.ask(3, writeUnsub("room", 3)), { verb: "ok" });
  assert.deepEqual(ada.frames, []);
});

test("what the memory of the process keeps of all topics stays within historyBytes", async (t) => {
  const { hub } = await startHub(t, { ...HISTORY, limits: { historyBytes: 10_000 } });
  for (let n = 0; n < 100; n++) await hub.publish(`topic ${n}`, "x".repeat(800));
  const histories = await Promise.all(Array.from({ length: 100 }, (_, n) => hub.history(`topic ${n}`)));
  const kept = histories.filter(({ messages }) => messages.length > 0).length;
  assert.ok(kept > 5 && kept < 12, String(kept));
});

test("a publish that was a duplicate is not counted as another one", async (t) => {
  const { hub } = await startHub(t, HISTORY);
  for (const key of ["a", "b", "a"]) await hub.publish("room", key, { key });
  assert.equal(hub.stats.published, 2);
});

test("a hub whose engine cannot be started says so", async (t) => {
  const memory = new MemoryBroker(new MemoryEngine(new StepClock()));
  t.mock.method(memory, "start", () => Promise.reject(new Error("no route")));
  const { hub, log } = await startHub(t, { ...HISTORY, broker: memory });
  await assert.rejects(hub.ready, /no route/);
  assert.equal(hub.state, "degraded");
  assert.equal(log.of("hub-error").length, 1);
  log.assertDocumented();
});

test("a listener that throws is in the log, and harms nobody", async (t) => {
  const memory = new MemoryBroker(new MemoryEngine(new StepClock()));
  const start = memory.start.bind(memory);
  t.mock.method(memory, "start", async (to: Parameters<typeof start>[0]) => {
    await start(to);
    setImmediate(() => to.state("down", "no connection"));
  });
  const { hub, log } = await startHub(t, { broker: memory });
  const told: string[] = [];
  hub.on("state", () => {
    throw new Error("mine");
  });
  hub.on("state", (state) => told.push(state));
  await until(() => told.length === 1, "the state");
  assert.equal(log.of("hub-error").length, 1);
});

test("options that are wrong are told when the hub is made", () => {
  const wrong: [options: object, message: RegExp][] = [
    [{ helloTimeoutMs: 1 }, /helloTimeoutMs/],
    [{ limits: { topicsPerClient: 0 } }, /limits\.topicsPerClient/],
    [{ limits: { topics: 1 } }, /no option limits\.topics/],
    [{ allow: { subscribe: true } }, /allow\.subscribe/],
    [{ allow: { read: () => true } }, /no option allow\.read/],
    [{ authenticate: "jwt" }, /authenticate/],
    [{ helloTimeout: 1 }, /no option helloTimeout/],
    [{ calls: { rename: 1 } }, /calls\.rename/],
    [{ contract: { topics: { "{a}{b}": {} } } }, /two parameters/],
    [{ contract: {}, defaultTopic: {} }, /without a contract/],
  ];
  for (const [options, message] of wrong) assert.throws(() => createHub(options), message);
});

/**
 * That each message of the topic came in its place or is behind a gap that was told: how much the kernel takes for a client that
 * reads nothing is its own affair, and with it how often that client is found to be slow. @returns the gaps
 */
async function toldUpTo(peer: WireClient, from: number, last: number): Promise<number[]> {
  await until(() => offsets(peer.frames).includes(last), "the newest, which are still kept");
  const gaps: number[] = [];
  let at = from;
  for (const message of peer.frames.splice(0)) {
    if (message.verb === "pub") assert.equal(message.o, ++at);
    if (message.verb !== "gap") continue;
    assert.ok(message.code === "slow" && message.o > at, JSON.stringify(message));
    gaps.push((at = message.o));
  }
  assert.equal(at, last);
  return gaps;
}

function offsets(messages: readonly Message[]): number[] {
  return messages.flatMap((message) => (message.verb === "pub" ? [message.o!] : []));
}
