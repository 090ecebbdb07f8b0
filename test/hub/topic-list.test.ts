// `hub.topics`: what is in each topic of this node, the most of something first, however many there are.

import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { firstOf } from "#hawser/hub/first-of.js";
import type { TopicSort } from "#hawser/hub/index.js";
import { PublishTimes } from "#hawser/hub/publish-times.js";
import { DurationCounter } from "#hawser/server/base/durations.js";
import { byName, everything, goOn, has, startHub } from "./harness/hub-rig.js";

const HISTORY = {
  authenticate: byName,
  allow: everything,
  defaultTopic: { history: { size: 10, ttlMs: 60_000 }, presence: true },
} as const;

test("each topic with its subscribers, members, head, counts, rate, bytes and phase", async (t) => {
  const { hub, connect, clock } = await startHub(t, HISTORY);
  assert.deepEqual(hub.topics(), { total: 0, matched: 0, topics: [] });
  // Two connections of one user are one member.
  const peers = [await connect("ada", [["room"]]), await connect("ada", [["room"]]), await connect("bob", [["quiet"]])];
  for (const peer of peers) await peer.answer(2);
  for (let n = 0; n < 6; n++) await hub.publish("room", n);
  clock.advance(2000);
  const { epoch } = await hub.history("room");
  const { total, matched, topics } = hub.topics();
  assert.deepEqual([total, matched, topics.map(({ name }) => name)], [2, 2, ["room", "quiet"]]);
  const { historyBytes, ...rest } = topics[0]!;
  assert.deepEqual(rest, {
    name: "room", subscribers: 2, members: 1, head: { epoch, offset: 6 },
    messages: 6, deliveries: 12, messagesPerSecond: 3, phase: "live",
  }); // oxfmt-ignore
  assert.equal(historyBytes, hub.stats.historyBytes);
  has(topics[1]!, { subscribers: 1, members: 1, messages: 0, messagesPerSecond: 0 });
  assert.equal(hub.topics().topics[0]!.messagesPerSecond, 3, "who looks again at once sees the same");
  await hub.publish("room", 7);
  clock.advance(500);
  assert.equal(hub.topics().topics[0]!.messagesPerSecond, 3, "a rate is of a second at least");
  clock.advance(500);
  assert.equal(hub.topics().topics[0]!.messagesPerSecond, 1);
  await goOn(clock, 2000);
  assert.equal(hub.topics().topics[0]!.messagesPerSecond, 0);
});

test("a topic without history has no head, and one without presence no members", async (t) => {
  const { hub, connect } = await startHub(t, { authenticate: byName, allow: everything });
  const ada = await connect("ada", [["room"]]);
  await ada.answer(2);
  await hub.publish("room", 1);
  const [topic] = hub.topics().topics;
  assert.deepEqual([topic!.head, topic!.members, topic!.messages, topic!.deliveries], [undefined, undefined, 1, 1]);
});

test("by what it is asked for, with equal ones by name; a part of the name finds it, and no pattern does", async (t) => {
  const { hub, connect, clock } = await startHub(t, HISTORY);
  const [ada, bob] = [await connect("ada", [["b"], ["a"], ["c"], ["Room.*"]]), await connect("bob", [["c"]])];
  await Promise.all([ada.answer(5), bob.answer(2)]);
  for (const text of ["1", "2", "3"]) await hub.publish("a", text);
  await hub.publish("b", "x".repeat(5000));
  clock.advance(1000);
  const names = (sort?: TopicSort, limit?: number): string =>
    hub.topics({ sort, limit }).topics.map(({ name }) => name).join(); // oxfmt-ignore
  assert.equal(names(), "c,Room.*,a,b");
  assert.equal(names("name"), "Room.*,a,b,c");
  assert.equal(names("messages"), "a,b,Room.*,c");
  assert.equal(names("rate"), "a,b,Room.*,c");
  assert.equal(names("history"), "b,a,Room.*,c");
  assert.equal(names("messages", 2), "a,b");
  const found = (search: string): unknown => {
    const { total, matched, topics } = hub.topics({ search });
    return [total, matched, topics.map(({ name }) => name).join()];
  };
  assert.deepEqual(found("rOOM"), [4, 1, "Room.*"]);
  assert.deepEqual(found(".*"), [4, 1, "Room.*"]);
  assert.deepEqual(found("("), [4, 0, ""]);
});

