// What went wrong in other systems of this kind, each with where it was reported. None of it may be so here.

import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { NO_FAULTS } from "./harness/faulty-broker.js";
import { later, Listener, type Node, Rig, RULE } from "./harness/rig.js";
import { settled } from "./harness/turns.js";

test("socket.io#5282, #4733, #4880: a connection that never received anything can resume, after any silence", async () => {
  const rig = new Rig();
  const node = await rig.node();
  const a = await new Listener(node).join("t");
  await rig.pass(3_600_000);
  a.leave("t");
  await rig.publish("t", "one");
  const b = await new Listener(node).join("t", { position: a.position });
  assert.deepEqual(b.news(), ["joined 1 replay 1", "one"]);
});

test("socket.io#5419, streams-adapter#39: who resumes twice without new messages has none the second time", async () => {
  const rig = new Rig();
  const node = await rig.node();
  const a = await new Listener(node).join("t");
  await rig.publish("t", "one");
  const b = await new Listener(node).join("t", { position: a.position });
  assert.deepEqual(b.news(), ["joined 1 replay 1", "one"]);
  for (let n = 0; n < 3; n++) {
    await b.join("t", { position: b.position });
    assert.deepEqual(b.news(), ["joined 1"]);
  }
});

test("trpc#4122, graphql-ws#90, apollo-client#1639: a position stands for the same messages however often it is sent", async () => {
  const rig = new Rig();
  const node = await rig.node();
  const a = await new Listener(node).join("t");
  await rig.publish("t", "one");
  await rig.publish("t", "two");
  for (let n = 0; n < 3; n++) {
    const b = await new Listener(node).join("t", { position: later(a.position, 1) });
    assert.deepEqual(b.news(), ["joined 2 replay 1", "two"]);
  }
});

test("streams-adapter: a publisher that is faster than reads are answered is followed for as long as it goes on", async () => {
  const rig = new Rig({ rule: { size: 5_000, ttlMs: 3_600_000 } });
  const node = await rig.node();
  const a = await new Listener(node).join("t");
  // Most live messages are lost, and each read takes seconds.
  node.broker.faults = { ...NO_FAULTS, drop: 80, slow: 100 };
  const texts = Array.from({ length: 2_000 }, (_, i) => `${i}`);
  for (const [i, text] of texts.entries()) {
    await rig.publish("t", text);
    if (i % 10 === 0) await rig.pass(500);
  }
  node.broker.faults = { ...NO_FAULTS };
  await rig.pass(40_000);
  assert.deepEqual(a.news(), ["joined 0", ...texts]);
});

test("streams-adapter#32, centrifugo#1189, #766, socket.io#4845, #950, node-redis#2902, kombu#2590, SignalR#916: a node is not deaf after the engine restarted under load", async () => {
  const rig = new Rig({ rule: { size: 200, ttlMs: 3_600_000 } });
  const node = await rig.node();
  const a = await new Listener(node).join("t");
  const before = Array.from({ length: 50 }, (_, i) => `before ${i}`);
  for (const text of before) await rig.publish("t", text);
  node.broker.cut();
  await rig.pass(10_000);
  await rig.restartEngine(node);
  const after = Array.from({ length: 50 }, (_, i) => `after ${i}`);
  for (const text of after) await rig.publish("t", text);
  assert.deepEqual(a.news(), ["joined 0", ...before, "gap reset 0", ...after]);
});

test("streams-adapter#26: a connection may come back within the same turn, a thousand times", async () => {
  const rig = new Rig();
  const node = await rig.node();
  let a = await new Listener(node).join("t");
  for (let n = 0; n < 1_000; n++) {
    const { position } = a;
    a.leave("t");
    if (n % 10 === 0) await rig.publish("t", `${n}`);
    const b = new Listener(node);
    b.joinNow("t", { position });
    assert.deepEqual(
      b.news(),
      n % 10 === 0 ? [`joined ${n / 10 + 1} replay 1`, `${n}`] : [`joined ${position.offset}`],
    );
    a = b;
  }
  assert.equal(node.recovery.topics.get("t")!.clients, 1);
});

