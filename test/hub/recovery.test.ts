// What a topic does about each thing that can go wrong, one at a time. Everything at once: model.test.ts.

import assert from "node:assert/strict";
import { test } from "node:test";
import { QUIET_MS } from "#hawser/hub/recovery/checks.js";
import { HELD_MESSAGES } from "#hawser/hub/recovery/held.js";
import { LEAVE_GRACE_MS } from "#hawser/hub/recovery/topic.js";
import { loseNewest, NO_FAULTS } from "./harness/faulty-broker.js";
import { later, Listener, Rig } from "./harness/rig.js";
import { settled } from "./harness/turns.js";

/** The longest that a quiet topic waits until it asks for its position. */
const CHECKED_MS = QUIET_MS * 1.2 + 1_000;

test("a client has what is published from its answer on", async () => {
  const rig = new Rig();
  const a = await new Listener(await rig.node()).join("t");
  await rig.publish("t", "one");
  assert.deepEqual(a.news(), ["joined 0", "one"]);
});

test("resuming replays what was missed and joins the live messages in the same turn, without a question to the engine", async () => {
  const rig = new Rig();
  const node = await rig.node();
  const a = await new Listener(node).join("t");
  await rig.publish("t", "one");
  await rig.publish("t", "two");
  const asked = node.broker.asked.read;
  const b = new Listener(node);
  b.joinNow("t", { position: a.position });
  assert.deepEqual(b.news(), ["joined 2 replay 2", "one", "two"]);
  await rig.publish("t", "three");
  assert.deepEqual(b.news(), ["three"]);
  assert.equal(node.broker.asked.read, asked);
});

test("the first subscriber of a node resumes from what the engine has", async () => {
  const rig = new Rig();
  const a = await new Listener(await rig.node()).join("t");
  for (const text of ["one", "two", "three"]) await rig.publish("t", text);
  const b = await new Listener(await rig.node()).join("t", { position: later(a.position, 1) });
  assert.deepEqual(b.news(), ["joined 3 replay 2", "two", "three"]);
});

test("what is no longer there is missed: nothing of it follows, and the position is the new one", async () => {
  const rig = new Rig({ rule: { size: 2, ttlMs: 60_000 } });
  const node = await rig.node();
  const a = await new Listener(node).join("t");
  for (const text of ["one", "two", "three"]) await rig.publish("t", text);
  const b = await new Listener(node).join("t", { position: a.position });
  assert.deepEqual(b.news(), ["missed 3"]);
  const c = await new Listener(node).join("t", { position: later(a.position, 1) });
  assert.deepEqual(c.news(), ["joined 3 replay 2", "two", "three"]);
});

test("messages that expired are missed, one that is the newest is not", async () => {
  const rig = new Rig({ rule: { size: 10, ttlMs: 1_000 } });
  const node = await rig.node();
  const a = await new Listener(node).join("t");
  await rig.publish("t", "one");
  await rig.pass(60_000);
  const b = await new Listener(node).join("t", { position: a.position });
  assert.deepEqual(b.news(), ["missed 1"]);
  const c = await new Listener(node).join("t", { position: b.position });
  assert.deepEqual(c.news(), ["joined 1"]);
});

test("a node that began at the newest message asks once for older ones, however many clients want them", async () => {
  const rig = new Rig();
  const a = await new Listener(await rig.node()).join("t");
  for (const text of ["one", "two", "three"]) await rig.publish("t", text);
  const node = await rig.node();
  await new Listener(node).join("t");
  const asked = node.broker.asked.read;
  const more = Array.from({ length: 100 }, () => new Listener(node));
  for (const listener of more) listener.joinNow("t", { position: a.position });
  await settled();
  for (const listener of more) assert.deepEqual(listener.news(), ["joined 3 replay 3", "one", "two", "three"]);
  assert.equal(node.broker.asked.read, asked + 1);
});

test("a rewind has the newest so many, or as many as there are", async () => {
  const rig = new Rig();
  for (const text of ["one", "two", "three"]) await rig.publish("t", text);
  const node = await rig.node();
  assert.deepEqual((await new Listener(node).join("t", { last: 2 })).news(), ["joined 3 replay 2", "two", "three"]);
  assert.deepEqual((await new Listener(node).join("t", { last: 9 })).news(), [
    "joined 3 replay 3",
    "one",
    "two",
    "three",
  ]);
  assert.deepEqual((await new Listener(node).join("t", { last: 0 })).news(), ["joined 3"]);
});