test("a hundred unless it is said otherwise, a thousand at most; what is wrong is told", async (t) => {
  const { hub, connect } = await startHub(t, {
    ...HISTORY,
    limits: { topicsPerClient: 2000, requestsPerSecond: 5000 },
  });
  const ada = await connect(
    "ada",
    Array.from({ length: 200 }, (_, n) => [`topic ${n}`] as const),
  );
  await ada.answer(201);
  has(hub.topics(), { total: 200, matched: 200 });
  assert.equal(hub.topics().topics.length, 100);
  assert.equal(hub.topics({ limit: 1000 }).topics.length, 200);
  for (const limit of [0, 1001, 1.5, Number.NaN]) assert.throws(() => hub.topics({ limit }), { name: "OptionError" });
  assert.throws(() => hub.topics({ sort: "toString" as TopicSort }), { name: "OptionError" });
  assert.throws(() => hub.topics({ search: "x".repeat(1001) }), { name: "OptionError" });
  assert.throws(() => hub.topics({ page: 1 } as object), { name: "UsageError" });
});

test("the first of many are those that sorting all of them would give, with few looks", () => {
  const order = (a: readonly [number, string], b: readonly [number, string]): number =>
    b[0] - a[0] || (a[1] < b[1] ? -1 : 1);
  const check = (numbers: readonly number[], most: number): number => {
    let looks = 0;
    const items = numbers.map((number, n) => ({ number, get name() { return looks++, `topic ${n}`; } })); // oxfmt-ignore
    const first = firstOf(items, most, ({ number }) => number);
    const looked = looks;
    const sorted = numbers.map((number, n) => [number, `topic ${n}`] as const).toSorted(order);
    assert.deepEqual(
      first.map(({ number, name }) => [number, name]),
      sorted.slice(0, most),
    );
    return looked;
  };
  fc.assert(fc.property(fc.array(fc.integer({ max: 5 })), fc.integer({ min: 1, max: 9 }), (all, most) => void check(all, most)));
  // As they come, turned around, by chance, and all equal: never anything like a sort of all, which looks at names three million times.
  const many = Array.from({ length: 100_000 }, (_, n) => n);
  for (const numbers of [many, many.toReversed(), many.map((n) => (n * 7919) % 100_003)]) {
    assert.ok(check(numbers, 50) < 20_000);
  }
  assert.ok(check(many.map(() => 1), 50) < 1_000_000);
}); // oxfmt-ignore

test("how long the engine takes, and how long a message is on its way back", () => {
  const [times, lags] = [new DurationCounter([1, 10, 100]), new DurationCounter([1, 10, 100])];
  let now = 1000;
  const publishes = new PublishTimes(times, lags, () => now);
  const message = (offset: number) =>
    ({ offset, prev: offset - 1, epoch: "e", stamp: "", bytes: new Uint8Array(), binary: false }) as const;

  let begunAt = publishes.begin();
  now += 5;
  publishes.answered(begunAt, "room", 1, 1);
  assert.deepEqual([times.counts, lags.counts], [[0, 1, 0, 0], [0, 1, 0, 0]], "it was there before the answer"); // oxfmt-ignore

  begunAt = publishes.begin();
  now += 5;
  publishes.answered(begunAt, "room", 2, 1);
  assert.equal(publishes.isWaiting, true);
  now += 45;
  publishes.came("other", message(2));
  publishes.came("room", message(1));
  assert.equal(publishes.isWaiting, true);
  publishes.came("room", message(2));
  assert.deepEqual([times.counts, lags.counts], [[0, 2, 0, 0], [0, 1, 1, 0]]); // oxfmt-ignore
  assert.equal(publishes.isWaiting, false);

  // Nobody is subscribed here, or there are no offsets: nothing comes back that could be told from another.
  publishes.answered(publishes.begin(), "room", 3, undefined);
  publishes.answered(publishes.begin(), "room", 0, 3);
  assert.equal(publishes.isWaiting, false);

  // One that never comes holds up the next for a minute, and counts with what it took.
  publishes.answered(publishes.begin(), "room", 4, 2);
  now += 61_000;
  publishes.answered(publishes.begin(), "room", 5, 2);
  assert.equal(lags.counts[3], 1);
  publishes.came("room", message(5));
  assert.equal(lags.count, 4);
});

test("in a flood of publishes a sample is timed", () => {
  const times = new DurationCounter([1]);
  let now = 1000;
  const publishes = new PublishTimes(times, times, () => now);
  const flood = (): void => {
    for (let n = 0; n < 1000; n++) publishes.answered(publishes.begin(), "room", 0, undefined);
  };
  flood();
  assert.equal(times.count, 100);
  now += 50;
  flood();
  assert.equal(times.count, 200);
});
