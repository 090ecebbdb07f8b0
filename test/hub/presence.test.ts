// Who is in a topic: by key, with a grace for connections that are lost, told in few frames.

import assert from "node:assert/strict";
import { test } from "node:test";
import { writeCount, writeHello, writePub, writeSub, writeUnsub, writeWho } from "@hawser/wire/client";
import { MemoryBroker } from "#hawser/hub/brokers/memory.js";
import { MemoryEngine } from "#hawser/hub/brokers/memory-engine.js";
import { createHub } from "#hawser/hub/index.js";
import { until } from "../harness/concurrency.js";
import { turns } from "../harness/rig.js";
import { StepClock } from "../harness/step-clock.js";
import { byName, everything, goOn, has, startHub, type WireClient } from "./harness/hub-rig.js";

const PRESENT = {
  authenticate: byName,
  allow: everything,
  defaultTopic: { presence: true },
  member: (user: { user: string }) => (user.user.startsWith("quiet") ? undefined : { name: user.user.toUpperCase() }),
} as const;

/** The keys of an answer or of a change. */
function keys(message: object): string[] {
  return ((message as { in?: [string][] }).in ?? []).map(([key]) => key).toSorted();
}

test("who is there, and then who comes and goes, collected over a second", async (t) => {
  const { connect, clock } = await startHub(t, PRESENT);
  const ada = await connect("ada", [["room"]]);
  await ada.answer(2);
  const there = await ada.ask(3, writeWho("room", 3, undefined, true));
  assert.deepEqual(there, {
    verb: "ok",
    ok: 3,
    n: 1,
    v: there.verb === "ok" ? there.v : 0,
    in: [["ada", { name: "ADA" }]],
  });
  const [bob, quiet] = [await connect("bob", [["room"]]), await connect("quiet", [["room"]])];
  await bob.answer(2);
  await quiet.answer(2);
  clock.advance(900);
  await turns();
  assert.equal(ada.frames.length, 0);
  clock.advance(200);
  const came = await ada.next("pres");
  has(came, { pres: "room", n: 3, v: (there.verb === "ok" ? there.v! : 0) + 1 });
  assert.deepEqual(came.in?.toSorted(), [["bob", { name: "BOB" }], ["quiet"]]);
  bob.send(writeUnsub("room", 3));
  await bob.answer(3);
  clock.advance(1100);
  has(await ada.next("pres"), { n: 2, out: ["bob"] });
});

test("nobody is a list as well, and not only a number", async (t) => {
  const { connect } = await startHub(t, PRESENT);
  const ada = await connect("ada");
  has(await ada.ask(2, writeWho("room", 2, undefined, true)), { n: 0, in: [] });
});

test("a member is its user: there once with three tabs, until the last one is gone", async (t) => {
  const { connect, clock, hub } = await startHub(t, PRESENT);
  const ada = await connect("ada");
  await ada.ask(2, writeWho("room", 2, undefined, true));
  const tabs = [await connect("bob", [["room"]]), await connect("bob", [["room"]])];
  await Promise.all(tabs.map((tab) => tab.answer(2)));
  clock.advance(1100);
  has(await ada.next("pres"), { n: 1 });
  tabs[0]!.close();
  await until(() => hub.stats.sessions === 2, "the end of a tab");
  clock.advance(1100);
  await turns();
  assert.deepEqual(ada.frames, []);
  assert.deepEqual(await hub.members("room"), [{ key: "bob", details: { name: "BOB" } }]);
  tabs[1]!.close();
  await until(() => hub.stats.sessions === 1, "the end of the other tab");
  clock.advance(1100);
  has(await ada.next("pres"), { n: 0, out: ["bob"] });
  assert.equal(await hub.count("room"), 0);
});

test("who is lost stays for the grace, and who is back within it has never been away", async (t) => {
  const { connect, clock, hub } = await startHub(t, PRESENT);
  const ada = await connect("ada");
  await ada.ask(2, writeWho("room", 2, undefined, true));
  const bob = await connect("bob", [["room"]]);
  await bob.answer(2);
  await goOn(clock, 1100);
  await ada.next("pres");
  bob.cut();
  await until(() => hub.stats.sessions === 1, "the end of the connection");
  await goOn(clock, 8000);
  const back = await connect("bob", [["room"]]);
  await back.answer(2);
  await goOn(clock, 15_000);
  assert.deepEqual(ada.taken("pres"), []);
  assert.equal(await hub.count("room"), 1);
  back.cut();
  await until(() => hub.stats.sessions === 1, "the end of the connection");
  await goOn(clock, 9000);
  assert.deepEqual(ada.taken("pres"), []);
  await goOn(clock, 3000);
  has(await ada.next("pres"), { n: 0, out: ["bob"] });
});

