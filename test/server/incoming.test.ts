/** What has come in part, or waits for a handler, is bounded for all clients together, by what it takes. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Client, Message } from "#hawser/index.js";
import { Incoming } from "#hawser/server/session/incoming.js";
import { MemoryBudget } from "#hawser/server/sending/memory-budget.js";
import { until } from "../harness/concurrency.js";
import { encodeFrame, frame } from "../harness/frames.js";
import type { RawClient } from "../harness/raw-client.js";
import { gate, startRig, turns } from "../harness/rig.js";

const KIB = 1024;
const echo = { message: (client: Client<undefined>, message: Message): void => void client.send(message) };

/** Begins a message of `declared` bytes, of which so many come. */
function begin(peer: RawClient, declared: number, bytes: number): Promise<boolean> {
  return peer.sendBytes(encodeFrame({ opcode: 2, declaredLength: declared, payload: Buffer.alloc(bytes) }));
}

function finish(peer: RawClient, bytes: number): Promise<boolean> {
  return peer.sendBytes(Buffer.alloc(bytes));
}

describe("messages that come in part", () => {
  it("are on the books with the memory they take, and off them once they are whole, or their client is gone", async (test) => {
    const rig = await startRig(test, echo);
    const [first, second] = [await rig.connect(), await rig.connect()];
    const [large, small] = [200 * KIB, 5 * KIB];
    await begin(first.peer, large, 100 * KIB);
    await until(() => rig.server.incomingBytes >= 100 * KIB, "the first part");
    assert.ok(rig.server.incomingBytes <= 202 * KIB, `${rig.server.incomingBytes} bytes`);
    await begin(second.peer, small, 10);
    // In fragments, compressed or not: all is gathered in one place.
    await second.peer.sendBytes(Buffer.alloc(small - 10));
    await second.peer.nextMessage();
    await second.peer.sendFrame({ opcode: 2, fin: false, payload: Buffer.alloc(30 * KIB) });
    await until(() => rig.server.incomingBytes >= 130 * KIB, "the fragment");
    await second.peer.sendFrame({ opcode: 0, payload: "" });
    await second.peer.nextMessage();
    await finish(first.peer, 100 * KIB);
    await first.peer.nextMessage();
    assert.equal(rig.server.incomingBytes, 0);
    await begin(first.peer, large, 100 * KIB);
    await until(() => rig.server.incomingBytes >= 100 * KIB, "the part that stays one");
    first.peer.reset();
    await rig.nextClosed();
    assert.equal(rig.server.incomingBytes, 0);
  });

  it("take part of a header into account, too", async (test) => {
    const rig = await startRig(test, echo);
    const { peer } = await rig.connect();
    const whole = encodeFrame(frame.text("cut"));
    await peer.sendBytes(whole.subarray(0, 3));
    await until(() => rig.server.incomingBytes > 0, "the beginning of a header");
    await peer.sendBytes(whole.subarray(3));
    await peer.nextMessage();
    assert.equal(rig.server.incomingBytes, 0);
  });

  it("close whoever holds most of too much with 1013, and nobody who holds little", async (test) => {
    const rig = await startRig(test, { ...echo, maxMessageBytes: 512 * KIB, maxTotalIncomingBytes: KIB * KIB });
    const { peer: honest } = await rig.connect();
    await begin(honest, 20 * KIB, 10 * KIB);
    await until(() => rig.server.incomingBytes > 0, "the honest one");
    const hoarders: { peer: RawClient; client: Client<undefined> }[] = [];
    for (let i = 0; i < 8; i++) {
      const hoarder = await rig.connect();
      hoarders.push(hoarder);
      await begin(hoarder.peer, 512 * KIB, 400 * KIB);
      await until(() => rig.server.incomingBytes > 400 * KIB * Math.min(i + 1, 2) || rig.closed.length > 0, "its part");
    }
    await until(
      () => rig.closed.length + hoarders.filter(({ client }) => !client.isOpen).length >= 6,
      "most to be closed",
    );
    assert.ok(rig.server.incomingBytes <= KIB * KIB, `${rig.server.incomingBytes} bytes`);
    await finish(honest, 10 * KIB);
    assert.equal((await honest.nextMessage()).bytes.length, 20 * KIB);
    const { peer } = hoarders.find(({ client }) => !client.isOpen)!;
    await peer.expectClose(1013);
    const { cause, code } = await rig.nextClosed();
    assert.deepEqual([cause, code], ["incoming-overflow", 1013]);
  });

  it("stay within the bound when hundreds dribble", async (test) => {
    const max = 2 * KIB * KIB;
    const rig = await startRig(test, { ...echo, maxMessageBytes: 512 * KIB, maxTotalIncomingBytes: max });
    const { peer: bystander } = await rig.connect();
    const peers = await Promise.all(Array.from({ length: 200 }, async () => (await rig.connect()).peer));
    let most = 0;
    for (let round = 0; round < 12; round++) {
      await Promise.all(peers.map((peer) => (round === 0 ? begin(peer, 500 * KIB, 3 * KIB) : finish(peer, 3 * KIB))));
      await turns(5);
      most = Math.max(most, rig.server.incomingBytes);
      await bystander.echo(`round ${round}`);
    }
    // What comes in one read is there before anybody can be closed for it.
    assert.ok(most <= max + 64 * KIB, `${most} bytes`);
    assert.ok(rig.opened.some(({ isOpen }) => !isOpen));
  });

  it("what comes before a client is let in is counted as well, and whoever sends most of too much is refused", async (test) => {
    const { promise, open } = gate();
    const rig = await startRig(test, {
      authenticate: () => promise,
      maxMessageBytes: KIB,
      maxTotalIncomingBytes: 200 * KIB,
    });
    const request = (peer: RawClient): Promise<unknown> =>
      peer.sendBytes(
        "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
          "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
      );
    const early = encodeFrame(frame.text("early"));
    const honest = await rig.dial();
    await request(honest);
    await until(() => rig.server.pendingHandshakes === 1, "it to be asked about");
    await honest.sendBytes(early);
    await until(() => rig.server.incomingBytes > 0, "what is early");
    for (let i = 0; i < 6; i++) {
      const peer = await rig.dial();
      await request(peer);
      await peer.sendBytes(Buffer.alloc(50 * KIB));
    }
    await until(() => (rig.server.stats.refused["pending-handshakes"] ?? 0) > 0, "one to be refused");
    assert.ok(rig.server.incomingBytes <= 200 * KIB, `${rig.server.incomingBytes} bytes`);
    open();
    await until(() => rig.server.pendingHandshakes === 0, "all to be decided");
    await until(() => rig.opened.some(({ messagesIn }) => messagesIn === 1), "the early message");
  });

  it("what waits for a handler is counted as well, until it is handled", async (test) => {
    const { promise, open } = gate();
    const rig = await startRig(test, { message: () => promise });
    const { peer, client } = await rig.connect();
    await peer.sendBytes(Buffer.concat(Array.from({ length: 50 }, () => encodeFrame(frame.text("x".repeat(500))))));
    await until(() => rig.server.incomingBytes > 20_000, "49 messages to wait");
    open();
    await until(() => client.messagesIn === 50, "all to be handled");
    await until(() => rig.server.incomingBytes === 0, "nothing to wait");
  });
});

describe("the books of what comes in", () => {
  it("settle when more is held, and let go of memory that is left for larger", () => {
    const budget = new MemoryBudget(100 * KIB);
    let closed = 0;
    const incoming: Incoming = new Incoming(budget, () => {
      closed++;
      incoming.release();
    });
    for (const kib of [10, 20, 40, 80]) incoming.set(Buffer.allocUnsafeSlow(kib * KIB), 0);
    assert.ok(budget.used < 82 * KIB, `${budget.used} bytes`);
    assert.equal(closed, 0);
    incoming.set(Buffer.allocUnsafeSlow(160 * KIB), 0);
    assert.deepEqual([closed, budget.used], [1, 0]);
  });

  it("are of the memory that is held last, though as much is charged besides", () => {
    const [budget, other] = [new MemoryBudget(100 * KIB), new MemoryBudget(100 * KIB)];
    const [incoming, fresh] = [new Incoming(budget, () => {}), new Incoming(other, () => {})];
    incoming.set(Buffer.allocUnsafeSlow(KIB), 0);
    for (const one of [incoming, fresh]) one.set(Buffer.allocUnsafeSlow(4 * KIB), 0);
    assert.ok(other.used > 4 * KIB);
    assert.equal(budget.used, other.used);
  });
});
