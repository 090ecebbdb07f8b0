// Subscribing, publishing, coming back: clients of hawser.v1 on real sockets.

import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { contract } from "@hawser/wire";
import {
  writeBack,
  writeBinaryPub,
  writeHello,
  writePub,
  writeSub,
  writeSubLast,
  writeUnsub,
} from "@hawser/wire/client";
import { until } from "../harness/concurrency.js";
import { turns } from "../harness/rig.js";
import { byName, everything, has, startHub } from "./harness/hub-rig.js";

const HISTORY = {
  defaultTopic: { history: { size: 5, ttlMs: 60_000 } },
  authenticate: byName,
  allow: everything,
} as const;

test("what is published reaches every subscriber, the publisher included, with one offset", async (t) => {
  const { connect, hub } = await startHub(t, HISTORY);
  const [ada, bob] = [await connect("ada"), await connect("bob")];
  const joined = await ada.ask(2, writeSub("room:42", 2));
  assert.equal(joined.verb === "ok" && joined.o, 0);
  await bob.ask(2, writeSub("room:42", 2));
  ada.send(writePub("room:42", { text: "hi" }, 3));
  for (const peer of [ada, bob]) {
    const { o, by, d } = await peer.next("pub");
    assert.deepEqual({ o, by, d }, { o: 1, by: "ada", d: { text: "hi" } });
  }
  has(await ada.answer(3), { verb: "ok", o: 1, e: joined.verb === "ok" && joined.e });
  const { offset, epoch, duplicate } = await hub.publish("room:42", { text: "from the server" });
  assert.deepEqual({ offset, duplicate }, { offset: 2, duplicate: false });
  const { by, o } = await bob.next("pub");
  assert.deepEqual({ by, o }, { by: undefined, o: 2 });
  assert.equal(joined.verb === "ok" && joined.e, epoch);
});

test("what is published right behind a subscription, before its answer, reaches its publisher too", async (t) => {
  const { dial } = await startHub(t, HISTORY);
  const peer = await dial();
  peer.send(writeHello(1, "ada", [["room:42"]]), writePub("room:42", "first", 3), writePub("room:42", "second", 4));
  has(await peer.answer(2), { verb: "ok", o: 0 });
  for (const [at, d] of ["first", "second"].entries()) has(await peer.next("pub"), { o: at + 1, d });
});

test("the bytes of a payload are passed on as they were written", async (t) => {
  const { connect } = await startHub(t, HISTORY);
  const peer = await connect("ada", [["room:42"]]);
  await peer.answer(2);
  peer.send('{"pub":"room:42","id":3,"d": {"b":1.50,  "a":12345678901234567890} }');
  await peer.answer(3);
  const frame = peer.raw.map(String).find((text) => text.startsWith('{"pub"'));
  assert.equal(frame, '{"pub":"room:42","o":1,"by":"ada","d":{"b":1.50,  "a":12345678901234567890}}');
});

test("who comes back gets what it missed, in order, and then what is live", async (t) => {
  const { connect, hub } = await startHub(t, HISTORY);
  const ada = await connect("ada", [["room:42"]]);
  const joined = await ada.answer(2);
  assert(joined.verb === "ok");
  ada.cut();
  for (const n of [1, 2, 3]) await hub.publish("room:42", n);
  const again = await connect("ada", [["room:42", joined.o!, joined.e!]]);
  has(await again.answer(2), { o: 3, e: joined.e, replay: 3 });
  await hub.publish("room:42", 4);
  for (const n of [1, 2, 3, 4]) has(await again.next("pub"), { o: n, d: n });
  has(hub.stats, { resumed: 1, replayed: 3, missed: 0 });
});

test("who was away for too long is told so, and gets nothing of it", async (t) => {
  const { connect, hub } = await startHub(t, HISTORY);
  const ada = await connect("ada", [["room:42"]]);
  const joined = await ada.answer(2);
  assert(joined.verb === "ok");
  ada.cut();
  for (let n = 1; n <= 7; n++) await hub.publish("room:42", n);
  const again = await connect("ada", [["room:42", joined.o!, joined.e!], ["room:43", 5, "forged"], ["room:42b"]]);
  const answer = await again.answer(2);
  has(answer, { o: 7, missed: true });
  has(await again.answer(3), { o: 0, missed: true });
  assert.equal(
    again.frames.some(({ verb }) => verb === "pub"),
    false,
  );
  assert.equal(hub.stats.missed, 2);
});