test("a storm of joins is few frames for each, and beyond a number names are no longer told", async (t) => {
  const { connect, clock, hub, dial } = await startHub(t, { ...PRESENT, presenceNames: 20 });
  const watchers = [await connect("ada"), await connect("eve")];
  await watchers[0]!.ask(2, writeWho("room", 2, undefined, true));
  await watchers[1]!.ask(2, writeCount("room", 2, true));
  const crowd: WireClient[] = [];
  for (let n = 0; n < 50; n++) {
    const peer = await dial();
    peer.send(writeHello(1, `user${n}`, [["room"]]));
    crowd.push(peer);
    clock.advance(20);
  }
  await Promise.all(crowd.map((peer) => peer.answer(2)));
  await goOn(clock, 3000, 100);
  for (const watcher of watchers) {
    const told = watcher.taken("pres");
    assert.ok(told.length >= 1 && told.length <= 5, `${told.length} frames`);
    has(told.at(-1)!, { n: 50 });
    assert.equal("in" in told.at(-1)! || "v" in told.at(-1)!, false);
  }
  assert.deepEqual(await watchers[0]!.ask(3, writeWho("room", 3)), { verb: "ok", ok: 3, n: 50 });
  assert.equal(await hub.count("room"), 50);
  for (const peer of crowd.slice(10)) peer.close();
  await until(() => hub.stats.sessions === 12, "the end of most");
  await goOn(clock, 2000, 100);
  const last = watchers[0]!.taken("pres").at(-1)!;
  has(last, { n: 10 });
  assert.ok("v" in last && !("in" in last), "the version says that names can be asked for again");
  assert.equal(keys(await watchers[0]!.ask(4, writeWho("room", 4))).length, 10);
});

test("numbers alone, where the topic or the client wants no more", async (t) => {
  const { connect, clock } = await startHub(t, { ...PRESENT, defaultTopic: { presence: "count" } });
  const ada = await connect("ada", [["room"]]);
  await ada.answer(2);
  assert.deepEqual(await ada.ask(3, writeWho("room", 3, undefined, true)), { verb: "ok", ok: 3, n: 1 });
  assert.deepEqual(await ada.ask(4, writeCount("room", 4, true)), { verb: "ok", ok: 4, n: 1 });
  const bob = await connect("bob", [["room"]]);
  await bob.answer(2);
  clock.advance(1100);
  assert.deepEqual(await ada.next("pres"), { verb: "pres", pres: "room", n: 2 });
  await turns();
  assert.deepEqual(ada.frames, []);
});

test("a watch ends with watch:false, with unsub, and with the connection", async (t) => {
  const { connect, clock, hub } = await startHub(t, PRESENT);
  const [ada, eve, mallory] = [await connect("ada", [["room"]]), await connect("eve"), await connect("mallory")];
  for (const peer of [ada, eve, mallory]) await peer.ask(5, writeWho("room", 5, undefined, true));
  await ada.ask(6, writeUnsub("room", 6));
  assert.equal(keys(await eve.ask(6, writeWho("room", 6, undefined, false))).length, 1);
  mallory.cut();
  await until(() => hub.stats.sessions === 2, "the end of the connection");
  await goOn(clock, 3000);
  assert.deepEqual([ada.taken("pres"), eve.taken("pres")], [[], []]);
  assert.equal((await eve.ask(7, writeWho("room", 7))).verb, "ok");
});

test("a topic without presence, and a page of many", async (t) => {
  const { connect } = await startHub(t, { authenticate: byName, allow: everything });
  const ada = await connect("ada");
  has(await ada.ask(2, writeWho("room", 2)), { code: "unsupported" });
  const more = await startHub(t, PRESENT);
  const peers = await Promise.all(["a", "b", "c"].map((name) => more.connect(name, [["room"]])));
  await Promise.all(peers.map((peer) => peer.answer(2)));
  const some = await peers[0]!.ask(3, writeWho("room", 3, 2));
  has(some, { n: 3 });
  assert.equal(keys(some).length, 2);
});

test("two nodes on one engine see each other's members, and those of one that dies leave in time", async (t) => {
  const clock = new StepClock();
  const engine = new MemoryEngine(clock);
  const one = await startHub(t, { ...PRESENT, clock, broker: new MemoryBroker(engine) });
  const two = await startHub(t, { ...PRESENT, clock, broker: new MemoryBroker(engine) });
  const ada = await one.connect("ada");
  await ada.ask(2, writeWho("room", 2, undefined, true));
  const bob = await two.connect("bob", [["room"]]);
  await bob.answer(2);
  await goOn(clock, 2500, 100);
  has(await ada.next("pres"), { n: 1, in: [["bob", { name: "BOB" }]] });
  bob.send(writePub("room", "across", 3));
  await bob.answer(3);
  await two.hub.revoke({ user: "ada", topic: "room" });
  // Closed as a deploy does it: its members have the grace to be back elsewhere.
  await two.hub.close();
  await goOn(clock, 9_000, 500);
  assert.deepEqual(ada.taken("pres"), []);
  await goOn(clock, 20_000, 500);
  has(await ada.next("pres"), { n: 0, out: ["bob"] });
});

