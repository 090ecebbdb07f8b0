// The broker in this process's memory: what holds for every broker, and what it may grow to.

import assert from "node:assert/strict";
import { test } from "node:test";
import { BrokerError } from "#hawser/hub/brokers/broker.js";
import { MemoryBroker } from "#hawser/hub/brokers/memory.js";
import { MemoryEngine } from "#hawser/hub/brokers/memory-engine.js";
import { Random } from "../../harness/random.js";
import { StepClock } from "../../harness/step-clock.js";
import { brokerContract } from "../broker-contract.js";
import { FaultyBroker } from "../harness/faulty-broker.js";
import { pass } from "../harness/turns.js";

const NOBODY = { message: () => {}, told: () => {}, state: () => {} };
const HISTORY = { binary: false, size: 100, ttlMs: 60_000 };

for (const isDouble of [false, true]) {
  brokerContract(isDouble ? "of the tests, without a fault" : "in memory", async () => {
    const clock = new StepClock();
    const engine = new MemoryEngine(clock, { topicBytes: 2 ** 26, bytes: 2 ** 27 });
    return {
      keyWindowMs: 300_000,
      broker: (node) => {
        const broker = new MemoryBroker(engine, node);
        return isDouble ? new FaultyBroker(broker, new Random(1), clock) : broker;
      },
      pass: (ms) => pass(clock, ms, 60_000),
      close: async () => assert.equal(clock.timers, 0, "a timer is left"),
    };
  });
}

test("the history of one topic stays within its bytes, whatever the size that a publish asks for", () => {
  const engine = new MemoryEngine(new StepClock(), { topicBytes: 10_000 });
  for (let n = 0; n < 1_000; n++) {
    engine.publish("t", Buffer.alloc(n % 300), { ...HISTORY, size: 1e9 });
    assert.ok(engine.topic("t").bytes <= 10_000);
  }
  engine.publish("t", Buffer.alloc(20_000), HISTORY);
  assert.equal(engine.topic("t").kept.length, 0, "a message that is larger than all of it is not kept");
  assert.equal(engine.topic("t").top.offset, 1_001);
});

test("all histories together stay within theirs, and a quiet topic keeps what is less than its share", () => {
  const engine = new MemoryEngine(new StepClock(), { bytes: 100_000 });
  for (let n = 0; n < 10; n++) engine.publish("quiet", Buffer.alloc(100), HISTORY);
  for (let n = 0; n < 10_000; n++) {
    engine.publish(`busy ${n % 3}`, Buffer.alloc(500), { ...HISTORY, size: 1e6 });
    assert.ok(engine.bytes <= 100_000);
  }
  assert.equal(engine.topic("quiet").kept.length, 10);
  assert.ok(engine.bytes > 90_000);
});

test("keys are bounded by number and time, and count as memory", () => {
  const clock = new StepClock();
  const engine = new MemoryEngine(clock, { topicKeys: 100 });
  const publish = (key: string) => engine.publish("t", Buffer.from(key), { ...HISTORY, size: 0, key });
  for (let n = 0; n < 1_000; n++) publish(`k${n}`);
  const full = engine.bytes;
  assert.equal(publish("k950").duplicate, true);
  assert.equal(publish("k800").duplicate, false, "the oldest are forgotten");
  assert.equal(engine.bytes, full);
  clock.advance(300_000);
  publish("new");
  assert.ok(engine.bytes < full / 50);
});

test("what expired is given back though nobody asks for it, once a broker is there to do it", async () => {
  const clock = new StepClock();
  const engine = new MemoryEngine(clock);
  const broker = new MemoryBroker(engine);
  await broker.start(NOBODY);
  for (let n = 0; n < 2_500; n++) engine.publish(`t${n}`, Buffer.from("x"), { ...HISTORY, ttlMs: 1_000, key: "k" });
  assert.ok(engine.bytes > 500_000);
  clock.advance(310_000);
  assert.equal(engine.bytes, 0);
  await broker.close();
  assert.equal(clock.timers, 0);
});

test("there are so many topics at most: one that nobody needs makes room, and where all are needed a new one is refused", async () => {
  const clock = new StepClock();
  const engine = new MemoryEngine(clock, { topics: 20 });
  const broker = new MemoryBroker(engine);
  await broker.start(NOBODY);
  const publish = (topic: string) => broker.publish(topic, Buffer.from("x"), { ...HISTORY, ttlMs: 1_000 });
  await broker.subscribe(["followed"]);
  const { epoch } = await publish("followed");
  for (let n = 0; n < 19; n++) await publish(`t${n}`);
  await assert.rejects(publish("one more"), (error) => error instanceof BrokerError && error.fault === "limit");
  clock.advance(2_000);
  for (let n = 0; n < 100; n++) {
    await publish(`u${n}`);
    clock.advance(2_000);
  }
  assert.equal(engine.topics.size, 20);
  assert.equal((await publish("followed")).epoch, epoch, "a topic that somebody follows is never forgotten");
  const again = await publish("t0");
  assert.equal(again.offset, 1, "one that was forgotten begins anew");
  await broker.close();
});

test("what is published from inside of a delivery comes after it, for everybody", async () => {
  const engine = new MemoryEngine(new StepClock());
  const seen: string[][] = [[], []];
  const publish = (text: string) => engine.publish("t", Buffer.from(text), HISTORY);
  engine.subscribe("t", {
    ...NOBODY,
    message: (_topic, { bytes }) => {
      seen[0]!.push(Buffer.from(bytes).toString());
      if (seen[0]!.length === 1) publish("two");
    },
  });
  engine.subscribe("t", {
    ...NOBODY,
    message: (_topic, { bytes }) => void seen[1]!.push(Buffer.from(bytes).toString()),
  });
  publish("one");
  assert.deepEqual(seen, [
    ["one", "two"],
    ["one", "two"],
  ]);
});
