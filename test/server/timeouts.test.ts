/** Practices 2 and 3: every wait has an end, and pings tell who is there. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Client } from "#hawser/index.js";
import { until } from "../harness/concurrency.js";
import { encodeFrame, frame, PING, TEXT } from "../harness/frames.js";
import type { RawClient } from "../harness/raw-client.js";
import { gate, type Rig, standsStill, startRig, stepUntil } from "../harness/rig.js";

/** Sends, and waits until the server has read it. */
async function heard(rig: Rig<undefined>, peer: RawClient, bytes: Uint8Array): Promise<void> {
  const before = rig.server.stats.messagesIn;
  await peer.sendBytes(bytes);
  await until(() => rig.server.stats.messagesIn > before, "the message");
}

describe("read deadline", () => {
  it("cuts a silent client at pongWaitMs, not before: heartbeat-timeout, 1006, no close frame", async (test) => {
    const rig = await startRig(test);
    const { peer, client } = await rig.connect();
    rig.clock.advance(59_950);
    assert.ok(client.isOpen);
    rig.clock.advance(150);
    assert.ok(!client.isOpen);
    const end = await rig.nextClosed();
    assert.deepEqual([end.cause, end.code, end.initiator, end.wasClean], ["heartbeat-timeout", 1006, "server", false]);
    assert.equal((await peer.ended()).close, undefined);
    const duration = Number(rig.log.of("disconnect")[0]!["durationMs"]);
    assert.ok(duration >= 60_000 && duration <= 60_100);
    assert.equal(rig.server.clients.size, 0);
  });

  it("takes any frame for life: a pong, a ping, a message, a part of one", async (test) => {
    const rig = await startRig(test, { messageTimeoutMs: 86_400_000 });
    const { peer, client } = await rig.connect();
    const socket = watchReads(rig);
    const lives = [frame.pong(), frame.ping(), frame.text("hello"), frame.text("a", { fin: false }), frame.next("b")];
    for (const sign of lives) {
      rig.clock.advance(40_000);
      await socket.read(() => peer.sendFrame(sign));
    }
    rig.clock.advance(40_000);
    assert.ok(client.isOpen, "200 s, and heard all along");
    rig.clock.advance(20_100);
    assert.equal((await rig.nextClosed()).cause, "heartbeat-timeout");
  });

  it("keeps a client that answers pings for as long as it does", async (test) => {
    const rig = await startRig(test);
    const { peer, client } = await rig.connect();
    for (let i = 0; i < 5; i++) {
      let ping: Buffer | undefined;
      await stepUntil(rig.clock, () => (ping = pings(peer)[i]) !== undefined, "a ping", 1_000);
      const answered = client.rttMs;
      rig.clock.advance(37);
      await peer.sendFrame(frame.pong(ping));
      await until(() => client.rttMs !== answered || i > 0, "the pong");
    }
    assert.ok(rig.clock.now() - client.connectedAt > 4 * 54_000);
    assert.ok(client.isOpen);
  });

  it("does not blame a client for what the server does not read", async (test) => {
    const handler = gate();
    const rig = await startRig(test, { message: () => handler.promise });
    const { peer, client } = await rig.connect();
    const socket = watchReads(rig);
    await heard(rig, peer, encodeFrame(frame.text("slow")));
    // What comes while the handler is pending makes the server leave off reading.
    await socket.read(() => peer.sendFrame(frame.pong()));
    rig.clock.advance(600_000);
    assert.ok(client.isOpen);
    handler.open();
  });

  it("does not take a pending handler for a sign of life", async (test) => {
    const handler = gate();
    const rig = await startRig(test, { message: () => handler.promise });
    const { peer } = await rig.connect();
    await heard(rig, peer, encodeFrame(frame.text("slow")));
    rig.clock.advance(60_200);
    handler.open();
    assert.equal((await rig.nextClosed()).cause, "heartbeat-timeout");
  });
});