test("centrifuge-js#425: who subscribes again while it handles a message does not get this message again", async () => {
  const rig = new Rig();
  const node = await rig.node();
  const a = await new Listener(node).join("t");
  const b = await new Listener(node).join("t");
  node.onReceive = (listener, { message: { epoch, offset } }) => {
    if (listener === a) a.joinNow("t", { position: { epoch, offset } });
  };
  await rig.publish("t", "one");
  await rig.publish("t", "two");
  assert.deepEqual(a.news(), ["joined 0", "one", "joined 1", "two", "joined 2"]);
  assert.deepEqual(b.news(), ["joined 0", "one", "two"]);
});

test("centrifuge-go#160: an offset with an epoch that it is not of never resumes", async () => {
  const rig = new Rig();
  const node = await rig.node();
  const epochs: string[] = [];
  const a = await new Listener(node).join("t");
  for (let n = 0; n < 3; n++) {
    if (n > 0) await rig.restartEngine(node);
    for (let i = 0; i < 4; i++) await rig.publish("t", `${n}/${i}`);
    epochs.push(rig.engine.topic("t").epoch);
  }
  a.news();
  const property = fc.asyncProperty(
    fc.oneof(fc.constantFrom(...epochs), fc.string({ minLength: 1, maxLength: 12 })),
    fc.nat(8),
    async (epoch, offset) => {
      const b = await new Listener(node).join("t", { position: { epoch, offset } });
      const isOfIt = epoch === epochs[2] && offset <= 4;
      const replay = isOfIt && offset < 4 ? ` replay ${4 - offset}` : "";
      assert.equal(b.news()[0], isOfIt ? `joined 4${replay}` : "missed 4");
      b.leave("t");
    },
  );
  await fc.assert(property, { numRuns: 300, seed: 1 });
});

test("aspnetcore#55575: a message has the same offset on every path: live, on another node, replayed, read, binary", async () => {
  const rig = new Rig();
  const [one, other] = [await rig.node(), await rig.node()];
  const [a, b] = [await new Listener(one).join("t"), await new Listener(other).join("t")];
  other.broker.isDeaf = true;
  for (let n = 0; n < 5; n++) await rig.publish("t", `${n}`, { binary: n % 2 === 0, by: "u7" });
  other.broker.isDeaf = false;
  await rig.publish("t", "last");
  const c = await new Listener(one).join("t", { position: a.position });
  const d = await new Listener(await rig.node()).join("t", { last: 9 });
  for (const { messages } of [b, c, d]) assert.deepEqual(messages, a.messages);
  assert.deepEqual(
    a.messages.map(({ offset, binary, by }) => [offset, binary, by]),
    [0, 1, 2, 3, 4, 5].map((n) => [n + 1, n % 2 === 0 && n < 5, n < 5 ? "u7" : undefined]),
  );
});

test("ably-js#540, #105: after a resume that failed the position is the new one, and the next resume goes on from it", async () => {
  const rig = new Rig();
  const node = await rig.node();
  const a = await new Listener(node).join("t");
  await rig.publish("t", "one");
  await rig.restartEngine(node);
  await rig.publish("t", "new");
  const b = await new Listener(node).join("t", { position: later(a.position, 1) });
  assert.deepEqual(b.news(), ["missed 1"]);
  b.leave("t");
  await rig.publish("t", "newer");
  const c = await new Listener(node).join("t", { position: b.position });
  assert.deepEqual(c.news(), ["joined 2 replay 1", "newer"]);
});

test("socket.io-client#1458, #1499: what was missed comes before what is published while a client comes back", async () => {
  const rig = new Rig();
  const a = await new Listener(await rig.node()).join("t");
  await rig.publish("t", "missed");
  const node = await rig.node();
  node.broker.faults = { ...NO_FAULTS, slow: 100 };
  const b = await new Listener(node).join("t", { position: a.position });
  for (let n = 0; n < 8; n++) {
    await rig.publish("t", `${n}`);
    await rig.pass(500);
  }
  assert.deepEqual(
    b.news().filter((line) => !line.startsWith("joined")),
    ["missed", "0", "1", "2", "3", "4", "5", "6", "7"],
  );
});

