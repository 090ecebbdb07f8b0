/** Practices 2 and 3 when the process was held up: a debugger, a paused container, a laptop asleep. Nobody is to be blamed for that. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { WebSocket } from "ws";
import { sleep, until } from "../harness/concurrency.js";
import { encodeFrame, frame, PING } from "../harness/frames.js";
import { upgradeRequest } from "../harness/http.js";
import { notOnWindows } from "../harness/platform.js";
import type { RawClient } from "../harness/raw-client.js";
import { serve } from "../harness/server.js";
import { gate, type Rig, standsStill, startRig, stepUntil, turns } from "../harness/rig.js";
import type { StepClock } from "../harness/step-clock.js";

/** A client that answers each ping, as all do. */
function answers(peer: RawClient): () => Promise<void> {
  let answered = 0;
  return async () => {
    const pings = peer.frames().filter(({ opcode }) => opcode === PING);
    for (const { payload } of pings.slice(answered)) await peer.sendFrame(frame.pong(payload));
    answered = pings.length;
  };
}

async function crowd(rig: Rig<undefined>, size: number): Promise<(() => Promise<void>)[]> {
  const crowd = [];
  for (let i = 0; i < size; i++) {
    crowd.push(answers((await rig.connect()).peer));
    // Their pings fall on different times.
    rig.clock.advance(1_700);
  }
  return crowd;
}

/** So long in steps, after each of which everybody who was pinged has answered and was heard. */
async function goOn(rig: Rig<undefined>, healthy: (() => Promise<void>)[], ms: number, stepMs = 500): Promise<void> {
  for (let gone = 0; gone < ms; gone += stepMs) {
    rig.clock.advance(stepMs);
    await turns();
    for (const answer of healthy) await answer();
    await turns();
  }
}

const STALLS: Readonly<Record<string, (clock: StepClock) => void>> = {
  "a stop of 62 s": (clock) => clock.leap(62_000),
  "a third of pongWaitMs": (clock) => clock.leap(20_000),
  "a night": (clock) => clock.leap(8 * 3_600_000),
  "a clock that goes back": (clock) => clock.leap(-3_600_000),
};

describe("the heartbeat, after the process was held up", () => {
  for (const [name, stall] of Object.entries(STALLS)) {
    it(`calls nobody silent who answers when he is asked, and finds who does not: ${name}`, async (test) => {
      const rig = await startRig(test);
      const healthy = await crowd(rig, 20);
      const { client: silent } = await rig.connect();
      await goOn(rig, healthy, 30_000);
      stall(rig.clock);
      await goOn(rig, healthy, 61_000);
      assert.deepEqual(
        rig.closed.map(({ client, disconnect }) => [client === silent, disconnect.cause]),
        [[true, "heartbeat-timeout"]],
      );
      await goOn(rig, healthy, 120_000, 1_000);
      assert.equal(rig.server.clients.size, 20);
    });
  }

  it("is not deceived by many short ones, of which the process does nothing else half of its time", async (test) => {
    const rig = await startRig(test, { pongWaitMs: 3_000 });
    const healthy = [];
    for (let i = 0; i < 10; i++) healthy.push(answers((await rig.connect()).peer));
    const { client: silent } = await rig.connect();
    let silentFor = 0;
    for (let i = 0; i < 20; i++) {
      rig.clock.leap(400);
      await goOn(rig, healthy, 400, 50);
      if (silent.isOpen) silentFor += 800;
    }
    assert.equal(rig.closed.length, 1);
    assert.ok(silentFor <= 6_000, `found after ${silentFor} ms of twice 3,000`);
    assert.equal(rig.server.clients.size, 10);
  });

  it("does not call silent who could not be pinged, being behind, but takes what it is sent", async (test) => {
    const rig = await startRig(test, { maxBacklogBytes: 256 * 1024 * 1024, writeWaitMs: 50_000 });
    const { peer, client } = await rig.connect();
    peer.socket.pause();
    client.send(Buffer.alloc(128 * 1024 * 1024));
    for (let i = 0; i < 4; i++) {
      const before = client.bufferedBytes;
      peer.socket.resume();
      await until(() => client.bufferedBytes < before, "progress");
      peer.socket.pause();
      rig.clock.advance(20_000);
    }
    assert.ok(client.isOpen, "80 s, of which it had no chance to say anything");
    assert.equal(rig.server.stats.pings, 0);
  });

  it("holds for a real process that is stopped and goes on", { skip: notOnWindows("SIGSTOP") }, async (test) => {
    const server = await serve(["--echo", "--pong-wait-ms", "3000", "--ping-period-ms", "500"]);
    test.after(() => server.stop());
    const healthy = Array.from({ length: 10 }, () => new WebSocket(server.url));
    const silent = new WebSocket(server.url, { autoPong: false });
    await Promise.all([...healthy, silent].map((client) => new Promise((open) => client.once("open", open))));
    test.after(() => healthy.forEach((client) => client.terminate()));
    server.signal("SIGSTOP");
    await sleep(3_500);
    server.signal("SIGCONT");
    const line = await server.waitForEvent("disconnect");
    assert.equal(line["cause"], "heartbeat-timeout");
    await new Promise((closed) =>
      silent.readyState === WebSocket.CLOSED ? closed(null) : silent.once("close", closed),
    );
    assert.ok(healthy.every((client) => client.readyState === WebSocket.OPEN));
    assert.equal(server.lines.filter(({ event }) => event === "disconnect").length, 1);
  });
});

