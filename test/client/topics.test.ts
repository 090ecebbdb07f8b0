/** Every message of a topic in order and once, or a word about where some are missing: docs/wire.md, "Positions and recovery". */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { limits } from "@hawser/wire";
import { writeBinaryPub, writeGap, writeUnsub } from "@hawser/wire/server";
import { MOST_IN_HELLO, type SubscribeOptions } from "#client/topics.js";
import { Rig } from "./harness/rig.js";
import { settled } from "./harness/step-time.js";

/** Subscribes, and writes down what it hears. */
function follow(rig: Rig, name = "room", options?: SubscribeOptions) {
  const heard: unknown[] = [];
  const subscription = rig.live.topic(name).subscribe(
    {
      message: (data, { offset, replayed }) => heard.push([data, offset, replayed]),
      gap: ({ why, position }) => heard.push({ gap: why, position }),
      end: ({ code }) => heard.push({ end: code }),
    },
    options,
  );
  return { heard, subscription };
}

const at = (offset: number, epoch = "a") => ({ offset, epoch });

describe("a subscription", () => {
  it("is made with the hello, and ready when the server has answered", async () => {
    const rig = new Rig();
    const { heard, subscription } = follow(rig);
    let ready = false;
    void subscription.ready.then(() => (ready = true));
    await rig.open();
    assert.deepEqual(rig.socket.last("hello").subs, [{ topic: "room", position: undefined }]);
    rig.pub("room", "of an old subscription", 1);
    await settled();
    assert.equal(ready, false);
    rig.socket.receive('{"ok":2,"o":5,"e":"a"}');
    await settled();
    assert.equal(ready, true);
    assert.deepEqual(subscription.position, at(5));
    rig.pub("room", "live", 6, "u9");
    assert.deepEqual(heard, [["live", 6, false]]);
    assert.deepEqual(subscription.position, at(6));
  });

  it("is made by a request of its own when there is a connection", async () => {
    const rig = new Rig();
    await rig.open();
    const { heard } = follow(rig);
    assert.deepEqual(rig.socket.last("sub"), {
      verb: "sub",
      id: 2,
      topic: "room",
      position: undefined,
      last: undefined,
    });
    rig.ok("sub");
    rig.pub("room", "without history");
    assert.deepEqual(heard, [["without history", undefined, false]]);
  });

  it("resumes where it was, and takes the replay for what it is", async () => {
    const rig = new Rig();
    const { heard, subscription } = follow(rig);
    await rig.open();
    rig.socket.receive('{"ok":2,"o":5,"e":"a"}');
    rig.pub("room", "six", 6);
    await rig.reopen();
    const { id, subs } = rig.socket.last("hello");
    assert.deepEqual(subs, [{ topic: "room", position: at(6) }]);
    rig.socket.receive(`{"ok":${id + 1},"o":9,"e":"a","replay":2}`);
    rig.pub("room", "seven", 7);
    assert.deepEqual(subscription.position, at(7));
    rig.socket.receive(writeBinaryPub("room", Uint8Array.of(8), 8));
    // The server says that it ends at 9: what was there is no longer kept, or has no number of its own.
    assert.deepEqual(subscription.position, at(9));
    rig.pub("room", "ten", 10);
    assert.deepEqual(heard, [
      ["six", 6, false],
      ["seven", 7, true],
      [Uint8Array.of(8), 8, true],
      ["ten", 10, false],
    ]);
  });

  it("that is cut in a replay goes on from there", async () => {
    const rig = new Rig();
    follow(rig);
    await rig.open();
    rig.socket.receive('{"ok":2,"o":5,"e":"a"}');
    await rig.reopen();
    rig.socket.receive(`{"ok":${rig.socket.last("hello").id + 1},"o":9,"e":"a","replay":4}`);
    rig.pub("room", "six", 6);
    await rig.reopen();
    assert.deepEqual(rig.socket.last("hello").subs, [{ topic: "room", position: at(6) }]);
  });

  it("after a silence longer than everything can resume, for its position comes with the answer", async () => {
    const rig = new Rig();
    follow(rig);
    await rig.open();
    rig.socket.receive('{"ok":2,"o":5,"e":"a"}');
    rig.socket.end();
    await rig.time.leap(86_400_000);
    await rig.open();
    assert.deepEqual(rig.socket.last("hello").subs, [{ topic: "room", position: at(5) }]);
  });

  it("twice lost, does not hear of the same again", async () => {
    const rig = new Rig();
    const { heard } = follow(rig);
    await rig.open();
    rig.socket.receive('{"ok":2,"o":5,"e":"a"}');
    await rig.reopen();
    rig.socket.receive(`{"ok":${rig.socket.last("hello").id + 1},"o":6,"e":"a","replay":1}`);
    rig.pub("room", "six", 6);
    await rig.reopen();
    assert.deepEqual(rig.socket.last("hello").subs, [{ topic: "room", position: at(6) }]);
    rig.socket.receive(`{"ok":${rig.socket.last("hello").id + 1},"o":6,"e":"a"}`);
    assert.deepEqual(heard, [["six", 6, true]]);
  });

  it("that is made while there is no connection is in the next hello, and one that ends then is not", async () => {
    const rig = new Rig();
    const ends = follow(rig, "ends");
    await rig.open();
    rig.socket.receive('{"ok":2}');
    rig.socket.end();
    follow(rig, "new");
    ends.subscription.unsubscribe();
    await rig.time.advance(1_000);
    await rig.open();
    assert.deepEqual(
      rig.socket.last("hello").subs.map(({ topic }) => topic),
      ["new"],
    );
    assert.deepEqual(rig.socket.all("sub"), []);
  });

  it("drops what it has", async () => {
    const rig = new Rig();
    const { heard } = follow(rig);
    await rig.open();
    rig.socket.receive('{"ok":2,"o":5,"e":"a"}');
    for (const offset of [5, 6, 6, 4, 8, 7]) rig.pub("room", offset, offset);
    assert.deepEqual(heard, [
      [6, 6, false],
      [8, 8, false],
    ]);
  });

  it("resumes all topics in one hello, and those that it has no room for right after", async () => {
    assert.equal(MOST_IN_HELLO, limits.helloSubs);
    const rig = new Rig();
    const count = MOST_IN_HELLO + 5;
    for (let index = 0; index < count; index++) follow(rig, `room:${index}`);
    await rig.open();
    assert.equal(rig.socket.last("hello").subs.length, MOST_IN_HELLO);
    assert.deepEqual(
      rig.socket.all("sub").map(({ topic }) => topic),
      [1000, 1001, 1002, 1003, 1004].map((index) => `room:${index}`),
    );
  });

  it("that begins with the last messages takes over their epoch with the first of them", async () => {
    const rig = new Rig();
    const { heard, subscription } = follow(rig, "room", { last: 2 });
    await rig.open();
    assert.deepEqual(rig.socket.last("hello").subs, []);
    const { last, position } = rig.socket.last("sub");
    assert.deepEqual([last, position], [2, undefined]);
    rig.ok("sub", { o: 9, e: "a", replay: 2 });
    assert.equal(subscription.position, undefined);
    rig.pub("room", "eight", 8);
    assert.deepEqual(subscription.position, at(8));
    await rig.reopen();
    assert.deepEqual(rig.socket.last("hello").subs, [{ topic: "room", position: at(8) }]);
    assert.deepEqual(heard, [["eight", 8, true]]);
  });

  it("that begins at a position of the application's resumes there", async () => {
    const rig = new Rig();
    await rig.open();
    const { heard } = follow(rig, "room", { from: at(3) });
    assert.deepEqual(rig.socket.last("sub").position, at(3));
    rig.ok("sub", { o: 9, e: "b", missed: true });
    assert.deepEqual(heard, [{ gap: "missed", position: at(9, "b") }]);
  });
});

