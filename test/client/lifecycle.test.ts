/** A page goes offline, to sleep, out of sight, and into the back/forward cache. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { writeBye } from "@hawser/wire/server";
import { PING_MS, Rig } from "./harness/rig.js";
import { settled } from "./harness/step-time.js";

describe("offline and online", () => {
  it("offline: the socket is closed at once, for its close may never be told", async () => {
    const rig = new Rig();
    await rig.open();
    rig.event("offline");
    assert.equal(rig.socket.closedBy, 1000);
    assert.ok(rig.state.phase === "waiting" && rig.state.why === "offline");
  });

  it("online: it is tried at once, however long it would have waited, and the range begins anew", async () => {
    const rig = new Rig();
    for (let attempt = 0; attempt < 10; attempt++) {
      await settled();
      rig.socket.end();
      if (attempt < 9) await rig.time.advance(20_000);
    }
    rig.random = 1;
    rig.event("online");
    await settled();
    assert.equal(rig.sockets.length, 11);
    rig.socket.end();
    await rig.time.advance(1_000);
    assert.equal(rig.sockets.length, 12);
    await rig.open();
    await rig.time.advance(20_000);
    assert.equal(rig.sockets.length, 12, "what it would have waited for is forgotten");
  });

  it("online twice is one attempt", async () => {
    const rig = new Rig();
    rig.random = 1;
    await rig.open();
    rig.socket.end();
    rig.event("online");
    rig.event("online");
    await rig.open();
    await rig.time.advance(20_000);
    assert.equal(rig.sockets.length, 2);
    assert.equal(rig.phase, "open");
  });

  it("a browser that is wrong about being offline does not keep the client from trying", async () => {
    const rig = new Rig();
    await rig.open();
    rig.event("offline");
    await rig.time.advance(1_000);
    await rig.open();
    assert.equal(rig.phase, "open");
  });

  it("online with an open connection: asks it whether it is still there, for the network may be another", async () => {
    const rig = new Rig();
    await rig.open();
    rig.event("online");
    assert.equal(rig.socket.all("ping").length, 1);
    await rig.time.advance(2_000);
    assert.ok(rig.state.phase === "waiting" && rig.state.why === "silent");
  });

  it("does not come back before the time that the server gave", async () => {
    const rig = new Rig();
    await rig.open();
    rig.socket.receive(writeBye("drain", 10_000));
    rig.socket.end(1001);
    await rig.time.advance(5_000);
    rig.event("online");
    rig.visibility("visible");
    await settled();
    assert.equal(rig.sockets.length, 1);
    await rig.time.advance(5_000);
    assert.equal(rig.sockets.length, 2);
  });

  it("changes nothing while a connection is being made", async () => {
    const rig = new Rig();
    await settled();
    rig.event("online");
    rig.visibility("visible");
    await settled();
    assert.equal(rig.sockets.length, 1);
    rig.event("offline");
    assert.equal(rig.phase, "waiting");
  });
});

describe("a page that is seen again, or goes on after it was frozen", () => {
  for (const [what, wake] of [
    ["visibilitychange", (rig: Rig) => rig.visibility("visible")],
    ["resume", (rig: Rig) => rig.page.document.dispatchEvent(new Event("resume"))],
  ] as const) {
    it(`${what}: a connection that was silent for longer than ping is asked, and stays if it answers`, async () => {
      const rig = new Rig();
      await rig.open();
      await rig.time.advance(PING_MS + 1);
      wake(rig);
      assert.equal(rig.socket.all("ping").length, 1);
      rig.socket.receive("{}");
      await rig.time.advance(2_000);
      assert.equal(rig.phase, "open");
    });

    it(`${what}: one that has just been heard of is left alone`, async () => {
      const rig = new Rig();
      await rig.open();
      await rig.time.advance(PING_MS);
      wake(rig);
      assert.equal(rig.socket.all("ping").length, 0);
    });

    it(`${what}: one that was lost is tried at once`, async () => {
      const rig = new Rig();
      await rig.open();
      rig.socket.end();
      wake(rig);
      await settled();
      assert.equal(rig.sockets.length, 2);
    });
  }

  it("hidden means nothing", async () => {
    const rig = new Rig();
    await rig.open();
    await rig.time.advance(PING_MS + 1);
    rig.visibility("hidden");
    assert.equal(rig.socket.all("ping").length, 0);
  });
});

describe("the back/forward cache", () => {
  it("pagehide closes, pageshow opens again and resumes", async () => {
    const rig = new Rig();
    const heard: unknown[] = [];
    rig.live.topic("room").subscribe({ message: (data) => heard.push(data) });
    await rig.open();
    rig.ok("hello");
    rig.socket.receive('{"ok":2,"o":5,"e":"a"}');
    rig.event("pagehide");
    assert.equal(rig.socket.closedBy, 1000);
    assert.deepEqual(rig.state, { phase: "idle" });
    await rig.time.leap(3_600_000);
    assert.equal(rig.sockets.length, 1);
    rig.event("pageshow");
    await rig.open();
    assert.deepEqual(rig.socket.last("hello").subs, [{ topic: "room", position: { offset: 5, epoch: "a" } }]);
  });

  it("the pageshow of a page that is new changes nothing", async () => {
    const rig = new Rig();
    await settled();
    rig.event("pageshow");
    await rig.open();
    rig.event("pageshow");
    await settled();
    assert.equal(rig.sockets.length, 1);
    assert.equal(rig.phase, "open");
  });

  it("an attempt that waits ends with pagehide, and nothing brings it back but pageshow", async () => {
    const rig = new Rig();
    await rig.open();
    rig.socket.end();
    rig.event("pagehide");
    assert.equal(rig.time.timers, 0);
    rig.event("online");
    await rig.time.advance(60_000);
    assert.equal(rig.sockets.length, 1);
    rig.event("pageshow");
    await settled();
    assert.equal(rig.sockets.length, 2);
  });
});
