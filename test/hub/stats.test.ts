// What a hub tells of itself: each number is that of what happened.

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { contract } from "@hawser/wire";
import {
  writeAuth,
  writeCall,
  writeCancel,
  writeErr,
  writeHello,
  writeOk,
  writePub,
  writeSub,
} from "@hawser/wire/client";
import { type Broker, BrokerError, type BrokerEvents } from "#hawser/hub/brokers/broker.js";
import { MemoryBroker } from "#hawser/hub/brokers/memory.js";
import { MemoryEngine } from "#hawser/hub/brokers/memory-engine.js";
import { createHub, HubError, type HubStats } from "#hawser/hub/index.js";
import { until } from "../harness/concurrency.js";
import { LogBook, turns } from "../harness/rig.js";
import { StepClock } from "../harness/step-clock.js";
import { byName, everything, goOn, has, startHub } from "./harness/hub-rig.js";

const HISTORY = {
  authenticate: byName,
  allow: everything,
  defaultTopic: { history: { size: 10, ttlMs: 60_000 }, presence: true },
} as const;

/** An engine in memory that the test takes away and gives back. */
class Engine {
  readonly broker: MemoryBroker;
  events: BrokerEvents | undefined;
  isDown = false;

  constructor(t: TestContext, clock: StepClock) {
    this.broker = new MemoryBroker(new MemoryEngine(clock));
    const start = this.broker.start.bind(this.broker);
    t.mock.method(this.broker, "start", (to: BrokerEvents) => {
      this.events = to;
      return start(to);
    });
    for (const name of ["publish", "read", "heads", "subscribe"] as const satisfies (keyof Broker)[]) {
      const real = (this.broker[name] as (...args: never[]) => Promise<unknown>).bind(this.broker);
      const away = (): Promise<never> => Promise.reject(new BrokerError("unavailable", "the engine is away"));
      t.mock.method(this.broker, name, (...args: never[]) => (this.isDown ? away() : real(...args)));
    }
  }

  lose(why: string): void {
    this.isDown = true;
    this.events!.state("down", why);
  }

  giveBack(): void {
    this.isDown = false;
    this.events!.state("suspect", "connected again");
  }
}

test("messages, deliveries, replays and members", async (t) => {
  const { hub, connect, clock } = await startHub(t, HISTORY);
  const [ada, bob] = [await connect("ada", [["room"]]), await connect("bob", [["room"], ["other"]])];
  await Promise.all([ada.answer(2), bob.answer(2), bob.answer(3)]);
  has(await ada.ask(4, writePub("room", 1, 4)), { o: 1 });
  await hub.publish("room", 2);
  has(hub.stats, { sessions: 2, topics: 2, members: 3, published: 2, messages: 2, deliveries: 4, suspects: 0 });
  assert.equal(hub.stats.phases.live, 2);
  assert.equal(hub.stats.publishTimes.count, 2);
  assert.equal(hub.stats.deliveryLags.count, 2, "both were back before their answer");
  assert.ok(hub.stats.historyBytes > 0 && hub.stats.historyBytes < hub.stats.historyLimitBytes);

  bob.cut();
  await until(() => hub.stats.sessions === 1, "the end of the connection");
  assert.equal(hub.stats.members, 3, "within its grace it is there");
  await goOn(clock, 11_000);
  assert.equal(hub.stats.members, 1);
  await hub.publish("room", 3);
  const { epoch } = await hub.history("room");
  const again = await connect("bob", [["room", 1, epoch]]);
  has(await again.answer(2), { replay: 2 });
  has(hub.stats, { resumed: 1, replayed: 2, missed: 0, members: 2, messages: 3, deliveries: 7 });
  ada.close();
  again.close();
  await until(() => hub.stats.sessions === 0, "the end of both");
  await goOn(clock, 11_000);
  has(hub.stats, { topics: 0, members: 0, historyBytes: 0 });
  assert.ok(Object.values(hub.stats.phases).every((topics) => topics === 0));
});