describe("a gap", () => {
  it("missed: nothing is replayed, and the position is the new one", async () => {
    const rig = new Rig();
    const { heard, subscription } = follow(rig);
    await rig.open();
    rig.socket.receive('{"ok":2,"o":5,"e":"a"}');
    await rig.reopen();
    rig.socket.receive(`{"ok":${rig.socket.last("hello").id + 1},"o":2,"e":"b","missed":true}`);
    assert.deepEqual(subscription.position, at(2, "b"));
    rig.pub("room", "three", 3);
    await rig.reopen();
    assert.deepEqual(rig.socket.last("hello").subs, [{ topic: "room", position: at(3, "b") }]);
    assert.deepEqual(heard, [{ gap: "missed", position: at(2, "b") }, ["three", 3, false]]);
  });

  it("another epoch is a gap, even if the server forgets to say so", async () => {
    const rig = new Rig();
    const { heard } = follow(rig);
    await rig.open();
    rig.socket.receive('{"ok":2,"o":5,"e":"a"}');
    await rig.reopen();
    rig.socket.receive(`{"ok":${rig.socket.last("hello").id + 1},"o":7,"e":"b"}`);
    assert.deepEqual(heard, [{ gap: "missed", position: at(7, "b") }]);
  });

  it("a topic that no longer has a history is one too", async () => {
    const rig = new Rig();
    const { heard } = follow(rig);
    await rig.open();
    rig.socket.receive('{"ok":2,"o":5,"e":"a"}');
    await rig.reopen();
    rig.socket.receive(`{"ok":${rig.socket.last("hello").id + 1}}`);
    rig.pub("room", "without");
    assert.deepEqual(heard, [{ gap: "missed", position: undefined }, ["without", undefined, false]]);
  });

  it("on a live connection brings offset and epoch, together", async () => {
    const rig = new Rig();
    const { heard, subscription } = follow(rig);
    await rig.open();
    rig.socket.receive('{"ok":2,"o":500,"e":"a"}');
    rig.socket.receive(writeGap("room", at(2, "b"), "reset"));
    assert.deepEqual(subscription.position, at(2, "b"));
    rig.pub("room", "three", 3);
    assert.deepEqual(heard, [{ gap: "reset", position: at(2, "b") }, ["three", 3, false]]);
  });

  it("ends a replay", async () => {
    const rig = new Rig();
    const { heard } = follow(rig);
    await rig.open();
    rig.socket.receive('{"ok":2,"o":5,"e":"a"}');
    await rig.reopen();
    rig.socket.receive(`{"ok":${rig.socket.last("hello").id + 1},"o":9,"e":"a","replay":4}`);
    rig.pub("room", "six", 6);
    rig.socket.receive(writeGap("room", at(1, "b"), "reset"));
    rig.pub("room", "two", 2);
    assert.deepEqual(heard, [["six", 6, true], { gap: "reset", position: at(1, "b") }, ["two", 2, false]]);
  });

  it("of a topic that nobody follows is nobody's", async () => {
    const rig = new Rig();
    await rig.open();
    rig.socket.receive(writeGap("room", at(2, "b"), "reset"));
    rig.pub("room", 1, 3);
    rig.socket.receive(writeUnsub("room", "revoked"));
    rig.socket.receive('{"pres":"room","n":3}');
    assert.deepEqual(rig.reported, []);
  });
});

