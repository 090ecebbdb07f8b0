/** Which topics a node still asks for after another connection, of those that it published to and nobody there follows. */

import assert from "node:assert/strict";
import test from "node:test";
import type { Broker } from "#hawser/hub/brokers/broker.js";
import { LatelyPublished } from "#hawser/hub/recovery/lately-published.js";

const MINUTE_MS = 60_000;

/** Topics that are asked for, with the offset that the engine is held against: it says that it has nothing at all. */
async function askedFor(lately: LatelyPublished, now: number): Promise<string[]> {
  const asked: string[] = [];
  const renewed: string[] = [];
  const broker = {
    heads: async (topics: readonly string[]) => {
      asked.push(...topics);
      return new Map(topics.map((topic) => [topic, { epoch: "e", offset: 0 }]));
    },
    renew: async (topic: string) => {
      renewed.push(topic);
      return { epoch: "f", offset: 0 };
    },
  } as unknown as Broker;
  await lately.check(broker, now);
  assert.deepEqual(renewed, asked, "each was lost");
  return asked.toSorted();
}

function published(lately: LatelyPublished, topic: string, at: number): void {
  lately.add(topic, { epoch: "e", offset: at + 1, stamp: "s" }, at);
}

test("a topic is remembered for a minute after its newest message, however often it was published to", async () => {
  const lately = new LatelyPublished();
  published(lately, "once", 0);
  for (let at = 0; at <= 50_000; at += 10_000) published(lately, "often", at);
  assert.deepEqual(await askedFor(lately, MINUTE_MS - 1), ["often", "once"]);
  assert.deepEqual(await askedFor(lately, MINUTE_MS), ["often"]);
  assert.deepEqual(await askedFor(lately, MINUTE_MS + 49_999), ["often"]);
  assert.deepEqual(await askedFor(lately, MINUTE_MS + 50_000), []);
});

test("of ten thousand topics and one more, one that was published to since its turn came stays", async () => {
  const lately = new LatelyPublished();
  published(lately, "busy", 0);
  for (let at = 1; at < 10_000; at++) published(lately, `quiet:${at}`, at);
  published(lately, "busy", 10_000);
  published(lately, "new", 10_001);
  const asked = new Set(await askedFor(lately, 10_002));
  assert.equal(asked.size, 10_000);
  assert.equal(asked.has("busy"), true);
  assert.equal(asked.has("new"), true);
  assert.equal(asked.has("quiet:1"), false, "the one that was published to longest ago");
});

test("when all were published to again, there are no more of them", async () => {
  const lately = new LatelyPublished();
  for (let again = 0; again < 2; again++)
    for (let at = 0; at < 10_000; at++) published(lately, `t:${at}`, at + again * 10_000);
  for (let at = 0; at < 10; at++) published(lately, `new:${at}`, 20_000 + at);
  const asked = new Set(await askedFor(lately, 20_010));
  assert.equal(asked.size, 10_000);
  for (let at = 0; at < 10; at++) {
    assert.equal(asked.has(`new:${at}`), true);
    assert.equal(asked.has(`t:${at}`), false);
  }
});
