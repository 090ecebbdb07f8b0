/** One socket at a time, and another one whenever it ends. */
import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { describe, it } from "node:test";
import { writeBye, writeErr, writeHello } from "@hawser/wire/server";
import { FakeSocket } from "./harness/fake-socket.js";
import { PING_MS, Rig } from "./harness/rig.js";
import { settled } from "./harness/step-time.js";

describe("a connection", () => {
  it("begins with a hello, and is open when the server has answered it", async () => {
    const rig = new Rig();
    await settled();
    assert.deepEqual([rig.socket.url, rig.socket.offered], ["ws://hub.test/", "hawser.v1"]);
    rig.socket.accept();
    assert.deepEqual(rig.socket.sent, [{ verb: "hello", id: 1, token: undefined, subs: [] }]);
    assert.equal(rig.phase, "connecting");
    rig.socket.receive(writeHello({ client: "c1", ping: PING_MS, user: "u7" }));
    assert.deepEqual(rig.state, { phase: "open", client: "c1", user: "u7", degraded: false });
    assert.deepEqual(
      rig.states.map(({ phase }) => phase),
      ["idle", "connecting", "open"],
    );
  });

  it("lost, comes back after a random time between 0 and 1 s, then in a range that doubles up to 20 s", async () => {
    const rig = new Rig();
    rig.random = 0.999_999;
    await rig.open();
    await rig.time.advance(10_000);
    for (const bound of [1_000, 2_000, 4_000, 8_000, 16_000, 20_000, 20_000]) {
      const count = rig.sockets.length;
      rig.socket.end();
      assert.equal(rig.phase, "waiting");
      await rig.time.advance(bound - 1);
      assert.equal(rig.sockets.length, count);
      await rig.time.advance(1);
      assert.equal(rig.sockets.length, count + 1);
    }
  });

  it("may come back at once, and tells when it will", async () => {
    const rig = new Rig();
    rig.random = 0;
    await rig.open();
    const before = Date.now();
    rig.socket.end(1011);
    const { state } = rig;
    assert.ok(state.phase === "waiting" && state.retryAt >= before && state.retryAt <= Date.now());
    assert.deepEqual([state.why, state.code], ["lost", 1011]);
    await rig.time.advance(0);
    assert.equal(rig.sockets.length, 2);
  });

  it("that lasted less than 10 s does not reset the range", async () => {
    const rig = new Rig();
    rig.random = 1;
    for (const [lasts, waits] of [
      [9_999, 1_000],
      [9_999, 2_000],
      [9_999, 4_000],
      [10_000, 1_000],
    ] as const) {
      await rig.open();
      await rig.time.advance(lasts);
      rig.socket.end();
      const count = rig.sockets.length;
      await rig.time.advance(waits - 1);
      assert.equal(rig.sockets.length, count);
      await rig.time.advance(1);
      assert.equal(rig.sockets.length, count + 1);
    }
  });

  it("is tried for as long as it takes", async () => {
    const rig = new Rig();
    for (let attempt = 1; attempt <= 500; attempt++) {
      await settled();
      assert.equal(rig.sockets.length, attempt);
      rig.socket.end();
      await rig.time.advance(20_000);
    }
  });

  it("comes back exactly when the server has said", async () => {
    const rig = new Rig();
    await rig.open();
    rig.socket.receive(writeBye("drain", 3_200));
    rig.socket.end(1001);
    assert.ok(rig.state.phase === "waiting" && rig.state.why === "drain");
    await rig.time.advance(3_199);
    assert.equal(rig.sockets.length, 1);
    await rig.time.advance(1);
    assert.equal(rig.sockets.length, 2);
    // Once: the next time it is as ever.
    rig.socket.end();
    await rig.time.advance(1_000);
    assert.equal(rig.sockets.length, 3);
  });

  it("is given up when no hello comes, and tried again", async () => {
    const rig = new Rig();
    await settled();
    rig.socket.accept();
    await rig.time.advance(19_999);
    assert.equal(rig.phase, "connecting");
    await rig.time.advance(1);
    assert.ok(rig.state.phase === "waiting" && rig.state.why === "unreachable");
    assert.equal(rig.socket.closedBy, 1000);
  });

  it("is not open for anything but a hello", async () => {
    const rig = new Rig();
    await settled();
    rig.socket.accept();
    for (const frame of ['{"err":0,"code":"bad-request"}', '{"ok":1}', "{}", '{"pub":"a","d":1}', "nonsense"]) {
      rig.socket.receive(frame);
      assert.equal(rig.phase, "connecting");
    }
    rig.socket.receive(writeHello({ client: "c1", ping: PING_MS }));
    assert.equal(rig.phase, "open");
  });

  it("to what is no hub is not one", async () => {
    const rig = new Rig();
    await settled();
    rig.socket.accept("");
    assert.ok(rig.state.phase === "waiting" && rig.state.why === "no-hub");
    assert.deepEqual(rig.socket.sent, []);
  });

  it("that the constructor refuses is reported, and tried again", async () => {
    let times = 0;
    const rig = new Rig({
      construct(url, protocol) {
        if (times++ === 0) throw new Error("insecure");
        return new FakeSocket(url, protocol);
      },
    });
    await settled();
    assert.equal(String(rig.reported), "Error: insecure");
    await rig.time.advance(1_000);
    await rig.open();
    assert.equal(rig.phase, "open");
  });

  it("of which the hello is refused for a moment waits as long as it is told", async () => {
    const rig = new Rig();
    await settled();
    rig.socket.accept();
    rig.socket.receive(writeErr(1, "limit", "too many", 5_000));
    assert.ok(rig.state.phase === "waiting" && rig.state.why === "limit");
    await rig.time.advance(4_999);
    assert.equal(rig.sockets.length, 1);
    await rig.time.advance(1);
    assert.equal(rig.sockets.length, 2);
  });
});