describe("a handler", () => {
  it("that throws is reported; the others hear, and the position is the message's already", async () => {
    const rig = new Rig();
    const positions: unknown[] = [];
    const room = rig.live.topic("room");
    const subscription = room.subscribe({
      message() {
        positions.push(subscription.position);
        throw new Error("mine");
      },
      gap() {
        throw new Error("gap");
      },
    });
    const { heard } = follow(rig);
    await rig.open();
    rig.socket.receive('{"ok":2,"o":5,"e":"a"}');
    rig.pub("room", "six", 6);
    rig.socket.receive(writeGap("room", at(9), "lost"));
    assert.deepEqual(positions, [at(6)]);
    assert.deepEqual(rig.reported.map(String), ["Error: mine", "Error: gap"]);
    assert.deepEqual(heard, [["six", 6, false], { gap: "lost", position: at(9) }]);
    assert.equal(rig.phase, "open");
  });

  it("that subscribes anew does not get its message again", async () => {
    const rig = new Rig();
    const heard: unknown[] = [];
    const room = rig.live.topic("room");
    const subscription = room.subscribe({
      message(data) {
        heard.push(data);
        const { position } = subscription;
        subscription.unsubscribe();
        room.subscribe({ message: (data) => heard.push(data) }, { from: position });
      },
    });
    await rig.open();
    rig.socket.receive('{"ok":2,"o":5,"e":"a"}');
    rig.pub("room", "six", 6);
    assert.deepEqual(rig.socket.last("sub").position, at(6));
    assert.deepEqual(heard, ["six"]);
  });

  it("that ends another's subscription is the last to hear", async () => {
    const rig = new Rig();
    const room = rig.live.topic("room");
    const heard: string[] = [];
    room.subscribe({
      message() {
        heard.push("first");
        second.unsubscribe();
      },
    });
    const second = room.subscribe({ message: () => heard.push("second") });
    await rig.open();
    rig.ok("hello");
    rig.socket.receive('{"ok":2}');
    rig.pub("room", 1);
    assert.deepEqual(heard, ["first"]);
  });
});