test("a topic without history has no positions, and its messages come live", async () => {
  const rig = new Rig({ rule: null });
  const a = await new Listener(await rig.node()).join("t", { last: 3 });
  await rig.publish("t", "one");
  assert.deepEqual(a.news(), ["joined without history", "one"]);
});

test("a message that was lost on the way is read, and nobody notices", async () => {
  const rig = new Rig();
  const node = await rig.node();
  const a = await new Listener(node).join("t");
  node.broker.isDeaf = true;
  await rig.publish("t", "one");
  node.broker.isDeaf = false;
  await rig.publish("t", "two");
  assert.deepEqual(a.news(), ["joined 0", "one", "two"]);
  assert.equal(node.recovery.counts.repaired, 2);
});

test("messages that come twice or in another order are delivered once, in order", async () => {
  const rig = new Rig({ rule: { size: 100, ttlMs: 60_000 } });
  const node = await rig.node();
  const a = await new Listener(node).join("t");
  node.broker.faults = { ...NO_FAULTS, double: 50, delay: 50 };
  const texts = Array.from({ length: 100 }, (_, i) => `${i}`);
  for (const text of texts) await rig.publish("t", text);
  await rig.pass(5_000);
  assert.deepEqual(a.news(), ["joined 0", ...texts]);
});

test("where more is lost than the engine keeps, a gap is told to all, and what is kept follows", async () => {
  const rig = new Rig({ rule: { size: 1, ttlMs: 60_000 } });
  const node = await rig.node();
  const [a, b] = [await new Listener(node).join("t"), await new Listener(node).join("t")];
  node.broker.isDeaf = true;
  await rig.publish("t", "one");
  await rig.publish("t", "two");
  node.broker.isDeaf = false;
  await rig.publish("t", "three");
  for (const listener of [a, b]) assert.deepEqual(listener.news(), ["joined 0", "gap expired 2", "three"]);
  assert.equal(node.recovery.counts.gaps.expired, 1);
});

test("what cannot be read is told as lost, and what came live goes on", async () => {
  const rig = new Rig();
  const node = await rig.node();
  const a = await new Listener(node).join("t");
  node.broker.isDeaf = true;
  await rig.publish("t", "one");
  node.broker.isDeaf = false;
  node.broker.faults = { ...NO_FAULTS, fail: 100 };
  await rig.publish("t", "two");
  await rig.publish("t", "three");
  assert.deepEqual(a.news(), ["joined 0"]);
  await rig.pass(1_000);
  assert.deepEqual(a.news(), ["gap lost 1", "two", "three"]);
});

test("a message that seems to be the next one proves nothing while the position cannot be confirmed", async () => {
  const rig = new Rig();
  const node = await rig.node();
  const a = await new Listener(node).join("t");
  for (const text of ["one", "two"]) await rig.publish("t", text);
  node.broker.cut();
  loseNewest(rig.engine, "t", 1);
  await rig.publish("t", "two again");
  await node.broker.restore();
  node.broker.faults = { ...NO_FAULTS, fail: 100 };
  await rig.publish("t", "three");
  await rig.pass(1_000);
  assert.deepEqual(a.news(), ["joined 0", "one", "two", "gap lost 2", "three"]);
});

test("an engine that does not answer is asked again after a pause, and then less and less often", async () => {
  const rig = new Rig();
  const node = await rig.node();
  await new Listener(node).join("t");
  node.broker.isDeaf = true;
  await rig.publish("t", "one");
  node.broker.isDeaf = false;
  node.broker.cut();
  const { read, heads } = node.broker.asked;
  await new Listener(node).join("t");
  await rig.pass(10_000);
  const asked = node.broker.asked.read + node.broker.asked.heads - read - heads;
  assert.ok(asked > 3 && asked < 15, `${asked} questions`);
});

test("a node that hears nothing finds what it missed within the time of a check", async () => {
  const rig = new Rig();
  const node = await rig.node();
  const a = await new Listener(node).join("t");
  node.broker.isDeaf = true;
  await rig.publish("t", "one");
  await rig.pass(CHECKED_MS);
  assert.deepEqual(a.news(), ["joined 0", "one"]);
});

