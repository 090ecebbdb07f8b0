/** What waits for a connection or an answer: in order, bounded, once, and each promise ends. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Rig } from "./harness/rig.js";
import { settled } from "./harness/step-time.js";

/** How a promise stands. */
function watch(promise: Promise<unknown>): { outcome: unknown } {
  const watched: { outcome: unknown } = { outcome: "pending" };
  promise.then(
    (value) => (watched.outcome = value),
    (error: { code?: string }) => (watched.outcome = error.code ?? error),
  );
  return watched;
}

const payloads = (rig: Rig): unknown[] =>
  rig.socket.all("pub").map(({ payload }) => (payload.binary ? payload.bytes : payload.value));

describe("a publish", () => {
  it("is sent with a key and answered with its position", async () => {
    const rig = new Rig();
    await rig.open();
    const published = rig.live.topic("room").publish({ text: "hi" });
    const { topic, key } = rig.socket.last("pub");
    assert.equal(topic, "room");
    assert.match(key ?? "", /^\d+(-\d+){3}$/);
    rig.ok("pub", { o: 5, e: "a" });
    assert.deepEqual(await published, { offset: 5, epoch: "a", duplicate: false });
  });

  it("socket.io-client#1458: waits for a connection, and goes before those that are made when the application hears of it", async () => {
    const rig = new Rig();
    const room = rig.live.topic("room");
    for (const data of [1, 2, 3]) void room.publish(data);
    rig.live.state.subscribe(({ phase }) => phase === "open" && void room.publish("after open"));
    await rig.open();
    assert.deepEqual(payloads(rig), [1, 2, 3, "after open"]);
  });

  it("socket.io-client#1158: without an answer is sent again with its key, in the old order", async () => {
    const rig = new Rig();
    await rig.open();
    const room = rig.live.topic("room");
    const [first, second, third] = [1, 2, 3].map((data) => watch(room.publish(data, { key: `key${data}` })));
    rig.socket.receive('{"ok":3,"o":8,"e":"a"}');
    rig.socket.end();
    const fourth = watch(room.publish(4, { key: "key4" }));
    await rig.time.advance(1_000);
    await rig.open();
    assert.deepEqual(payloads(rig), [1, 3, 4]);
    assert.deepEqual(
      rig.socket.all("pub").map(({ key }) => key),
      ["key1", "key3", "key4"],
    );
    assert.deepEqual([first?.outcome, second?.outcome, third?.outcome, fourth.outcome].map(String), [
      "pending",
      "[object Object]",
      "pending",
      "pending",
    ]);
  });

  it("partykit#403, orpc#1581: that nobody waits for any more is not sent", async () => {
    const rig = new Rig();
    const room = rig.live.topic("room");
    const controller = new AbortController();
    const aborted = watch(room.publish("aborted", { signal: controller.signal }));
    const late = watch(room.publish("late", { timeoutMs: 1_000 }));
    controller.abort(new Error("never mind"));
    await rig.time.advance(1_000);
    await rig.open();
    assert.deepEqual(payloads(rig), []);
    assert.equal(String(aborted.outcome), "Error: never mind");
    assert.equal(late.outcome, "offline");
  });

  it("ends after 30 s: offline if it was never sent, timeout if it was", async () => {
    const rig = new Rig();
    const room = rig.live.topic("room");
    const unsent = watch(room.publish(1));
    await rig.time.advance(29_999);
    await settled();
    assert.equal(unsent.outcome, "pending");
    await rig.time.advance(1);
    assert.equal(unsent.outcome, "offline");
    await rig.time.advance(20_000);
    await rig.open({ ping: 1_000_000 });
    const sent = watch(room.publish(2));
    await rig.time.advance(29_000);
    // Sent in a connection that was lost, it may have happened.
    const lost = watch(room.publish(3));
    rig.socket.end();
    await rig.time.advance(1_000);
    assert.equal(sent.outcome, "timeout");
    rig.event("pagehide");
    await rig.time.advance(29_000);
    assert.equal(lost.outcome, "timeout");
  });

  it("socket.io#3414: is refused when 64 wait, or 256 KiB: those that wait stay", async () => {
    const rig = new Rig();
    const room = rig.live.topic("room");
    const many = Array.from({ length: 100 }, (_, index) => watch(room.publish(index)));
    await settled();
    assert.deepEqual(
      many.map(({ outcome }) => outcome),
      [...Array<string>(64).fill("pending"), ...Array<string>(36).fill("queue-full")],
    );
    await rig.open();
    assert.deepEqual(
      payloads(rig),
      Array.from({ length: 64 }, (_, index) => index),
    );

    const other = new Rig();
    const large = Array.from({ length: 10 }, () => watch(other.live.topic("room").publish("x".repeat(60_000))));
    await settled();
    assert.deepEqual(
      large.map(({ outcome }) => outcome),
      [...Array<string>(4).fill("pending"), ...Array<string>(6).fill("queue-full")],
    );
  });

  it("of which more were under way than may wait: the newest end as lost with the connection", async () => {
    const rig = new Rig();
    await rig.open();
    const room = rig.live.topic("room");
    const many = Array.from({ length: 100 }, (_, index) => watch(room.publish(index)));
    assert.equal(payloads(rig).length, 100);
    rig.socket.end();
    await settled();
    assert.equal(many.filter(({ outcome }) => outcome === "pending").length, 64);
    assert.deepEqual(new Set(many.slice(64).map(({ outcome }) => outcome)), new Set(["lost"]));
  });

  it("takes no longer the more are under way", async (t) => {
    const rig = new Rig();
    await rig.open();
    const room = rig.live.topic("room");
    const mapIterator = Object.getPrototypeOf(new Map().values()) as MapIterator<unknown>;
    const { mock } = t.mock.method(mapIterator, "next");
    for (let count = 0; count < 300; count++) {
      void room.publish(count).catch(() => {});
      rig.live.topic(`room:${count}`).subscribe({ message() {} });
    }
    mock.restore();
    assert.ok(mock.callCount() < 3_000, `${mock.callCount()} steps through maps`);
    assert.equal(rig.socket.all("pub").length, 300);
    rig.live.close();
  });

  it("that the server cannot do just then is sent again, before what comes after it, and the state says degraded", async () => {
    const rig = new Rig();
    await rig.open();
    const room = rig.live.topic("room");
    const first = watch(room.publish(1, { key: "same" }));
    rig.err("pub", "unavailable", 3_000);
    assert.ok(rig.state.phase === "open" && rig.state.degraded);
    void room.publish(2);
    await rig.time.advance(2_999);
    assert.deepEqual(payloads(rig), [1]);
    await rig.time.advance(1);
    assert.deepEqual(payloads(rig), [1, 1, 2]);
    assert.ok(rig.state.phase === "open" && !rig.state.degraded);
    assert.deepEqual(
      rig.socket.all("pub").map(({ key }) => key === "same"),
      [true, true, false],
    );
    rig.socket.receive(`{"ok":${rig.socket.all("pub")[0]!.id},"o":1,"e":"a","duplicate":true}`);
    await settled();
    assert.deepEqual(first.outcome, { offset: 1, epoch: "a", duplicate: true });
  });

  it("that the server cannot do for longer is sent again with a growing delay, and the state says so once", async () => {
    const rig = new Rig();
    rig.random = 1;
    await rig.open({ ping: 1_000_000 });
    const room = rig.live.topic("room");
    for (const data of [1, 2]) void room.publish(data).catch(() => {});
    const [first, second] = rig.socket.all("pub");
    const told = rig.states.length;
    rig.socket.receive(`{"err":${first!.id},"code":"timeout"}`);
    rig.socket.receive(`{"err":${second!.id},"code":"timeout"}`);
    assert.equal(rig.states.length, told + 1);
    // The delay of the second counts, which has the larger range.
    for (const [delay, sent] of [
      [2_000, 4],
      [4_000, 5],
      [8_000, 6],
    ] as const) {
      await rig.time.advance(delay - 1);
      assert.equal(rig.socket.all("pub").length, sent - (sent === 4 ? 2 : 1));
      await rig.time.advance(1);
      assert.equal(rig.socket.all("pub").length, sent);
      rig.socket.receive(`{"err":${first!.id},"code":"timeout"}`);
    }
    // An answer ends that.
    await rig.time.advance(16_000);
    rig.socket.receive(`{"ok":${second!.id}}`);
    void room.publish(3).catch(() => {});
    rig.err("pub", "timeout");
    const { length } = rig.socket.all("pub");
    await rig.time.advance(1_000);
    assert.equal(rig.socket.all("pub").length, length + 1);
  });

  it("that is refused is not sent again", async () => {
    const rig = new Rig();
    await rig.open();
    const refused = watch(rig.live.topic("room").publish(1));
    rig.err("pub", "forbidden");
    await rig.reopen();
    assert.equal(refused.outcome, "forbidden");
    assert.deepEqual(payloads(rig), []);
  });

  it("that closed the connection, too big or not in order, does not close the next one", async () => {
    for (const code of [1009, 1007, 1003]) {
      const rig = new Rig();
      await rig.open();
      const poison = watch(rig.live.topic("room").publish("x"));
      rig.socket.end(code);
      await rig.time.advance(1_000);
      await rig.open();
      assert.equal(poison.outcome, "lost");
      assert.deepEqual(payloads(rig), []);
    }
  });

  it("of what is no JSON is refused at once", async () => {
    const rig = new Rig();
    const loop: unknown[] = [];
    loop.push(loop);
    await assert.rejects(rig.live.topic("room").publish(undefined), TypeError);
    await assert.rejects(rig.live.topic("room").publish(loop), TypeError);
    await assert.rejects(rig.live.topic("x".repeat(300)).publish(Uint8Array.of(1)), RangeError);
  });

  it("of bytes is sent as they are", async () => {
    const rig = new Rig();
    await rig.open();
    const published = rig.live.topic("blob").publish(Uint8Array.of(0, 1, 255), { key: "k" });
    const { topic, key, payload } = rig.socket.last("pub");
    assert.deepEqual([topic, key], ["blob", "k"]);
    assert.ok(payload.binary);
    assert.deepEqual([...payload.bytes], [0, 1, 255]);
    rig.ok("pub", {});
    assert.deepEqual(await published, { offset: undefined, epoch: undefined, duplicate: false });
  });

  it("close: everything ends, and what comes after is refused", async () => {
    const rig = new Rig();
    await rig.open();
    const room = rig.live.topic("room");
    const sent = watch(room.publish(1));
    rig.event("offline");
    const unsent = watch(room.publish(2));
    rig.live.close();
    const late = watch(room.publish(3));
    await settled();
    assert.deepEqual([sent.outcome, unsent.outcome, late.outcome], ["closed", "closed", "closed"]);
    assert.equal(rig.time.timers, 0);
  });
});