describe("an end", () => {
  it("unsubscribe: the server is told once, after the last of several", async () => {
    const rig = new Rig();
    await rig.open();
    const [one, two] = [follow(rig), follow(rig)];
    assert.equal(rig.socket.all("sub").length, 1);
    rig.ok("sub", { o: 1, e: "a" });
    one.subscription.unsubscribe();
    one.subscription.unsubscribe();
    rig.pub("room", "two", 2);
    assert.equal(rig.socket.all("unsub").length, 0);
    two.subscription.unsubscribe();
    assert.deepEqual(rig.socket.last("unsub"), { verb: "unsub", id: 0, topic: "room" });
    rig.pub("room", "three", 3);
    assert.deepEqual([one.heard, two.heard], [[], [["two", 2, false]]]);
    await rig.reopen();
    assert.deepEqual(rig.socket.last("hello").subs, []);
  });

  it("one that joins later is ready at once, and goes on from there", async () => {
    const rig = new Rig();
    await rig.open();
    follow(rig);
    rig.ok("sub", { o: 1, e: "a" });
    const later = follow(rig);
    await later.subscription.ready;
    assert.deepEqual(later.subscription.position, at(1));
  });

  it("before the answer: the server is told when that has come, unless somebody came back", async () => {
    const rig = new Rig();
    follow(rig, "left").subscription.unsubscribe();
    const gone = follow(rig, "gone");
    const back = follow(rig, "back");
    await settled();
    rig.socket.accept();
    gone.subscription.unsubscribe();
    back.subscription.unsubscribe();
    await assert.rejects(back.subscription.ready, { code: "closed" });
    const again = follow(rig, "back");
    const { id, subs } = rig.socket.last("hello");
    assert.deepEqual(
      subs.map(({ topic }) => topic),
      ["gone", "back"],
    );
    rig.socket.receive('{"hello":1,"client":"c","ping":25000}');
    rig.socket.receive(`{"ok":${id + 1},"o":1,"e":"a"}`);
    rig.socket.receive(`{"ok":${id + 2},"o":1,"e":"a"}`);
    assert.deepEqual(
      rig.socket.all("unsub").map(({ topic }) => topic),
      ["gone"],
    );
    assert.deepEqual(rig.socket.all("sub"), []);
    rig.pub("back", "two", 2);
    assert.deepEqual(again.heard, [["two", 2, false]]);
    await again.subscription.ready;
  });

  it("refused: ready rejects, end is told, and nothing is resumed", async () => {
    const rig = new Rig();
    await rig.open();
    const { heard, subscription } = follow(rig);
    rig.err("sub", "forbidden");
    await assert.rejects(subscription.ready, { name: "LiveError", code: "forbidden", message: "no" });
    assert.deepEqual(heard, [{ end: "forbidden" }]);
    const again = follow(rig);
    assert.equal(rig.socket.all("sub").length, 2);
    again.subscription.unsubscribe();
    await rig.reopen();
    assert.deepEqual(rig.socket.last("hello").subs, []);
  });

  it("by the server: end is told", async () => {
    const rig = new Rig();
    await rig.open();
    const { heard } = follow(rig);
    rig.ok("sub", { o: 1, e: "a" });
    rig.socket.receive(writeUnsub("room", "revoked"));
    assert.deepEqual(heard, [{ end: "revoked" }]);
  });

  it("close: end is told, and to those who come later too", async () => {
    const rig = new Rig();
    await rig.open();
    const early = follow(rig);
    rig.live.close();
    const late = follow(rig, "other");
    assert.deepEqual([early.heard, late.heard], [[{ end: "closed" }], [{ end: "closed" }]]);
    await assert.rejects(late.subscription.ready, { code: "closed" });
  });

  it("not now: it is asked for again, and the state says degraded meanwhile", async () => {
    const rig = new Rig();
    const { heard } = follow(rig);
    await rig.open();
    const { id } = rig.socket.last("hello");
    rig.socket.receive(`{"err":${id + 1},"code":"unavailable","retry":2000}`);
    assert.ok(rig.state.phase === "open" && rig.state.degraded);
    await rig.time.advance(2_000);
    assert.ok(rig.state.phase === "open" && !rig.state.degraded);
    rig.ok("sub", { o: 1, e: "a" });
    rig.pub("room", "two", 2);
    assert.deepEqual(heard, [["two", 2, false]]);
  });
});