test("what is read of the stats stays as it was", async (t) => {
  const { hub } = await startHub(t, HISTORY);
  const before = hub.stats;
  await hub.publish("room", 1);
  assert.deepEqual([before.published, before.publishTimes.count], [0, 0]);
  assert.deepEqual([hub.stats.published, hub.stats.publishTimes.count], [1, 1]);
  // As a worker tells a supervisor.
  assert.deepEqual(structuredClone(hub.stats), hub.stats);
});

test("an engine that is lost: since when, why, how often and for how long; and what is in doubt", async (t) => {
  const clock = new StepClock();
  const engine = new Engine(t, clock);
  const { hub, connect } = await startHub(t, { ...HISTORY, clock, broker: engine.broker });
  await hub.ready;
  has(hub.stats.engine, { state: "up", wasReached: true, lost: 0, awayMs: 0 });
  const ada = await connect("ada", [["room"], ["other"]]);
  await ada.answer(3);
  engine.lose("ECONNRESET");
  await goOn(clock, 3000);
  has(hub.stats.engine, { state: "degraded", why: "ECONNRESET", lost: 1, forMs: 3000, awayMs: 3000 });
  assert.ok(Math.abs(Date.now() - hub.stats.engine.since) < 60_000);
  engine.events!.state("down", "ECONNREFUSED");
  has(hub.stats.engine, { why: "ECONNREFUSED", lost: 1, forMs: 3000 });
  assert.equal(hub.stats.suspects, 2);
  await assert.rejects(hub.publish("room", 1), HubError);
  has(await ada.ask(4, writePub("room", 1, 4)), { code: "unavailable" });
  has(hub.stats.publishFailures, { unavailable: 2, limit: 0, failed: 0 });
  assert.equal(hub.stats.refused.unavailable, 1);
  assert.equal(hub.stats.publishTimes.count, 0, "what was not answered has no time");
  engine.giveBack();
  has(hub.stats.engine, { state: "up", why: "connected again", lost: 1, forMs: 0, awayMs: 3000 });
  await goOn(clock, 6000, 500);
  assert.equal(hub.stats.suspects, 0);
  assert.equal(hub.stats.phases.live, 2);
  engine.lose("again");
  assert.equal(hub.stats.engine.lost, 2);
});

test("an engine that was never reached: not up, and told once", async (t) => {
  const clock = new StepClock();
  const memory = new MemoryBroker(new MemoryEngine(clock));
  let events: BrokerEvents | undefined;
  t.mock.method(memory, "start", (to: BrokerEvents) => {
    events = to;
    return new Promise(() => {});
  });
  const log = new LogBook();
  const hub = createHub({ ...HISTORY, clock, broker: memory, logger: log });
  t.after(() => hub.close());
  const told: string[] = [];
  hub.on("state", (state, why) => told.push(`${state}: ${why}`));
  assert.equal(hub.state, "degraded");
  has(hub.stats.engine, { state: "degraded", wasReached: false, lost: 0, why: "it has not been reached yet" });
  events!.state("down", "ECONNREFUSED 127.0.0.1:6379");
  events!.state("down", "ECONNREFUSED 127.0.0.1:6379");
  clock.advance(500);
  has(hub.stats.engine, { wasReached: false, lost: 0, why: "ECONNREFUSED 127.0.0.1:6379", awayMs: 500 });
  events!.state("up", "127.0.0.1:6379");
  await turns();
  has(hub.stats.engine, { state: "up", wasReached: true, lost: 0, awayMs: 500 });
  assert.deepEqual(told, ["degraded: ECONNREFUSED 127.0.0.1:6379", "up: 127.0.0.1:6379"]);
  assert.deepEqual(log.of("hub-state").map(({ level }) => level), ["error", "info"]); // oxfmt-ignore
});

