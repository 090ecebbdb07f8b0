/** What is counted while a server works: publishes, pings, handlers. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { until } from "../harness/concurrency.js";
import { encodeFrame, frame } from "../harness/frames.js";
import { gate, startRig, stepUntil } from "../harness/rig.js";

describe("stats", () => {
  it("count publishes and what they deliver", async (test) => {
    const rig = await startRig(test, {
      open: (client) => client.subscribe("room"),
    });
    const { client } = await rig.connect();
    await rig.connect();
    rig.server.publish("room", "to both");
    rig.server.publish("room", "to one", { except: client });
    rig.server.publish("nobody's", "to none");
    assert.equal(rig.server.stats.published, 3);
    assert.equal(rig.server.stats.deliveries, 3);
    assert.equal(rig.server.stats.messagesOut, 3);
    assert.equal(rig.server.topicCount, 1);
  });

  it("count pings, and how long their answers took", async (test) => {
    const rig = await startRig(test, { pongWaitMs: 10_000, pingPeriodMs: 4000 });
    const { peer, client } = await rig.connect();
    await stepUntil(rig.clock, () => rig.server.stats.pings === 1, "a ping", 100);
    const ping = await peer.nextEvent();
    assert.equal(ping?.type, "ping");
    rig.clock.advance(120);
    await peer.sendFrame(frame.pong((ping as { bytes: Buffer }).bytes));
    await until(() => client.rttMs !== null, "the pong");
    const { roundTrips } = rig.server.stats;
    assert.equal(roundTrips.count, 1);
    assert.equal(roundTrips.sumMs, client.rttMs);
    assert.ok(roundTrips.sumMs >= 120, `${roundTrips.sumMs} ms`);
    // One that answers nothing says nothing.
    await peer.sendFrame(frame.pong("abcd"));
    await peer.sendFrame(frame.text("after it"));
    await until(() => rig.server.stats.messagesIn === 1, "the message after it");
    assert.equal(roundTrips.count, 1);
  });

  it("count the handlers' times, and those that are pending", async (test) => {
    const held = gate();
    const rig = await startRig(test, {
      message: (_client, message) => (message.text() === "wait" ? held.promise : undefined),
    });
    const { peer } = await rig.connect();
    const { handlerTimes } = rig.server.stats;
    await peer.sendFrame(frame.text("go"));
    await until(() => handlerTimes.message.count === 1, "the first message");
    await peer.sendFrame(frame.text("wait"));
    await until(() => rig.server.pendingHandlers === 1, "the second message");
    assert.equal(handlerTimes.message.count, 1, "it takes until its promise is settled");
    held.open();
    await until(() => rig.server.pendingHandlers === 0, "its end");
    assert.equal(handlerTimes.message.count, 2);
    await peer.close();
    await rig.nextClosed();
    assert.equal(handlerTimes.open.count, 1);
    await until(() => handlerTimes.close.count === 1, "the end of close");
  });

  it("count handlers that fail, and time them too", async (test) => {
    const rig = await startRig(test, {
      message(_client, message) {
        if (message.text() === "throw") throw new Error("thrown");
        return Promise.reject(new Error("rejected"));
      },
    });
    for (const text of ["throw", "reject"]) {
      const { peer } = await rig.connect();
      await peer.sendFrame(frame.text(text));
      await peer.expectClose(1011);
    }
    assert.deepEqual(rig.server.stats.handlerErrors, { open: 0, message: 2, drain: 0, close: 0 });
    assert.equal(rig.server.stats.handlerTimes.message.count, 2);
    assert.equal(rig.server.pendingHandlers, 0);
  });

  it("time a sample of a flood", async (test) => {
    const rig = await startRig(test, { message() {} });
    const { peer } = await rig.connect();
    // The rig's clock stands still: all of them arrive within one millisecond.
    await peer.sendBytes(Buffer.concat(Array.from({ length: 200 }, () => encodeFrame(frame.text("x")))));
    await until(() => rig.server.stats.messagesIn === 200, "all of them");
    assert.equal(rig.server.stats.handlerTimes.message.count, 10);
  });

  it("know how many handshakes wait, and what the limits are", async (test) => {
    const held = gate();
    const rig = await startRig(test, { authenticate: () => held.promise, maxClients: 7 });
    const peer = await rig.dial();
    const answer = peer.handshake();
    await until(() => rig.server.pendingHandshakes === 1, "the handshake");
    held.open();
    assert.equal((await answer).status, 101);
    assert.equal(rig.server.pendingHandshakes, 0);
    assert.equal(rig.server.limits.maxClients, 7);
  });
});