describe("a call", () => {
  it("is answered", async () => {
    const rig = new Rig();
    await rig.open();
    const answer = rig.live.call("rename", { name: "Ada" });
    const { name, payload } = rig.socket.last("call");
    assert.deepEqual([name, payload], ["rename", { binary: false, json: '{"name":"Ada"}', value: { name: "Ada" } }]);
    rig.ok("call", {}, '{"ok":true}');
    assert.deepEqual(await answer, { ok: true });
  });

  it("waits for a connection, within its time", async () => {
    const rig = new Rig();
    const waits = watch(rig.live.call("a"));
    const late = watch(rig.live.call("b", undefined, { timeoutMs: 500 }));
    await rig.time.advance(500);
    await rig.open();
    assert.equal(late.outcome, "offline");
    assert.deepEqual(
      rig.socket.all("call").map(({ name }) => name),
      ["a"],
    );
    rig.ok("call", {}, "1");
    await settled();
    assert.equal(waits.outcome, 1);
  });

  it("is never sent twice: lost with its connection, refused when the server cannot", async () => {
    const rig = new Rig();
    await rig.open();
    const lost = watch(rig.live.call("a"));
    await rig.reopen();
    assert.equal(lost.outcome, "lost");
    const refused = watch(rig.live.call("b"));
    rig.err("call", "unavailable", 100);
    await rig.time.advance(1_000);
    assert.equal(refused.outcome, "unavailable");
    assert.equal(rig.socket.all("call").length, 1);
    assert.ok(rig.state.phase === "open" && !rig.state.degraded);
  });

  it("that is given up is cancelled, and its answer goes nowhere", async () => {
    const rig = new Rig();
    await rig.open();
    const controller = new AbortController();
    const aborted = watch(rig.live.call("a", 1, { signal: controller.signal }));
    const { id } = rig.socket.last("call");
    controller.abort(new Error("never mind"));
    assert.deepEqual(rig.socket.last("cancel"), { verb: "cancel", id });
    rig.socket.receive(`{"ok":${id},"d":1}`);
    await settled();
    assert.equal(String(aborted.outcome), "Error: never mind");
    const late = watch(rig.live.call("b", 1, { timeoutMs: 100 }));
    await rig.time.advance(100);
    assert.equal(late.outcome, "timeout");
    assert.equal(rig.socket.all("cancel").length, 2);
  });

  it("that was answered is not cancelled any more", async () => {
    const rig = new Rig();
    await rig.open();
    const controller = new AbortController();
    const answer = rig.live.call("a", 1, { signal: controller.signal });
    rig.ok("call", {}, "1");
    assert.equal(await answer, 1);
    controller.abort();
    await rig.time.advance(10_000);
    assert.deepEqual(rig.socket.all("cancel"), []);
  });

  it("with a signal that is aborted already is not sent", async () => {
    const rig = new Rig();
    await rig.open();
    await assert.rejects(rig.live.call("a", 1, { signal: AbortSignal.abort(new Error("no")) }), /no/);
    assert.equal(rig.socket.all("call").length, 0);
  });

  it("goes in bytes, and comes in bytes", async () => {
    const rig = new Rig();
    await rig.open();
    const answer = rig.live.call("resize", Uint8Array.of(1, 2));
    const { id, payload } = rig.socket.last("call");
    assert.ok(payload?.binary);
    const { writeBinaryOk } = await import("@hawser/wire/server");
    rig.socket.receive(writeBinaryOk(id, Uint8Array.of(3)));
    assert.deepEqual(await answer, Uint8Array.of(3));
  });
});