test("a subscription may begin with the last messages", async (t) => {
  const { connect, hub } = await startHub(t, HISTORY);
  for (let n = 1; n <= 7; n++) await hub.publish("room:42", n);
  const ada = await connect("ada");
  has(await ada.ask(2, writeSubLast("room:42", 2, 2)), { o: 7, replay: 2 });
  assert.deepEqual([(await ada.next("pub")).d, (await ada.next("pub")).d], [6, 7]);
});

test("a page of history: from the newest back, with what comes live around it", async (t) => {
  const { connect, hub } = await startHub(t, HISTORY);
  for (let n = 1; n <= 4; n++) await hub.publish("room:42", n);
  const ada = await connect("ada");
  const page = await ada.ask(2, writeBack("room:42", 2, undefined, undefined, 2));
  has(page, { o: 4, page: 2, more: true });
  assert.deepEqual([(await ada.next("pub")).o, (await ada.next("pub")).o], [3, 4]);
  const before = await ada.ask(3, writeBack("room:42", 3, 3, page.verb === "ok" ? page.e : ""));
  has(before, { page: 2 });
  assert.equal("more" in before, false);
  assert.deepEqual([(await ada.next("pub")).o, (await ada.next("pub")).o], [1, 2]);
  has(await ada.ask(4, writeBack("room:42", 4, 3, "another")), { missed: true });
  const history = await hub.history("room:42", { limit: 2, before: 4 });
  assert.deepEqual(history.messages.map(({ offset, data }) => [offset, data]), [[2, 2], [3, 3]]); // oxfmt-ignore
});

test("a key publishes once, and the second answer says so", async (t) => {
  const { connect, hub } = await startHub(t, HISTORY);
  const ada = await connect("ada", [["room:42"]]);
  has(await ada.ask(3, writePub("room:42", 1, 3, "k")), { o: 1 });
  has(await ada.ask(4, writePub("room:42", 1, 4, "k")), { o: 1, duplicate: true });
  has(await hub.publish("room:42", 1, { key: "k" }), { offset: 1, duplicate: true });
  assert.equal(ada.taken("pub").length, 1);
});

test("bytes are passed on as bytes", async (t) => {
  const { connect, hub } = await startHub(t, HISTORY);
  const ada = await connect("ada", [["room:42"]]);
  await ada.answer(2);
  const payload = Uint8Array.of(0, 1, 255);
  has(await ada.ask(3, writeBinaryPub("room:42", payload, 3)), { o: 1 });
  await hub.publish("room:42", payload);
  for (const o of [1, 2]) {
    const pub = await ada.next("pub");
    assert.deepEqual([pub.o, Buffer.from(pub.d as Uint8Array)], [o, Buffer.from(payload)]);
  }
  const again = await connect("bob", [["room:42", 0, (await hub.history("room:42")).epoch]]);
  has(await again.answer(2), { replay: 2 });
  assert.deepEqual(Buffer.from((await again.next("pub")).d as Uint8Array), Buffer.from(payload));
});

test("a topic without history has no offsets", async (t) => {
  const { connect, hub } = await startHub(t, { authenticate: byName, allow: everything });
  const ada = await connect("ada", [["news", 7, "old"]]);
  assert.deepEqual(await ada.answer(2), { verb: "ok", ok: 2 });
  assert.deepEqual(await ada.ask(3, writePub("news", 1, 3)), { verb: "ok", ok: 3 });
  assert.deepEqual(await ada.next("pub"), { verb: "pub", pub: "news", by: "ada", d: 1 });
  assert.deepEqual(await hub.publish("news", 2), { offset: 0, epoch: "", duplicate: false });
  has(await ada.ask(4, writeBack("news", 4)), { code: "unsupported" });
});