test("quiet topics are checked together, and busy ones not at all", async () => {
  const rig = new Rig();
  const node = await rig.node();
  const a = new Listener(node);
  for (let i = 0; i < 1_000; i++) a.joinNow(`quiet ${i}`);
  await new Listener(node).join("busy");
  assert.equal(node.broker.asked.subscribe, 3, "subscriptions of one turn go together, 500 at a time");
  for (let i = 0; i < 10; i++) {
    await rig.pass(CHECKED_MS / 10);
    await rig.publish("busy", "one");
  }
  // A turn of the wheel each: 12 seconds of them, and a second round for the first.
  assert.ok(node.broker.asked.heads < 350, `${node.broker.asked.heads} questions`);
  assert.equal([...node.recovery.topics.values()].filter(({ phase }) => phase === "live").length, 1_001);
});

test("after a new connection a message that comes is held until the position is confirmed", async () => {
  const rig = new Rig();
  const node = await rig.node();
  const a = await new Listener(node).join("t");
  await rig.publish("t", "one");
  node.broker.cut();
  await rig.publish("t", "two");
  await node.broker.restore();
  await rig.publish("t", "three");
  assert.deepEqual(a.news(), ["joined 0", "one", "two", "three"]);
});

test("an engine that restarts with nothing begins a new epoch: all are told, and what is new follows", async () => {
  const rig = new Rig();
  const node = await rig.node();
  const a = await new Listener(node).join("t");
  for (const text of ["one", "two", "three"]) await rig.publish("t", text);
  await rig.restartEngine(node);
  await rig.publish("t", "new");
  assert.deepEqual(a.news(), ["joined 0", "one", "two", "three", "gap reset 0", "new"]);
});

test("an engine that restarts with nothing and stays quiet is noticed within seconds", async () => {
  const rig = new Rig();
  const node = await rig.node();
  const a = await new Listener(node).join("t");
  await rig.publish("t", "one");
  await rig.restartEngine(node);
  await rig.pass(6_000);
  assert.deepEqual(a.news(), ["joined 0", "one", "gap reset 0"]);
});

test("a late message of an epoch that ended changes nothing", async () => {
  const rig = new Rig();
  const node = await rig.node();
  const a = await new Listener(node).join("t");
  await rig.publish("t", "one");
  const [old] = a.messages;
  await rig.restartEngine(node);
  await rig.publish("t", "new");
  a.news();
  node.recovery.events.message("t", { ...old!, offset: 2, prev: 1, stamp: "late" });
  await rig.pass(1_000);
  await rig.publish("t", "newer");
  assert.deepEqual(a.news(), ["newer"]);
});

test("SignalR#3091, nats-server#8368: an engine that went back is noticed by the stamp, and what it has instead is delivered after the gap", async () => {
  const rig = new Rig();
  const node = await rig.node();
  const a = await new Listener(node).join("t");
  for (const text of ["one", "two", "three"]) await rig.publish("t", text);
  node.broker.cut();
  loseNewest(rig.engine, "t", 2);
  await node.broker.restore();
  await rig.publish("t", "two again");
  await rig.publish("t", "three again");
  assert.deepEqual(a.news(), ["joined 0", "one", "two", "three", "gap reset 1", "two again", "three again"]);
  const b = await new Listener(node).join("t", { position: later(a.position, 3) });
  assert.deepEqual(b.news(), ["missed 3"], "a position of the old epoch means nothing any longer");
});

test("an engine that went back, and has grown past where it was before anybody asks, is noticed", async () => {
  const rig = new Rig();
  const node = await rig.node();
  const a = await new Listener(node).join("t");
  for (const text of ["one", "two"]) await rig.publish("t", text);
  node.broker.cut();
  loseNewest(rig.engine, "t", 1);
  for (const text of ["two again", "three", "four"]) await rig.publish("t", text);
  await node.broker.restore();
  await rig.pass(6_000);
  assert.deepEqual(a.news(), ["joined 0", "one", "two", "gap reset 1", "two again", "three", "four"]);
});

test("an engine that went back is noticed though not one message follows", async () => {
  const rig = new Rig();
  const [node, other] = [await rig.node(), await rig.node()];
  const [a, b] = [await new Listener(node).join("t"), await new Listener(other).join("t")];
  for (const text of ["one", "two"]) await rig.publish("t", text);
  for (const { broker } of [node, other]) broker.cut();
  loseNewest(rig.engine, "t", 1);
  for (const { broker } of [node, other]) await broker.restore();
  await rig.pass(6_000);
  for (const listener of [a, b]) assert.deepEqual(listener.news(), ["joined 0", "one", "two", "gap reset 1"]);
  await rig.publish("t", "three");
  for (const listener of [a, b]) assert.deepEqual(listener.news(), ["three"], "both nodes agree on the new epoch");
});