test("laravel-websockets#447, reverb#378, phoenix#2306, #2255, cometd#456, faye-redis-node#14: members of a node that dies leave once, within its lease and 5 s", async (t) => {
  const clock = new StepClock();
  // This one stands still from the moment on at which its process is killed.
  const theirs = new StepClock();
  const engine = new MemoryEngine(clock);
  const one = await startHub(t, { ...PRESENT, clock, broker: new MemoryBroker(engine) });
  const two = await startHub(t, { ...PRESENT, clock: theirs, broker: new MemoryBroker(engine) });
  const ada = await one.connect("ada");
  await ada.ask(2, writeWho("room", 2, undefined, true));
  for (const name of ["bob", "cy"]) await (await two.connect(name, [["room"]])).answer(2);
  for (let step = 0; step < 30; step++) {
    theirs.advance(1000);
    await goOn(clock, 1000);
  }
  assert.deepEqual(ada.taken("pres").flatMap(keys).toSorted(), ["bob", "cy"]);
  await goOn(clock, 20_000);
  const left = ada.taken("pres");
  assert.deepEqual(left.flatMap((change) => (change as { out?: string[] }).out ?? []).toSorted(), ["bob", "cy"]);
  has(left.at(-1)!, { n: 0 });
  await goOn(clock, 60_000);
  assert.deepEqual(ada.taken("pres"), []);
});

test("an engine without presence has none, and says so", async (t) => {
  const memory = new MemoryBroker(new MemoryEngine(new StepClock()));
  const broker = Object.create(memory, {
    has: { value: { history: true, presence: false } },
    presence: { value: undefined },
  }) as MemoryBroker;
  for (const name of [
    "start",
    "subscribe",
    "unsubscribe",
    "publish",
    "read",
    "heads",
    "renew",
    "tell",
    "close",
  ] as const) {
    Object.defineProperty(broker, name, { value: memory[name].bind(memory) });
  }
  const bare = await startHub(t, { ...PRESENT, broker });
  const ada = await bare.connect("ada", [["room"]]);
  has(await ada.answer(2), { verb: "ok" });
  has(await ada.ask(3, writeWho("room", 3)), { code: "unsupported" });
  assert.deepEqual(await bare.hub.members("room"), []);
});

test("members that the engine could not be told of are told later", async (t) => {
  const clock = new StepClock();
  const memory = new MemoryBroker(new MemoryEngine(clock));
  let isDown = true;
  const { presence } = memory;
  const put = presence.put.bind(presence);
  t.mock.method(presence, "put", (...args: Parameters<typeof put>) =>
    isDown ? Promise.reject(new Error("down")) : put(...args),
  );
  const rig = await startHub(t, { ...PRESENT, clock, broker: memory });
  const ada = await rig.connect("ada", [["room"]]);
  await ada.answer(2);
  await turns();
  assert.equal(await rig.hub.count("room"), 0);
  isDown = false;
  await goOn(clock, 6000);
  assert.equal(await rig.hub.count("room"), 1);
});

test("a subscription that is refused is no membership", async (t) => {
  const { connect, hub } = await startHub(t, { ...PRESENT, allow: { ...everything, subscribe: () => false } });
  const ada = await connect("ada");
  has(await ada.ask(2, writeSub("room", 2)), { code: "forbidden" });
  assert.equal(await hub.count("room"), 0);
  assert.throws(() => createHub({ presenceNames: 0 }), /presenceNames/);
});

test("who subscribes twice before the first answer is a member", async (t) => {
  const { connect, hub } = await startHub(t, PRESENT);
  const ada = await connect("ada");
  ada.send(writeSub("room", 2), writeSub("room", 3));
  has(await ada.answer(2), { code: "cancelled" });
  has(await ada.answer(3), { verb: "ok" });
  assert.equal(await hub.count("room"), 1);
});

test("details that cannot be had are left out, and everybody joins all the same", async (t) => {
  const { connect, hub, log } = await startHub(t, {
    ...PRESENT,
    member: () => {
      throw new Error("mine");
    },
  });
  const peers = await Promise.all([connect("ada", [["room"]]), connect("bob", [["room"]])]);
  for (const peer of peers) has(await peer.answer(2), { verb: "ok" });
  const members = await hub.members("room");
  assert.deepEqual(members.map(({ details }) => details), [undefined, undefined]); // oxfmt-ignore
  assert.deepEqual(new Set(log.of("hub-error").map(({ what }) => what)), new Set(["member"]));
});
