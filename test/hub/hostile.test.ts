// Hostile clients of hawser.v1: what they do costs their own connection, within bounds.

import assert from "node:assert/strict";
import { test } from "node:test";
import { writeBack, writeCall, writeHello, writePub, writeSub, writeWho } from "@hawser/wire/client";
import { MemoryPresence } from "#hawser/hub/brokers/memory-presence.js";
import { Presence } from "#hawser/hub/presence/presence.js";
import type { SharedText } from "#hawser/hub/shared-text.js";
import { DeadlineWheel } from "#hawser/server/base/deadlines.js";
import { until } from "../harness/concurrency.js";
import { Random } from "../harness/random.js";
import { turns } from "../harness/rig.js";
import { StepClock } from "../harness/step-clock.js";
import { byName, everything, has, startHub } from "./harness/hub-rig.js";

const OPEN = {
  authenticate: byName,
  allow: everything,
  defaultTopic: { history: { size: 50, ttlMs: 600_000 }, presence: true },
} as const;
const UNHURRIED = { ...OPEN, limits: { requestsPerSecond: 1_000_000 } } as const;

test("garbage of every kind is answered or closed, and the next client is served", async (t) => {
  const { dial, connect, log } = await startHub(t, OPEN);
  const random = new Random(20_261_130);
  for (let round = 0; round < 40; round++) {
    const peer = await dial();
    for (let n = 0; n < 5; n++) {
      const bytes = random.bytes(1 + random.below(200));
      peer.send(round % 2 === 0 ? bytes : Buffer.from(bytes).toString("latin1"));
    }
    peer.send(writeHello(1, "ada"));
    await until(
      () => peer.closed !== undefined || peer.frames.some(({ verb }) => verb === "hello"),
      "hello, or the end",
    );
    peer.cut();
  }
  const nested = `{"pub":"room","id":2,"d":${"[".repeat(100_000)}${"]".repeat(100_000)}}`;
  const peer = await connect("ada");
  has(await peer.ask(2, nested), { code: "too-big" });
  has(await peer.ask(3, '{"sub":"__proto__","id":3}'), { verb: "ok" });
  has(await peer.ask(4, '{"pub":"constructor","id":4,"__proto__":{"x":1},"d":{"__proto__":1}}'), { verb: "ok" });
  assert.deepEqual(log.of("handler-error"), []);
});

test("names, keys and tokens that are too long are too big", async (t) => {
  const { connect, dial } = await startHub(t, OPEN);
  const peer = await connect("ada");
  has(await peer.ask(2, writeSub("x".repeat(256), 2)), { code: "too-big" });
  has(await peer.ask(3, writePub("room", 1, 3, "k".repeat(129))), { code: "too-big" });
  has(await peer.ask(4, writeSub("中".repeat(86), 4)), { code: "too-big" });
  has(await peer.ask(5, writeCall("c".repeat(100_000), 5)), { code: "too-big" });
  const stranger = await dial();
  has(await stranger.ask(1, writeHello(1, "t".repeat(8193))), { code: "too-big" });
});

test("ten thousand subscriptions are a thousand, and gone with their client", async (t) => {
  const { connect, hub } = await startHub(t, UNHURRIED);
  const peer = await connect("mallory");
  for (let n = 0; n < 10_000; n++) {
    peer.send(writeSub(`t${n}`, n + 2));
    if (n % 500 === 0) await turns();
  }
  has(await peer.answer(10_001), { code: "too-many" });
  has(await peer.answer(1001), { verb: "ok" });
  assert.equal(hub.stats.topics, 1000);
  has(await peer.ask(20_000, writeSub("t5", 20_000)), { verb: "ok" });
  peer.cut();
  await until(() => hub.stats.sessions === 0, "its end");
});

test("forged positions are missed messages, and one read for all who forge at once", async (t) => {
  const { connect, hub } = await startHub(t, UNHURRIED);
  await hub.publish("room", 1);
  const ada = await connect("ada", [["room"]]);
  const joined = await ada.answer(2);
  assert(joined.verb === "ok");
  const positions = [[1e15, joined.e!], [0, "forged"], [Number.MAX_SAFE_INTEGER, "x"], [7, joined.e!]] as const; // oxfmt-ignore
  for (const [n, [offset, epoch]] of positions.entries()) {
    has(await ada.ask(10 + n, writeSub("room", 10 + n, offset, epoch)), { o: 1, missed: true });
  }
  has(await ada.ask(20, writeBack("room", 20, 1e15, joined.e)), { page: 1 });
  has(await ada.ask(21, writeBack("room", 21, 5, "forged")), { missed: true });
  const peers = await Promise.all(Array.from({ length: 30 }, () => connect("mallory")));
  const missed = hub.stats.missed;
  for (const peer of peers) peer.send(writeSub("room", 2, 5, `forged`));
  await Promise.all(peers.map((peer) => peer.answer(2)));
  assert.equal(hub.stats.missed - missed, 30);
  assert.ok(hub.stats.repaired <= 1);
});

