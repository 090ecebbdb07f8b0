/** Pages of a topic's history, which are told from its live messages and from replays. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { Rig } from "./harness/rig.js";
import { settled } from "./harness/step-time.js";

it("a page: the messages that follow the answer, and where to go on", async () => {
  const rig = new Rig();
  await rig.open();
  const room = rig.live.topic("room");
  const page = room.history({ before: { offset: 120, epoch: "a" }, max: 2 });
  assert.deepEqual(
    { ...rig.socket.last("back"), id: 0 },
    { verb: "back", id: 0, topic: "room", before: 120, epoch: "a", max: 2 },
  );
  rig.ok("back", { o: 125, e: "a", page: 2, more: true });
  rig.pub("room", "older", 118, "u9");
  rig.pub("room", "old", 119);
  assert.deepEqual(await page, {
    messages: [
      { data: "older", offset: 118, by: "u9", replayed: true },
      { data: "old", offset: 119, by: undefined, replayed: true },
    ],
    before: { offset: 118, epoch: "a" },
    missed: false,
  });
});

it("an empty page, and one of an epoch that is gone", async () => {
  const rig = new Rig();
  await rig.open();
  const room = rig.live.topic("room");
  const empty = room.history();
  rig.ok("back", { o: 0, e: "a", page: 0 });
  assert.deepEqual(await empty, { messages: [], before: undefined, missed: false });
  const gone = room.history({ before: { offset: 5, epoch: "old" } });
  rig.ok("back", { o: 1, e: "a", missed: true });
  assert.deepEqual(await gone, { messages: [], before: undefined, missed: true });
});

it("pages, a replay and live messages of one topic do not get mixed up", async () => {
  const rig = new Rig();
  await rig.open();
  const room = rig.live.topic("room");
  const live: unknown[] = [];
  const first = room.history({ max: 2 });
  const subscription = room.subscribe({ message: (data, { replayed }) => live.push([data, replayed]) }, { last: 1 });
  const second = room.history({ max: 1 });
  const [back, other] = rig.socket.all("back");
  rig.socket.receive(`{"ok":${back!.id},"o":9,"e":"a","page":2}`);
  rig.socket.receive(`{"ok":${rig.socket.last("sub").id},"o":9,"e":"a","replay":1}`);
  rig.socket.receive(`{"ok":${other!.id},"o":9,"e":"a","page":1}`);
  for (const offset of [8, 9, 9, 9, 10]) rig.pub("room", offset, offset);
  assert.deepEqual(
    (await first).messages.map(({ data }) => data),
    [8, 9],
  );
  assert.deepEqual(
    (await second).messages.map(({ data }) => data),
    [9],
  );
  assert.deepEqual(live, [
    [9, true],
    [10, false],
  ]);
  assert.deepEqual(subscription.position, { offset: 10, epoch: "a" });
});

it("a page that comes after its caller gave up is not taken for live messages", async () => {
  const rig = new Rig();
  await rig.open();
  const room = rig.live.topic("room");
  const live: unknown[] = [];
  room.subscribe({ message: (data) => live.push(data) });
  // Without history there are no offsets by which it would be told.
  rig.ok("sub");
  const late = room.history({ timeoutMs: 100 });
  const refused = assert.rejects(late, { code: "timeout" });
  await rig.time.advance(100);
  await refused;
  rig.ok("back", { page: 2 });
  for (const data of ["old", "old", "new"]) rig.pub("room", data);
  assert.deepEqual(live, ["new"]);
});

it("a page that is cut off ends as lost", async () => {
  const rig = new Rig();
  await rig.open();
  const page = rig.live.topic("room").history();
  rig.ok("back", { o: 9, e: "a", page: 2 });
  rig.pub("room", 8, 8);
  rig.socket.end();
  await assert.rejects(page, { code: "lost" });
});

it("a question without an answer is asked again in the next connection", async () => {
  const rig = new Rig();
  await rig.open();
  const page = rig.live.topic("room").history();
  await rig.reopen();
  rig.ok("back", { page: 0 });
  await settled();
  assert.deepEqual((await page).messages, []);
});