test("socket.io#4734, postgres-adapter#12: what another node publishes right after the answer arrives", async () => {
  const rig = new Rig();
  const [one, other] = [await rig.node(), await rig.node()];
  const a = new Listener(one);
  const answered = new Promise<void>((resolve) => {
    one.recovery.join("t", a, {}, () => resolve());
  });
  await answered;
  await other.broker.publish("t", Buffer.from("one"), { binary: false, ...RULE });
  assert.deepEqual(a.news(), ["one"]);
});

test("phoenix#4045, rails#40229: ten thousand clients that all come back at once are one question to the engine for each topic", async () => {
  const rig = new Rig();
  const first = await rig.node();
  const topics = Array.from({ length: 10 }, (_, i) => `t${i}`);
  const a = new Listener(first);
  const positions = new Map<string, Listener["position"]>();
  for (const topic of topics) positions.set(topic, (await a.join(topic)).position);
  for (const topic of topics) for (let n = 0; n < 5; n++) await rig.publish(topic, `${n}`);
  const node = await rig.node();
  const back = await comeBack(node, topics, positions);
  assert.ok(back.every(({ log }) => log.length === 6 && log[0] === "joined 5 replay 5"));
  assert.deepEqual([node.broker.asked.subscribe, node.broker.asked.read], [1, 10]);

  await rig.restartEngine(first, node);
  for (const topic of topics) await rig.publish(topic, "new");
  const third = await rig.node();
  const late = await comeBack(third, topics, positions);
  assert.ok(late.every(({ log }) => log.join() === "missed 1"));
  assert.ok(third.broker.asked.read <= 20, `${third.broker.asked.read} reads`);
});

/** A thousand clients for each topic, a hundred in each turn of the event loop. */
async function comeBack(
  node: Node,
  topics: string[],
  positions: Map<string, Listener["position"]>,
): Promise<Listener[]> {
  const back: Listener[] = [];
  for (let n = 0; n < 10_000; n++) {
    const topic = topics[n % topics.length]!;
    const listener = new Listener(node);
    listener.joinNow(topic, { position: positions.get(topic) });
    back.push(listener);
    if (n % 100 === 99) await settled();
  }
  await settled();
  return back;
}

test("socket.io#2924, whatomate#494: a process that was held up for an hour goes on where it was", async () => {
  const rig = new Rig();
  const node = await rig.node();
  const a = await new Listener(node).join("t");
  await rig.publish("t", "one");
  node.broker.isDeaf = true;
  await rig.publish("t", "two");
  rig.clock.leap(3_000_000);
  node.broker.isDeaf = false;
  await rig.pass(40_000);
  await rig.publish("t", "three");
  assert.deepEqual(a.news(), ["joined 0", "one", "two", "three"]);
});

test("socket.io#2140, #4433, #4881, wasp#2040, frappe/helm#229: every reconnect may come to another node", async () => {
  const rig = new Rig({ rule: { size: 100, ttlMs: 3_600_000 } });
  const nodes = [await rig.node(), await rig.node(), await rig.node()];
  let a = await new Listener(nodes[0]!).join("t");
  const seen: string[] = [];
  let { position } = a;
  for (let n = 1; n <= 30; n++) {
    a.leave("t");
    await rig.publish("t", `${2 * n}`);
    a = await new Listener(nodes[n % 3]!).join("t", { position });
    await rig.publish("t", `${2 * n + 1}`);
    seen.push(...a.messages.map(({ bytes }) => Buffer.from(bytes).toString()));
    position = later(a.position, 1);
  }
  assert.deepEqual(
    seen,
    Array.from({ length: 60 }, (_, i) => `${i + 2}`),
  );
});