test("a flood of hellos asks for no more than three tokens", async (t) => {
  let asked = 0;
  const { dial } = await startHub(t, {
    authenticate: async () => (asked++, await turns(1), false as const),
    allow: everything,
  });
  const peer = await dial();
  for (let id = 1; id <= 1000; id++) peer.send(writeHello(id, `token${id}`));
  has(await peer.end(), { code: 4429 });
  assert.equal(asked, 3);
});

test("questions that wait are few", async (t) => {
  const { connect } = await startHub(t, { ...UNHURRIED, limits: { ...UNHURRIED.limits, callsPerClient: 4 } });
  const peer = await connect("ada");
  for (let id = 2; id < 40; id++) peer.send(id % 2 === 0 ? writeBack("room", id) : writeWho("room", id));
  const answers = await Promise.all(Array.from({ length: 38 }, (_, at) => peer.answer(at + 2)));
  assert.ok(answers.some((answer) => answer.verb === "err" && answer.code === "too-many"));
  assert.ok(answers.filter(({ verb }) => verb === "ok").length >= 4);
});

test("histories of very many topics stay within their bytes", async (t) => {
  const bytes = 200_000;
  const { connect, hub } = await startHub(t, {
    ...UNHURRIED,
    limits: { requestsPerSecond: 1_000_000, historyBytes: bytes },
  });
  const peer = await connect("mallory");
  const text = "x".repeat(1000);
  for (let n = 0; n < 100; n++) peer.send(writeSub(`t${n}`, n + 2));
  await peer.answer(101);
  for (let n = 0; n < 3000; n++) {
    peer.send(writePub(`t${n % 100}`, text, 1000 + n));
    if (n % 100 === 0) await turns();
  }
  await peer.answer(3999);
  assert.ok(hub.stats.historyBytes > 0 && hub.stats.historyBytes <= bytes, String(hub.stats.historyBytes));
});

test("ably/docs#1263, centrifuge#335, centrifuge-dart#89: five thousand joins in a second are five frames at most for each who watches", async () => {
  const clock = new StepClock();
  const store = new MemoryPresence(clock);
  const port = { store, wheel: new DeadlineWheel(clock), tell: () => {}, onError: assert.ifError };
  const presence = new Presence(port, { presenceGraceMs: 10_000, presenceNames: 200 });
  const known = { topic: { name: "room", topic: "room" }, definition: { presence: true } } as const;
  const told: string[] = [];
  const watcher = {
    client: { id: "w" } as never,
    user: undefined,
    say: () => {},
    begin: () => {},
    answer: () => {},
    refuse: () => assert.fail("refused"),
    fail: () => assert.fail("failed"),
    mayBegin: () => true,
    ended: () => {},
    offerShared: (text: SharedText) => told.push(text.text) > 0,
  };
  const request = { verb: "who", id: 1, topic: "room", max: undefined, watch: true } as const;
  presence.ask(watcher, request, known);
  await turns();
  for (let n = 0; n < 5000; n++) {
    presence.enter({ key: `user${n}` }, "room", known, undefined);
    if (n % 250 === 249) {
      clock.advance(50);
      await turns(1);
    }
  }
  for (let step = 0; step < 40; step++) {
    clock.advance(100);
    await turns(1);
  }
  assert.ok(told.length >= 1 && told.length <= 5, `${told.length} frames`);
  assert.equal(told.at(-1), '{"pres":"room","n":5000}');
  assert.ok(told.every((frame) => frame.length < 100));
  await presence.stop();
  port.wheel.stop();
});

test("publishes without an id are bounded like the others, and answered by nothing", async (t) => {
  const { connect, hub } = await startHub(t, { ...OPEN, limits: { requestsPerSecond: 20 } });
  const peer = await connect("ada");
  for (let n = 0; n < 100; n++) peer.send(writePub("room", n));
  peer.send("{}");
  await turns(10);
  assert.deepEqual([hub.stats.published <= 20, peer.frames.filter(({ verb }) => verb === "err")], [true, []]);
  assert.equal(peer.closed, undefined);
});