test("what the engine acknowledged and lost again, before any node heard of it, is told as a gap", async () => {
  const rig = new Rig();
  const node = await rig.node();
  const a = await new Listener(node).join("t");
  await rig.publish("t", "one");
  node.broker.isDeaf = true;
  node.recovery.acknowledged("t", await rig.publish("t", "two"));
  node.broker.cut();
  loseNewest(rig.engine, "t", 1);
  node.broker.isDeaf = false;
  await node.broker.restore();
  await rig.pass(6_000);
  assert.deepEqual(a.news(), ["joined 0", "one", "gap reset 1"]);
  node.recovery.acknowledged("t", await rig.publish("t", "two again"));
  await rig.pass(60_000);
  assert.deepEqual(a.news(), ["two again"]);
});

for (const isFollowedUp of [false, true]) {
  const since = isFollowedUp ? ", though more was published since" : "";
  test(`what was acknowledged to a node where nobody follows the topic, and lost, is told by the others${since}`, async () => {
    const rig = new Rig();
    const [publisher, other] = [await rig.node(), await rig.node()];
    const a = await new Listener(other).join("t");
    await rig.publish("t", "one");
    other.broker.isDeaf = true;
    publisher.recovery.acknowledged("t", await rig.publish("t", "two"));
    for (const { broker } of [publisher, other]) broker.cut();
    loseNewest(rig.engine, "t", 1);
    if (isFollowedUp) {
      // An engine that gives no offset away twice: what follows has 3, names 1 before it, and nothing is at 2.
      const topic = rig.engine.topic("t");
      await rig.publish("t", "three");
      topic.top.offset = 3;
      topic.kept.at(-1)!.message = { ...topic.kept.at(-1)!.message, offset: 3, prev: 1 };
      const read = publisher.broker.read.bind(publisher.broker);
      publisher.broker.read = async (name, options) => ({
        ...(await read(name, options)),
        diverged: options.after?.offset === 2,
      });
    }
    other.broker.isDeaf = false;
    for (const { broker } of [publisher, other]) await broker.restore();
    await rig.pass(40_000);
    const news = a.news().filter((line) => line !== "three");
    assert.deepEqual(news, ["joined 0", "one", "gap reset 1"]);
  });
}

test("what was acknowledged to a node where nobody follows the topic, and is there, resets nobody", async () => {
  const rig = new Rig();
  const [publisher, other] = [await rig.node(), await rig.node()];
  const a = await new Listener(other).join("t");
  publisher.recovery.acknowledged("t", await rig.publish("t", "one"));
  await rig.publish("t", "two");
  publisher.recovery.acknowledged("gone", await rig.publish("gone", "two"));
  for (const { broker } of [publisher, other]) broker.cut();
  for (const { broker } of [publisher, other]) await broker.restore();
  await rig.pass(40_000);
  assert.deepEqual(a.news(), ["joined 0", "one", "two"]);
});

test("what was acknowledged and lost is told as a gap though more was acknowledged since, and has come", async () => {
  const rig = new Rig();
  const node = await rig.node();
  const a = await new Listener(node).join("t");
  await rig.publish("t", "one");
  node.broker.isDeaf = true;
  node.recovery.acknowledged("t", await rig.publish("t", "two"));
  node.broker.cut();
  loseNewest(rig.engine, "t", 1);
  // An engine that gives no offset away twice: what follows has 3, and names 1 before it.
  const topic = rig.engine.topic("t");
  node.recovery.acknowledged("t", { ...(await rig.publish("t", "three")), offset: 3 });
  topic.top.offset = 3;
  topic.kept.at(-1)!.message = { ...topic.kept.at(-1)!.message, offset: 3, prev: 1 };
  node.broker.isDeaf = false;
  await node.broker.restore();
  await rig.pass(6_000);
  assert.deepEqual(a.news(), ["joined 0", "one", "gap reset 1", "three"]);
});