describe("heartbeat", () => {
  it("pings on schedule, and measures the round trip", async (test) => {
    const rig = await startRig(test);
    const { peer, client } = await rig.connect();
    assert.equal(client.rttMs, null);
    rig.clock.advance(40_400);
    assert.equal(pings(peer).length, 0, "not before three quarters of the period");
    await stepUntil(rig.clock, () => pings(peer).length === 1, "the first ping", 250);
    assert.ok(rig.clock.now() - client.connectedAt <= 54_000 + 2_000);
    const sentAt = rig.clock.now();
    rig.clock.advance(25);
    await peer.sendFrame(frame.pong(pings(peer)[0]));
    await until(() => client.rttMs !== null, "the pong");
    assert.ok(client.rttMs! >= 25 && client.rttMs! <= rig.clock.now() - sentAt + 2_000, `${client.rttMs} ms`);
    await stepUntil(rig.clock, () => pings(peer).length === 2, "the second ping", 500);
    assert.notDeepEqual(pings(peer)[0], pings(peer)[1]);
  });

  it("follows pingPeriodMs, and 9/10 of pongWaitMs without it", async (test) => {
    const rig = await startRig(test, { pingPeriodMs: 1_000 });
    const { peer } = await rig.connect();
    for (let i = 0; i < 10; i++) {
      rig.clock.advance(1_000);
      await until(() => pings(peer).length >= i, "a ping");
    }
    await until(() => pings(peer).length >= 9, "the pings of ten seconds");
    assert.ok(pings(peer).length <= 10);
  });

  it("spreads the pings of clients that came at once", async (test) => {
    const rig = await startRig(test, { pongWaitMs: 1_000_000, pingPeriodMs: 100_000 });
    const peers: RawClient[] = [];
    for (let i = 0; i < 40; i++) peers.push((await rig.connect()).peer);
    const counts: number[] = [];
    rig.clock.advance(75_000);
    for (let step = 0; step < 6; step++) {
      rig.clock.advance(5_000);
      const { peer } = await rig.connect();
      await peer.close();
      counts.push(peers.filter((each) => pings(each).length > 0).length);
    }
    assert.ok(counts[1]! > 0 && counts[1]! < 40, `pinged so far: ${counts.join(", ")}`);
    await until(() => peers.every((each) => pings(each).length > 0), "a ping for each");
  });
});

describe("write deadline", () => {
  it("cuts a client that takes none of what is queued for writeWaitMs", async (test) => {
    const rig = await startRig(test, { maxBacklogBytes: 64 * 1024 * 1024 });
    const { peer, client } = await rig.connect();
    peer.socket.pause();
    assert.equal(client.send(Buffer.alloc(32 * 1024 * 1024)), "queued");
    await standsStill(() => client.bufferedBytes);
    rig.clock.advance(9_900);
    assert.ok(client.isOpen, "no deadline has passed");
    rig.clock.advance(300);
    assert.ok(!client.isOpen);
    const end = await rig.nextClosed();
    assert.deepEqual([end.cause, end.code], ["write-timeout", 1006]);
    assert.equal(rig.log.of("disconnect")[0]!.level, "warn");
    assert.equal(rig.server.backlogBytes, 0);
  });

  it("lets a slow client be that takes a little now and then", async (test) => {
    const rig = await startRig(test, { pongWaitMs: 3_600_000, maxBacklogBytes: 64 * 1024 * 1024 });
    const { peer, client } = await rig.connect();
    peer.socket.pause();
    client.send(Buffer.alloc(48 * 1024 * 1024));
    for (let i = 0; i < 4; i++) {
      const before = client.bufferedBytes;
      peer.socket.resume();
      await until(() => client.bufferedBytes < before, "progress");
      peer.socket.pause();
      await standsStill(() => client.bufferedBytes);
      rig.clock.advance(8_000);
      assert.ok(client.isOpen, `after ${(i + 1) * 8} s`);
    }
    peer.socket.resume();
    await until(() => client.bufferedBytes === 0, "all of it");
    rig.clock.advance(60_000);
    assert.ok(client.isOpen, "nothing is queued any more");
  });
});

describe("message deadline", () => {
  it("closes a client whose message dribbles in, one byte at a time: 1008, message-timeout", async (test) => {
    const rig = await startRig(test);
    const { peer, client } = await rig.connect();
    const socket = watchReads(rig);
    const bytes = encodeFrame(frame.text("x".repeat(100)));
    let sent = 0;
    for (; sent < 60 && client.isOpen; sent++) {
      await socket.read(() => peer.sendBytes(bytes.subarray(sent, sent + 1)));
      rig.clock.advance(2_000);
    }
    assert.ok(sent >= 29 && sent <= 32, `closed after ${sent * 2} s`);
    const ending = await peer.expectClose(1008);
    assert.match(ending.close!.reason, /too long/);
    assert.equal((await rig.nextClosed()).cause, "message-timeout");
  });

  it("counts from the first fragment, pings in between or not", async (test) => {
    const rig = await startRig(test, { messageTimeoutMs: 10_000 });
    const { peer, client } = await rig.connect();
    const socket = watchReads(rig);
    await socket.read(() => peer.sendFrame({ opcode: TEXT, payload: "a", fin: false }));
    for (let i = 0; i < 4; i++) {
      rig.clock.advance(2_400);
      await socket.read(() =>
        peer.sendBytes(Buffer.concat([encodeFrame(frame.ping()), encodeFrame(frame.next("b", { fin: false }))])),
      );
    }
    assert.ok(client.isOpen);
    rig.clock.advance(700);
    await peer.expectClose(1008);
  });

  it("starts anew with each message", async (test) => {
    const rig = await startRig(test, { messageTimeoutMs: 10_000 });
    const { peer, client } = await rig.connect();
    const bytes = encodeFrame(frame.text("hello"));
    await peer.sendBytes(bytes.subarray(0, 3));
    for (let i = 0; i < 5; i++) {
      rig.clock.advance(6_000);
      // The end of one message and the beginning of the next in one chunk.
      await heard(rig, peer, Buffer.concat([bytes.subarray(3), bytes.subarray(0, 3)]));
    }
    assert.ok(client.isOpen, "30 s, in the middle of a message each time it was looked at");
  });

  it("does not run while the server does not read", async (test) => {
    const rig = await startRig(test, { messageTimeoutMs: 5_000, maxBacklogBytes: 64 * 1024 * 1024 });
    const { peer, client } = await rig.connect();
    const reads = watchReads(rig);
    const bytes = encodeFrame(frame.text("hello"));
    await reads.read(() => peer.sendBytes(bytes.subarray(0, 8)));
    peer.socket.pause();
    await until(() => client.send(Buffer.alloc(256 * 1024)) === "queued", "the client to be behind");
    await standsStill(() => client.bufferedBytes);
    rig.clock.advance(8_000);
    assert.ok(client.isOpen, "it cannot tell that the message is complete");
    await peer.sendBytes(bytes.subarray(8));
    peer.socket.resume();
    await until(() => client.messagesIn === 1, "the message");
  });
});