test("a broker that has started without its engine is not up", async (t) => {
  const clock = new StepClock();
  const engine = new Engine(t, clock);
  t.mock.method(engine.broker, "start", async (to: BrokerEvents) => to.state("down", "ECONNREFUSED"));
  const hub = createHub({ ...HISTORY, clock, broker: engine.broker, logger: new LogBook() });
  t.after(() => hub.close());
  await hub.ready;
  has(hub.stats.engine, { state: "degraded", wasReached: false, why: "ECONNREFUSED" });
});

test("what no node wrote is counted, and said", async (t) => {
  const clock = new StepClock();
  const engine = new Engine(t, clock);
  const log = new LogBook();
  const { hub } = await startHub(t, { ...HISTORY, clock, broker: engine.broker, logger: log });
  engine.events!.foreign!("a stream of somebody else's");
  assert.equal(hub.stats.foreign, 1);
  assert.deepEqual(
    log.of("hub-error").map(({ text }) => text),
    ["the hub passes over a stream of somebody else's: no node of this version wrote that"],
  );
});

test("the topics of a client, of whichever kind", async (t) => {
  const { hub, connect, plain, rig } = await startHub(t, HISTORY);
  const ada = await connect("ada", [["room"], ["other"]]);
  await ada.answer(3);
  const [client] = rig.opened;
  assert.deepEqual([...hub.topicsOf(client!)], ["room", "other"]);
  const { client: bare } = await plain();
  assert.deepEqual([...hub.topicsOf(bare)], []);
  await hub.join(bare, "room");
  assert.deepEqual([...hub.topicsOf(bare)], ["room"]);
});

test("an engine that is there at once is no news", async (t) => {
  const log = new LogBook();
  const hub = createHub({ ...HISTORY, logger: log });
  t.after(() => hub.close());
  assert.equal(hub.state, "up");
  await hub.ready;
  assert.deepEqual(log.lines, []);
});

test("a publish that fails for another reason, and one that there is no room for", async (t) => {
  const clock = new StepClock();
  const engine = new Engine(t, clock);
  const { hub } = await startHub(t, { ...HISTORY, clock, broker: engine.broker });
  const errors = [new BrokerError("limit", "full"), new TypeError("a fault of the broker's")];
  t.mock.method(engine.broker, "publish", () => Promise.reject(errors.shift()!));
  await assert.rejects(hub.publish("room", 1), { code: "limit" });
  await assert.rejects(hub.publish("room", 1), TypeError);
  has(hub.stats.publishFailures, { unavailable: 0, limit: 1, failed: 1 });
  assert.equal(hub.stats.published, 0);
});

test("calls: under way, and how each ended", async (t) => {
  const { hub, connect, clock } = await startHub(t, {
    ...HISTORY,
    callTimeoutMs: 1000,
    calls: {
      good: () => 1,
      own: () => { throw new HubError("sold-out", "no seats"); },
      broken: () => { throw new Error("1234"); },
      circle: () => { const circle: { self?: unknown } = {}; return (circle.self = circle); },
      never: (_input, { signal }) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("over")))),
    },
  }); // oxfmt-ignore
  const ada = await connect("ada");
  for (const [id, name] of ["good", "own", "broken", "circle", "nothing"].entries()) {
    await ada.ask(id + 2, writeCall(name, id + 2));
  }
  ada.send(writeCall("never", 10), writeCall("never", 11));
  await until(() => hub.stats.callsPending === 2, "two calls");
  ada.send(writeCancel(10));
  has(await ada.answer(10), { code: "cancelled" });
  await goOn(clock, 1200, 100);
  has(await ada.answer(11), { code: "timeout" });
  has(hub.stats, { calls: 6, callsPending: 0 });
  assert.deepEqual(hub.stats.callOutcomes, { answered: 1, refused: 2, timeout: 1, cancelled: 1, failed: 2 });
  has(hub.stats.refused, { "unknown-call": 1, failed: 2, cancelled: 1, timeout: 1, other: 1 });
});