describe("an end that is final", () => {
  for (const code of [1002, 1003, 1007, 1009, 4403]) {
    it(`${code}: three times in a row is for good`, async () => {
      const rig = new Rig();
      for (let time = 1; time <= 3; time++) {
        assert.notEqual(rig.phase, "closed");
        await rig.open();
        rig.socket.end(code);
        await rig.time.advance(20_000);
      }
      assert.deepEqual(rig.state, { phase: "closed", why: "refused", code });
      // Not `lost`, after which many a program asks again at once.
      await assert.rejects(rig.live.call("time"), { code: "refused" });
      assert.equal(rig.sockets.length, 3);
      assert.equal(rig.time.timers, 0);
    });
  }

  it("is not, with another one between, or after a connection that lasted", async () => {
    const rig = new Rig();
    const end = async (code: number, lasts = 0): Promise<void> => {
      await rig.open();
      await rig.time.advance(lasts);
      rig.socket.end(code);
      await rig.time.advance(20_000);
    };
    for (const code of [1002, 1002, 1006, 1002, 1002, 1009, 1002]) await end(code);
    for (let time = 0; time < 5; time++) await end(1002, 10_000);
    await rig.open();
    assert.equal(rig.phase, "open");
  });

  it("keeps the server's word for it", async () => {
    const rig = new Rig();
    for (let time = 1; time <= 3; time++) {
      const socket = await rig.open();
      socket.receive(writeBye("forbidden"));
      socket.end(4403);
      await rig.time.advance(20_000);
    }
    assert.deepEqual(rig.state, { phase: "closed", why: "forbidden", code: 4403 });
  });

  it("may be a word in answer to the hello", async () => {
    const rig = new Rig();
    for (let time = 1; time <= 3; time++) {
      await settled();
      rig.socket.accept();
      rig.err("hello", "forbidden");
      await rig.time.advance(20_000);
    }
    assert.deepEqual(rig.state, { phase: "closed", why: "forbidden", code: undefined });
  });
});

describe("one socket at a time", () => {
  it("partykit#929, wire-webapp#21448: what an old socket still says is not heard", async () => {
    const rig = new Rig();
    const old = await rig.open();
    const { onmessage, onclose } = old;
    rig.event("offline");
    await rig.time.advance(1_000);
    await rig.open();
    old.receive(writeBye("drain", 1));
    old.end(1001);
    assert.deepEqual([old.onmessage, old.onclose], [null, null]);
    assert.ok(onmessage !== null && onclose !== null);
    assert.equal(rig.phase, "open");
    assert.equal(rig.sockets.length, 2);
  });

  it("close ends it for good: no timer, no listener, no socket", async () => {
    const rig = new Rig();
    await rig.open();
    rig.live.close();
    assert.deepEqual(rig.state, { phase: "closed", why: "closed", code: undefined });
    assert.equal(rig.socket.closedBy, 1000);
    assert.equal(rig.time.timers, 0);
    for (const event of ["online", "pageshow", "pagehide", "offline"]) {
      assert.deepEqual(getEventListeners(rig.page, event), []);
      rig.event(event);
    }
    rig.live.close();
    await rig.time.advance(60_000);
    assert.equal(rig.sockets.length, 1);
    assert.equal(rig.states.filter(({ phase }) => phase === "closed").length, 1);
  });

  it("closed before it has begun, it never begins", async () => {
    const rig = new Rig();
    rig.live.close();
    await rig.time.advance(60_000);
    assert.equal(rig.sockets.length, 0);
  });
});

describe("a server that is silent", () => {
  it("is asked after ping and 8 s, and left 2 s later", async () => {
    const rig = new Rig();
    await rig.open();
    await rig.time.advance(PING_MS + 7_999);
    assert.equal(rig.socket.all("ping").length, 0);
    await rig.time.advance(1);
    assert.equal(rig.socket.all("ping").length, 1);
    await rig.time.advance(1_999);
    assert.equal(rig.phase, "open");
    await rig.time.advance(1);
    assert.ok(rig.state.phase === "waiting" && rig.state.why === "silent");
    assert.equal(rig.socket.closedBy, 1000);
  });

  it("that answers stays, whatever it says", async () => {
    const rig = new Rig();
    await rig.open();
    for (const frame of ["{}", "not for this client", '{"later":1}', Uint8Array.of(255)]) {
      await rig.time.advance(PING_MS + 8_000);
      rig.socket.receive(frame);
      assert.equal(rig.phase, "open");
    }
    await rig.time.advance(2_000);
    assert.equal(rig.phase, "open");
    assert.equal(rig.socket.all("ping").length, 4);
  });

  it("has one timer, which messages do not touch", async () => {
    const rig = new Rig();
    await rig.open();
    const { set } = rig.time;
    for (let count = 0; count < 1_000; count++) {
      await rig.time.advance(1);
      rig.socket.receive("{}");
    }
    assert.equal(rig.time.set, set);
    assert.equal(rig.time.timers, 1);
  });

  it("is asked and not judged when the timer comes late, as often as it takes", async () => {
    const rig = new Rig();
    await rig.open();
    await rig.time.leap(3_600_000);
    assert.equal(rig.socket.all("ping").length, 1);
    assert.equal(rig.phase, "open");
    // Frozen again before the answer could be read.
    await rig.time.leap(3_600_000);
    assert.equal(rig.socket.all("ping").length, 2);
    assert.equal(rig.phase, "open");
    rig.socket.receive("{}");
    await rig.time.advance(2_000);
    assert.equal(rig.phase, "open");
  });
});