test("who has unsubscribed gets nothing more, and an unsub of what is none is done as well", async (t) => {
  const { connect, hub } = await startHub(t, HISTORY);
  const ada = await connect("ada", [["room:42"]]);
  await ada.answer(2);
  assert.deepEqual(await ada.ask(3, writeUnsub("room:42", 3)), { verb: "ok", ok: 3 });
  assert.deepEqual(await ada.ask(4, writeUnsub("room:42", 4)), { verb: "ok", ok: 4 });
  await hub.publish("room:42", 1);
  await turns();
  assert.deepEqual(ada.taken("pub"), []);
});

test("a sub that still waits is answered when an unsub or another sub of the topic comes", async (t) => {
  const { connect } = await startHub(t, HISTORY);
  const ada = await connect("ada");
  ada.send(writeSub("room:42", 2), writeUnsub("room:42", 3), writeSub("room:42", 4), writeSub("room:42", 5));
  has(await ada.answer(2), { code: "cancelled" });
  has(await ada.answer(3), { verb: "ok" });
  has(await ada.answer(4), { code: "cancelled" });
  has(await ada.answer(5), { verb: "ok", o: 0 });
});

const chat = contract({
  topics: {
    "room:{id}": { message: z.object({ text: z.string().max(10) }), history: { size: 10, ttlMs: 60_000 } },
    "blob:{id}": { binary: true },
  },
});

test("what is published is what the contract says, from clients and from the server", async (t) => {
  const { connect, hub } = await startHub(t, { contract: chat, authenticate: byName, allow: everything });
  const ada = await connect("ada");
  has(await ada.ask(2, writePub("room:1", { text: "a" }, 2)), { o: 1 });
  const wrong = await ada.ask(3, writePub("room:1", { text: 7 }, 3));
  has(wrong, { code: "bad-request" });
  assert.match(wrong.verb === "err" ? wrong.msg! : "", /^text: /);
  has(await ada.ask(4, writeBinaryPub("room:1", Uint8Array.of(1), 4)), { code: "bad-request" });
  has(await ada.ask(5, writePub("blob:1", 1, 5)), { code: "bad-request" });
  has(await ada.ask(6, writePub("other", 1, 6)), { code: "unknown-topic" });
  has(await ada.ask(7, writeSub("room:a:b", 7)), { code: "unknown-topic" });
  await assert.rejects(hub.publish("room:1", { text: "much too long" }), { name: "HubError", code: "bad-request" });
  await assert.rejects(hub.publish("other" as "room:1", { text: "a" }), { code: "unknown-topic" });
});

test("socket.io#2962, #3431: what is published side by side goes to its own topic, whatever has to be waited for", async (t) => {
  const waits = new Map<string, () => void>();
  const publish = (_user: unknown, { topic }: { topic: string }): Promise<boolean> =>
    new Promise((resolve) => waits.set(topic, () => resolve(true)));
  const { connect, hub } = await startHub(t, { ...HISTORY, allow: { ...everything, publish } });
  const [ada, bob] = [await connect("ada", [["a"], ["b"], ["c"]]), await connect("bob")];
  ada.send(writePub("a", "to a", 10));
  bob.send(writePub("b", "to b", 10));
  await until(() => waits.size === 2, "both publishes to be asked about");
  await hub.publish("c", "to c");
  for (const topic of ["b", "a"]) waits.get(topic)!();
  const came = [await ada.next("pub"), await ada.next("pub"), await ada.next("pub")];
  assert.deepEqual(
    came.map(({ pub, d }) => [pub, d]),
    [
      ["c", "to c"],
      ["b", "to b"],
      ["a", "to a"],
    ],
  );
});

test("a schema that answers by a promise is refused for messages", async (t) => {
  const late = contract({ topics: { late: { message: z.string().refine(async () => true) } } });
  const { connect, log } = await startHub(t, { contract: late, authenticate: byName, allow: everything });
  const ada = await connect("ada");
  has(await ada.ask(2, writePub("late", "x", 2)), { code: "failed" });
  assert.match((log.of("hub-error")[0]!["err"] as Error).message, /at once/);
});