test("calls of the server's: under way, and how each ended", async (t) => {
  const desk = contract({ asks: { confirm: {} } });
  const { hub, connect, rig, clock } = await startHub(t, { contract: desk, authenticate: byName });
  const ada = await connect("ada");
  const { id } = rig.opened[0]!;
  const ask = (options?: object): Promise<unknown> =>
    hub.ask(id, "confirm", 1, options).catch((error: unknown) => error);
  const first = ask();
  assert.equal(hub.stats.asksPending, 1);
  ada.send(writeOk((await ada.next("call")).id, true));
  await first;
  const second = ask();
  ada.send(writeErr((await ada.next("call")).id, "forbidden"));
  await second;
  const third = ask({ timeoutMs: 100 });
  await goOn(clock, 300, 100);
  await third;
  const fourth = ask();
  ada.cut();
  await fourth;
  has(hub.stats, { asks: 4, asksPending: 0 });
  assert.deepEqual(hub.stats.askOutcomes, { answered: 1, refused: 1, timeout: 1, cancelled: 0, failed: 1 });
});

test("tokens by what authenticate said, refusals by their word, and those who were sent away", async (t) => {
  const { hub, dial, connect, clock } = await startHub(t, {
    ...HISTORY,
    authenticate: (token) => {
      if (token === "own") return { code: "banned", sentence: "not you" };
      if (token === "broken") throw new Error("the database is away");
      if (token === "short") return { user: "ada", expiresAt: Date.now() + 1000, graceMs: 0 };
      return token === "old" ? { user: "ada", expiresAt: 1 } : byName(token);
    },
    allow: { subscribe: () => false },
    limits: { requestsPerSecond: 10 },
  });
  for (const token of ["own", "broken", "old", "bad", "ada"]) {
    const peer = await dial();
    peer.send(writeHello(1, token));
    if (token === "ada") await peer.next("hello");
    else await peer.answer(1);
  }
  assert.deepEqual(hub.stats.tokens, { accepted: 1, unauthorized: 1, expired: 1, unavailable: 1, other: 1 });
  has(hub.stats.refused, { unauthorized: 1, expired: 1, unavailable: 1, other: 1, forbidden: 0 });
  const bob = await connect("bob");
  has(await bob.ask(2, writeSub("room", 2)), { code: "forbidden" });
  has(await bob.ask(3, writeAuth("ada", 3)), { code: "forbidden" });
  bob.send("{");
  await bob.next("err");
  for (let id = 10; id < 30; id++) bob.send(writeSub("room", id));
  await bob.answer(29);
  assert.equal(hub.stats.refused["bad-request"], 1);
  assert.ok(hub.stats.refused.limit >= 10, String(hub.stats.refused.limit));
  await hub.revoke({ user: "bob" });
  await bob.end();
  const eve = await connect("short");
  await goOn(clock, 2000, 250);
  await eve.end();
  assert.deepEqual(hub.stats.byes, { drain: 0, expired: 1, forbidden: 1, timeout: 0, limit: 0 });
});

test("requests that want no answer are counted when they are refused", async (t) => {
  const { hub, connect } = await startHub(t, { ...HISTORY, allow: {} });
  const ada = await connect("ada");
  ada.send(writePub("room", 1));
  await until(() => hub.stats.refused.forbidden === 1, "the refusal");
  assert.deepEqual(ada.frames, []);
});

test("gaps told, by word", async (t) => {
  const clock = new StepClock();
  const engine = new Engine(t, clock);
  const { hub, connect } = await startHub(t, { ...HISTORY, clock, broker: engine.broker });
  const ada = await connect("ada", [["room"]]);
  await ada.answer(2);
  await hub.publish("room", 1);
  const { epoch } = await hub.history("room");
  await engine.broker.renew("room", epoch);
  engine.giveBack();
  await goOn(clock, 6000, 500);
  await ada.next("gap");
  const gaps: HubStats["gaps"] = hub.stats.gaps;
  assert.deepEqual(gaps, { expired: 0, lost: 0, slow: 0, reset: 1 });
});