test("where the engine cannot be asked, what it acknowledged and left out of what came is told as a gap of its own", async () => {
  const rig = new Rig();
  const node = await rig.node();
  const a = await new Listener(node).join("t");
  await rig.publish("t", "one");
  const { message } = rig.engine.topic("t").kept[0]!;
  const come = (offset: number, prev: number): void => {
    const bytes = Buffer.from(`at ${offset}`);
    node.recovery.events.message("t", { ...message, offset, prev, stamp: `stamp ${offset}`, bytes });
  };
  node.broker.faults = { ...NO_FAULTS, fail: 100 };
  node.recovery.acknowledged("t", { epoch: message.epoch, offset: 6 });
  for (const [offset, prev] of [
    [4, 3],
    [5, 4],
    [7, 5],
  ] as const)
    come(offset, prev);
  await rig.pass(1_000);
  assert.deepEqual(a.news(), ["joined 0", "one", "gap lost 3", "at 4", "at 5", "gap lost 5", "at 7"]);
});

test("a node that hears nothing of what it publishes without a pause asks within seconds", async () => {
  const rig = new Rig();
  const node = await rig.node();
  const a = await new Listener(node).join("t");
  node.broker.isDeaf = true;
  for (let publishes = 0; publishes < 1200; publishes++) {
    node.recovery.acknowledged("t", await rig.publish("t", "more"));
    await rig.pass(5);
  }
  assert.ok(a.news().includes("more"));
});

test("an engine that went back is noticed by its newest offset, if it cannot tell otherwise", async () => {
  const rig = new Rig();
  const node = await rig.node();
  node.broker.isVague = true;
  const a = await new Listener(node).join("t");
  for (const text of ["one", "two"]) await rig.publish("t", text);
  node.broker.cut();
  loseNewest(rig.engine, "t", 1);
  await node.broker.restore();
  await rig.pass(6_000);
  assert.deepEqual(a.news(), ["joined 0", "one", "two", "gap reset 1"]);
});

test("a message that comes again is no reason to ask the engine", async () => {
  const rig = new Rig();
  const node = await rig.node();
  const a = await new Listener(node).join("t");
  node.broker.faults = { ...NO_FAULTS, double: 100 };
  const { read } = node.broker.asked;
  for (const text of ["one", "two", "three"]) await rig.publish("t", text);
  await rig.pass(3_000);
  assert.deepEqual(a.news(), ["joined 0", "one", "two", "three"]);
  assert.equal(node.broker.asked.read, read);
});

test("an engine that went back is noticed by a message with another stamp, though nobody says that the connection is a new one", async () => {
  const rig = new Rig();
  const node = await rig.node();
  const a = await new Listener(node).join("t");
  for (const text of ["one", "two", "three"]) await rig.publish("t", text);
  loseNewest(rig.engine, "t", 2);
  await rig.publish("t", "two again");
  assert.deepEqual(a.news(), ["joined 0", "one", "two", "three", "gap reset 1", "two again"]);
});

test("an answer that was under way when the connection was lost is not the last word", async () => {
  const rig = new Rig();
  const node = await rig.node();
  const a = await new Listener(node).join("t");
  await rig.publish("t", "one");
  node.broker.isDeaf = true;
  await rig.publish("t", "two");
  node.broker.isDeaf = false;
  node.broker.faults = { ...NO_FAULTS, slow: 100 };
  await rig.publish("t", "three");
  node.broker.cut();
  loseNewest(rig.engine, "t", 2);
  for (const text of ["two again", "three again"]) await rig.publish("t", text);
  // Whether that says at once that all is in place, or in half a second: the answer takes longer.
  await node.broker.restore();
  await rig.publish("t", "four");
  await rig.pass(10_000);
  const news = ["joined 0", "one", "two", "three", "gap reset 1", "two again", "three again", "four"];
  assert.deepEqual(a.news(), news);
});

test("a client that comes from another node is not given what this one is not certain of", async () => {
  const rig = new Rig();
  const [one, other] = [await rig.node(), await rig.node()];
  const [a, b] = [await new Listener(one).join("t"), await new Listener(other).join("t")];
  for (const text of ["one", "two"]) await rig.publish("t", text);
  other.broker.isDeaf = true;
  for (const text of ["three", "four", "five"]) await rig.publish("t", text);
  for (const { broker } of [one, other]) broker.cut();
  loseNewest(rig.engine, "t", 3);
  await other.broker.restore();
  other.broker.isDeaf = false;
  await rig.publish("t", "three again");
  assert.deepEqual(b.news(), ["joined 0", "one", "two", "three again"]);
  const c = await new Listener(one).join("t", { position: later(b.position, 3) });
  assert.deepEqual(c.news(), []);
  await one.broker.restore();
  await rig.pass(10_000);
  assert.deepEqual(c.news(), ["missed 3"]);
  assert.deepEqual(a.news().slice(-2), ["gap reset 2", "three again"]);
});

