/** Who is in a topic, kept up to date. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { writeMembers, writePresence } from "@hawser/wire/server";
import type { Present } from "#client/presence.js";
import { Rig } from "./harness/rig.js";

async function watching(): Promise<{ rig: Rig; told: unknown[] }> {
  const rig = new Rig();
  const told: unknown[] = [];
  const presence = ({ count, members }: Present): void => {
    told.push([count, members && Object.fromEntries(members)]);
  };
  rig.live.topic("room").subscribe({ message: () => {}, presence });
  await rig.open();
  rig.socket.receive('{"ok":2,"o":1,"e":"a"}');
  return { rig, told };
}

function answer(rig: Rig, presence: Parameters<typeof writeMembers>[1]): void {
  rig.socket.receive(writeMembers(rig.socket.last("who").id, presence));
}

it("begins with everybody, and goes on with who comes and goes", async () => {
  const { rig, told } = await watching();
  assert.equal(rig.socket.last("who").watch, true);
  answer(rig, { n: 2, v: 31, in: [["u7", '{"name":"Ada"}'], ["u9"]] });
  rig.socket.receive(writePresence("room", { n: 2, v: 32, in: [["u8"]], out: ["u9"] }));
  assert.deepEqual(told, [
    [2, { u7: { name: "Ada" }, u9: undefined }],
    [2, { u7: { name: "Ada" }, u8: undefined }],
  ]);
});

it("asks again when a version is missing, and does not believe what came before the answer", async () => {
  const { rig, told } = await watching();
  answer(rig, { n: 1, v: 1, in: [["a"]] });
  rig.socket.receive(writePresence("room", { n: 3, v: 3, in: [["c"]] }));
  assert.equal(rig.socket.all("who").length, 2);
  rig.socket.receive(writePresence("room", { n: 4, v: 4, in: [["d"]] }));
  assert.equal(rig.socket.all("who").length, 2);
  answer(rig, { n: 4, v: 4, in: [["a"], ["b"], ["c"], ["d"]] });
  rig.socket.receive(writePresence("room", { n: 3, v: 5, out: ["a"] }));
  assert.deepEqual(
    told.map((each) => (each as [number])[0]),
    [1, 4, 3],
  );
});

it("asks again after a lost connection", async () => {
  const { rig, told } = await watching();
  answer(rig, { n: 1, v: 1, in: [["a"]] });
  await rig.reopen();
  assert.equal(rig.socket.all("who").length, 0);
  rig.socket.receive(`{"ok":${rig.socket.last("hello").id + 1},"o":1,"e":"a"}`);
  answer(rig, { n: 2, v: 1, in: [["a"], ["b"]] });
  assert.deepEqual(told.at(-1), [2, { a: undefined, b: undefined }]);
});

it("in a large topic there is the number alone", async () => {
  const { rig, told } = await watching();
  answer(rig, { n: 200, v: 1, in: [["a"]] });
  rig.socket.receive(writePresence("room", { n: 300 }));
  rig.socket.receive(writePresence("room", { n: 301 }));
  assert.deepEqual(told.slice(1), [
    [300, undefined],
    [301, undefined],
  ]);
});

it("who may not know is told by a report, and hears messages all the same", async () => {
  const { rig, told } = await watching();
  rig.err("who", "forbidden");
  assert.equal(String(rig.reported), "LiveError: no");
  assert.deepEqual(told, []);
  assert.equal(rig.phase, "open");
});

it("what the handler keeps is its own: it does not change under its hands", async () => {
  const rig = new Rig();
  const kept: Present[] = [];
  rig.live.topic("room").subscribe({ message: () => {}, presence: (present) => kept.push(present) });
  await rig.open();
  rig.socket.receive('{"ok":2}');
  answer(rig, { n: 1, v: 1, in: [["a"]] });
  rig.socket.receive(writePresence("room", { n: 2, v: 2, in: [["b"]] }));
  assert.deepEqual([...kept[0]!.members!.keys()], ["a"]);
});

it("members and count ask once", async () => {
  const rig = new Rig();
  await rig.open();
  const room = rig.live.topic("room");
  const members = room.members({ max: 10 });
  assert.deepEqual([rig.socket.last("who").max, rig.socket.last("who").watch], [10, undefined]);
  answer(rig, { n: 1, v: 7, in: [["a", "1"]] });
  assert.deepEqual(await members, { count: 1, members: new Map([["a", 1]]) });
  const count = room.count();
  rig.ok("count", { n: 812 });
  assert.equal(await count, 812);
});