describe("the other deadlines, after the process was held up for longer than they are", () => {
  it("write: who takes some once he can is not cut, who takes none is", async (test) => {
    const rig = await startRig(test, { pongWaitMs: 3_600_000, maxBacklogBytes: 64 * 1024 * 1024 });
    const [reads, stalls] = [await rig.connect(), await rig.connect()];
    for (const { peer, client } of [reads, stalls]) {
      peer.socket.pause();
      client.send(Buffer.alloc(24 * 1024 * 1024));
      await standsStill(() => client.bufferedBytes);
    }
    rig.clock.advance(5_000);
    rig.clock.leap(62_000);
    rig.clock.advance(100);
    assert.ok(reads.client.isOpen && stalls.client.isOpen);
    const before = reads.client.bufferedBytes;
    reads.peer.socket.resume();
    await until(() => reads.client.bufferedBytes < before, "progress");
    rig.clock.advance(5_000);
    assert.deepEqual([reads.client.isOpen, stalls.client.isOpen], [true, false]);
    assert.equal((await rig.nextClosed()).cause, "write-timeout");
  });

  it("message: what came meanwhile is read first", async (test) => {
    const rig = await startRig(test, { messageTimeoutMs: 10_000 });
    const [whole, half] = [await rig.connect(), await rig.connect()];
    const bytes = encodeFrame(frame.text("hello"));
    for (const { peer } of [whole, half]) {
      const { bytesRead } = rig.requests[0]!.raw.socket;
      await peer.sendBytes(bytes.subarray(0, 5));
      if (peer === whole.peer) await until(() => rig.requests[0]!.raw.socket.bytesRead > bytesRead, "the first half");
    }
    await until(() => rig.requests.every(({ raw }) => raw.socket.bytesRead > 5), "both");
    await turns();
    rig.clock.leap(62_000);
    await whole.peer.sendBytes(bytes.subarray(5));
    await until(() => whole.client.messagesIn === 1, "the message");
    rig.clock.advance(9_000);
    assert.ok(half.client.isOpen);
    rig.clock.advance(1_000);
    await half.peer.expectClose(1008);
    assert.ok(whole.client.isOpen);
  });

  it("idle: who has sent something meanwhile was not idle", async (test) => {
    const rig = await startRig(test, { idleTimeoutMs: 30_000 });
    const { peer, client } = await rig.connect();
    rig.clock.advance(20_000);
    rig.clock.leap(62_000);
    await peer.sendFrame(frame.text("here"));
    await until(() => client.messagesIn === 1, "the message");
    rig.clock.advance(29_000);
    assert.ok(client.isOpen);
    rig.clock.advance(1_500);
    assert.ok(!client.isOpen);
  });

  it("close: the answer that lies there counts", async (test) => {
    const rig = await startRig(test);
    const [clean, deaf] = [await rig.connect(), await rig.connect({ keepHalfOpen: true })];
    for (const { client } of [clean, deaf]) client.close(4000);
    await clean.peer.nextEvent();
    rig.clock.leap(62_000);
    rig.clock.advance(50);
    assert.equal(rig.closed.length, 0);
    await clean.peer.sendFrame(frame.close(4000));
    assert.ok((await rig.nextClosed()).wasClean);
    rig.clock.advance(5_000);
    assert.equal((await rig.nextClosed()).wasClean, false);
  });

  it("handshake: authenticate has its whole time", async (test) => {
    const decision = gate<undefined>();
    let asked = 0;
    const rig = await startRig(test, { authenticate: () => (asked++, decision.promise) });
    const peer = await rig.dial();
    await peer.sendBytes(upgradeRequest(rig.url));
    await until(() => asked === 1, "authenticate");
    rig.clock.leap(62_000);
    rig.clock.advance(9_000);
    decision.open(undefined);
    assert.equal((await peer.nextResponse())!.status, 101);
  });

  it("shutdown: who has answered meanwhile is clean, and the grace ends all the same", async (test) => {
    const rig = await startRig(test);
    const [clean, deaf] = [await rig.connect(), await rig.connect({ keepHalfOpen: true })];
    const report = rig.server.close();
    await clean.peer.nextEvent();
    await deaf.peer.nextEvent();
    rig.clock.leap(62_000);
    assert.equal(rig.closed.length, 0);
    await clean.peer.sendFrame(frame.close(1001));
    assert.ok((await rig.nextClosed()).wasClean);
    await stepUntil(rig.clock, () => rig.closed.length === 2, "the end of the grace");
    const { clean: answered, cut } = await report;
    assert.deepEqual([answered, cut], [1, 1]);
  });
});