test("an engine that comes back from a backup with an epoch that ended gets another one", async () => {
  const rig = new Rig();
  const node = await rig.node();
  const a = await new Listener(node).join("t");
  await rig.publish("t", "one");
  const topic = rig.engine.topic("t");
  const { epoch, top, kept } = topic;
  await rig.publish("t", "two");
  node.broker.cut();
  topic.renew();
  await node.broker.restore();
  await rig.publish("t", "three");
  node.broker.cut();
  Object.assign(topic, { epoch, top, kept: kept.slice(0, 1) });
  await node.broker.restore();
  await rig.publish("t", "two again");
  assert.deepEqual(a.news(), ["joined 0", "one", "two", "gap reset 2", "three", "gap reset 1", "two again"]);
  assert.notEqual(topic.epoch, epoch);
});

test("a client without room stays where it is, and has everything once it has room again", async () => {
  const rig = new Rig();
  const node = await rig.node();
  const a = await new Listener(node).join("t");
  a.room = 1;
  for (const text of ["one", "two", "three"]) await rig.publish("t", text);
  assert.deepEqual(a.news(), ["joined 0", "one"]);
  a.drain();
  assert.deepEqual(a.news(), ["two", "three"]);
  await rig.publish("t", "four");
  assert.deepEqual(a.news(), ["four"]);
});

test("a client that has no room for longer than messages are kept is told of a gap, and has those that still are", async () => {
  const rig = new Rig({ rule: { size: 2, ttlMs: 60_000 } });
  const a = await new Listener(await rig.node()).join("t");
  a.room = 0;
  for (const text of ["one", "two", "three"]) await rig.publish("t", text);
  a.drain();
  await rig.publish("t", "four");
  assert.deepEqual(a.news(), ["joined 0", "gap slow 1", "two", "three", "four"]);
});

test("a client that has no room for a gap is told once it has", async () => {
  const rig = new Rig();
  const node = await rig.node();
  const a = await new Listener(node).join("t");
  await rig.publish("t", "one");
  a.room = 0;
  await rig.restartEngine(node);
  await rig.publish("t", "new");
  a.drain();
  await rig.publish("t", "newer");
  assert.deepEqual(a.news(), ["joined 0", "one", "gap reset 1", "newer"]);
});

test("a replay stops where there is no room, and goes on from there", async () => {
  const rig = new Rig();
  for (const text of ["one", "two", "three"]) await rig.publish("t", text);
  const a = new Listener(await rig.node());
  a.room = 2;
  await a.join("t", { last: 3 });
  assert.deepEqual(a.news(), ["joined 3 replay 3", "one", "two"]);
  await rig.publish("t", "four");
  a.drain();
  assert.deepEqual(a.news(), ["three", "four"]);
});

test("a client that leaves in the middle of its replay is sent nothing more", async () => {
  const rig = new Rig();
  for (const text of ["one", "two", "three"]) await rig.publish("t", text);
  const node = await rig.node();
  const a = new Listener(node);
  node.onReceive = () => a.leave("t");
  await a.join("t", { last: 3 });
  node.onReceive = undefined;
  await rig.publish("t", "four");
  assert.deepEqual(a.news(), ["joined 3 replay 3", "one"]);
  assert.equal(node.recovery.topics.get("t")!.clients, 0);
});

test("a topic is left some time after its last client, and a client that is back before costs nothing", async () => {
  const rig = new Rig();
  const node = await rig.node();
  const a = await new Listener(node).join("t");
  a.leave("t");
  await rig.pass(LEAVE_GRACE_MS - 1_000);
  await rig.publish("t", "one");
  const { subscribe, read } = node.broker.asked;
  await a.join("t", { position: a.position });
  assert.deepEqual(a.news(), ["joined 0", "joined 1 replay 1", "one"]);
  assert.deepEqual({ ...node.broker.asked }, { ...node.broker.asked, subscribe, read });
  a.leave("t");
  await rig.pass(LEAVE_GRACE_MS + 1_000);
  assert.equal(node.recovery.topics.size, 0);
  assert.equal(node.recovery.bytes, 0);
  await a.join("t", { position: a.position });
  await rig.publish("t", "two");
  assert.deepEqual(a.news(), ["joined 1", "two"]);
});