describe("idle limit", () => {
  it("closes a client without messages, pings or not: 1000, idle-timeout", async (test) => {
    const rig = await startRig(test, { idleTimeoutMs: 30_000 });
    const { peer, client } = await rig.connect();
    rig.clock.advance(20_000);
    await heard(rig, peer, encodeFrame(frame.text("here")));
    rig.clock.advance(20_000);
    client.send("and here");
    rig.clock.advance(25_000);
    await peer.sendFrame(frame.ping("no message"));
    assert.ok(client.isOpen);
    rig.clock.advance(5_200);
    assert.ok(!client.isOpen);
    await until(() => peer.unreadEvents().some(({ type }) => type === "close"), "the close frame");
    await peer.sendFrame(frame.close(1000));
    await peer.expectClose(1000);
    const end = await rig.nextClosed();
    assert.deepEqual([end.cause, end.code, end.initiator, end.wasClean], ["idle-timeout", 1000, "server", true]);
  });

  it("is off by default", async (test) => {
    const rig = await startRig(test, { pongWaitMs: 86_400_000 });
    const { client } = await rig.connect();
    rig.clock.advance(86_000_000);
    assert.ok(client.isOpen);
  });
});

describe("age limit", () => {
  it("closes each client at nine tenths of it to the whole, not all at once: 1001, max-age", async (test) => {
    const rig = await startRig(test, { maxAgeMs: 1_000_000, pongWaitMs: 86_400_000, closeTimeoutMs: 60_000_000 });
    const clients: Client[] = [];
    for (let i = 0; i < 30; i++) clients.push((await rig.connect()).client);
    const open = (): number => clients.filter(({ isOpen }) => isOpen).length;
    rig.clock.advance(899_000);
    assert.equal(open(), 30);
    rig.clock.advance(51_000);
    const half = open();
    assert.ok(half > 0 && half < 30, `${half} of 30 open after 950 s`);
    rig.clock.advance(51_000);
    assert.equal(open(), 0);
    for (const client of clients) client.terminate();
    const end = await rig.nextClosed();
    assert.deepEqual([end.cause, end.code], ["max-age", 1001]);
  });
});

describe("close deadline", () => {
  it("cuts a client that does not answer the close frame within closeTimeoutMs", async (test) => {
    const rig = await startRig(test);
    const { peer, client } = await rig.connect({ keepHalfOpen: true });
    client.close(4000, "enough");
    const close = await peer.nextEvent();
    assert.deepEqual(close, { type: "close", code: 4000, reason: "enough" });
    rig.clock.advance(4_900);
    assert.equal(rig.closed.length, 0);
    rig.clock.advance(200);
    const end = await rig.nextClosed();
    assert.deepEqual([end.cause, end.code, end.reason, end.wasClean], ["closed-by-server", 4000, "enough", false]);
  });

  it("ends the connection at once when the answer has come", async (test) => {
    const rig = await startRig(test);
    const { peer, client } = await rig.connect();
    client.close(4000, "enough");
    await peer.nextEvent();
    await peer.sendFrame(frame.close(4000));
    await peer.expectClose(4000);
    assert.ok((await rig.nextClosed()).wasClean);
  });

  it("holds for a client that floods instead of answering", async (test) => {
    const rig = await startRig(test);
    const { peer, client } = await rig.connect({ keepHalfOpen: true });
    client.close();
    for (let i = 0; i < 10; i++) {
      await peer.sendFrame(frame.text("still talking"));
      rig.clock.advance(600);
    }
    assert.equal((await rig.nextClosed()).cause, "closed-by-server");
  });
});

function pings(peer: RawClient): Buffer[] {
  return peer
    .frames()
    .filter(({ opcode }) => opcode === PING)
    .map(({ payload }) => payload);
}

/** Waits for the server's socket to have read what is sent. */
function watchReads(rig: Rig<undefined>): { read(send: () => Promise<boolean>): Promise<void> } {
  const { socket } = rig.requests.at(-1)!.raw;
  return {
    async read(send) {
      const before = socket.bytesRead;
      await send();
      await until(() => socket.bytesRead > before, "the server to read");
    },
  };
}