test("where the engine cannot be asked a subscription is refused after a few attempts, and the next one may succeed", async () => {
  const rig = new Rig();
  const node = await rig.node();
  node.broker.cut();
  const a = await new Listener(node).join("t");
  await rig.pass(1_000);
  assert.deepEqual(a.news(), ["unavailable"]);
  await node.broker.restore();
  await rig.pass(6_000);
  await a.join("t");
  assert.deepEqual(a.news(), ["joined 0"]);
});

test("a subscription that is given up before its answer has none", async () => {
  const rig = new Rig();
  const a = new Listener(await rig.node());
  a.joinNow("t");
  a.leave("t");
  await settled();
  await rig.publish("t", "one");
  assert.deepEqual(a.news(), []);
});

test("more messages than can be held back are read instead", async () => {
  const rig = new Rig({ rule: { size: 2 * HELD_MESSAGES, ttlMs: 60_000 } });
  const node = await rig.node();
  const a = await new Listener(node).join("t");
  node.broker.isDeaf = true;
  await rig.publish("t", "-1");
  node.broker.isDeaf = false;
  node.broker.faults = { ...NO_FAULTS, slow: 100 };
  const texts = Array.from({ length: HELD_MESSAGES + 1 }, (_, i) => `${i}`);
  for (const text of texts) await rig.publish("t", text);
  await rig.pass(10_000);
  assert.deepEqual(a.news(), ["joined 0", "-1", ...texts]);
});

test("a position that nobody can have holds up nobody else", async () => {
  const rig = new Rig();
  const node = await rig.node();
  const a = await new Listener(node).join("t");
  node.broker.faults = { ...NO_FAULTS, slow: 100 };
  const forged = await new Listener(node).join("t", { position: later(a.position, 1_000_000) });
  await rig.publish("t", "one");
  assert.deepEqual(a.news(), ["joined 0", "one"]);
  await rig.pass(5_000);
  assert.deepEqual(forged.news(), ["missed 1"]);
});

test("what is kept for replays stays within its bound, and the busy topic pays for itself", async () => {
  const rig = new Rig({ rule: { size: 1000, ttlMs: 60_000 }, bytes: 20_000 });
  const node = await rig.node();
  const a = new Listener(node);
  for (const topic of ["quiet", "busy"]) await a.join(topic);
  for (let i = 0; i < 10; i++) await rig.publish("quiet", `${i}`);
  for (let i = 0; i < 500; i++) {
    await rig.publish("busy", `${i}`);
    assert.ok(node.recovery.bytes <= 20_000);
  }
  const asked = node.broker.asked.read;
  const b = await new Listener(node).join("quiet", { last: 10 });
  assert.equal(b.news().length, 11);
  assert.equal(node.broker.asked.read, asked, "the quiet topic still has its messages");
});

test("what is held back stays within the same bound, and is read where it did not", async () => {
  const rig = new Rig({ rule: { size: 1000, ttlMs: 60_000 }, bytes: 20_000 });
  const node = await rig.node();
  const topics = Array.from({ length: 10 }, (_, i) => `t${i}`);
  const a = new Listener(node);
  for (const topic of topics) await a.join(topic);
  a.news();
  node.broker.isDeaf = true;
  for (const topic of topics) await rig.publish(topic, `${topic} lost`);
  node.broker.isDeaf = false;
  node.broker.faults = { ...NO_FAULTS, slow: 100 };
  const texts: string[] = topics.map((topic) => `${topic} lost`);
  for (let n = 0; n < 20; n++) {
    for (const topic of topics) {
      texts.push(`${topic} ${n}`);
      await rig.publish(topic, `${topic} ${n}`);
      assert.ok(node.recovery.bytes <= 20_000);
    }
  }
  await rig.pass(15_000);
  for (const topic of topics) {
    const ofIt = (text: string): boolean => text.startsWith(topic);
    assert.deepEqual(a.log.filter(ofIt), texts.filter(ofIt));
  }
});

test("a node that is stopped does nothing with what the broker still says", async () => {
  const rig = new Rig();
  const node = await rig.node();
  const a = new Listener(node);
  a.joinNow("t");
  node.recovery.stop();
  await rig.pass(CHECKED_MS);
  await rig.publish("t", "one");
  assert.deepEqual(a.news(), []);
  assert.equal(node.recovery.topics.size, 0);
});
