/** What a layer above the server needs besides the public API: a frame for many, a message for as long as there is room, a word before the end. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MemoryBudget } from "#hawser/server/sending/memory-budget.js";
import { Outbox } from "#hawser/server/sending/outbox.js";
import { Outgoing } from "#hawser/server/sending/outgoing.js";
import { overflowPolicies } from "#hawser/server/sending/overflow.js";
import { Scratch } from "#hawser/server/sending/scratch.js";
import { Turns } from "#hawser/server/sending/turns.js";
import { portOf } from "#hawser/server/session/client-port.js";
import { startRig, turns, watchWrites } from "../harness/rig.js";
import { StepClock } from "../harness/step-clock.js";
import { FakeSocket } from "./harness/fake-socket.js";

const KIB = 1024;

/** An outbox whose socket has taken as much as it can hold and nothing more. */
function stalled(maxBacklogBytes: number, budget = new MemoryBudget(100 * KIB * KIB)) {
  const said: string[] = [];
  const owner = {
    onWaiting: () => {},
    onBacklog: () => void said.push("backlog"),
    onDrained: () => void said.push("drained"),
    onOverflow: () => void said.push("overflow"),
    onHopeless: () => void said.push("hopeless"),
  };
  const socket = new FakeSocket(0);
  const outbox: Outbox = new Outbox(socket, owner, {
    turns: new Turns(new StepClock(), 512),
    scratch: new Scratch(),
    stats: { dropped: 0, gaveWay: 0 },
    budget,
    maxBacklogBytes,
    overflow: overflowPolicies["drop-oldest"],
  });
  socket.on("drain", () => outbox.onSocketDrain());
  outbox.offer(Buffer.alloc(20 * KIB));
  outbox.flush();
  assert.deepEqual(said, ["backlog"]);
  return { outbox, socket, said };
}

function own(length: number): Buffer {
  return Buffer.allocUnsafeSlow(length).fill("x");
}

describe("what is offered to a slow client", () => {
  it("is taken for as long as there is room, and then nothing has changed", async () => {
    const { outbox, socket, said } = stalled(24 * KIB);
    assert.equal(outbox.offer(own(2 * KIB)), true);
    const before = outbox.bufferedBytes;
    assert.equal(outbox.offer(own(3 * KIB)), false);
    assert.deepEqual([outbox.bufferedBytes, outbox.dropped.messages], [before, 0]);
    assert.equal(outbox.offer(own(KIB)), true, "one that fits");
    socket.swallow(100 * KIB);
    await turns();
    assert.deepEqual([socket.taken.length, said], [23 * KIB, ["backlog", "drained"]]);
  });

  it("may be larger than its backlog where nothing waits", () => {
    const { outbox } = stalled(KIB);
    assert.equal(outbox.offer(own(50 * KIB)), true);
    assert.equal(outbox.offer(own(1)), false);
  });

  it("is not dropped for what comes later", () => {
    const { outbox, socket } = stalled(24 * KIB);
    assert.equal(outbox.offer(own(2 * KIB)), true);
    assert.equal(outbox.send(own(3 * KIB), null), "queued", "one message always fits");
    assert.equal(outbox.send(own(3 * KIB), null), "queued", "in the place of the other");
    assert.equal(outbox.dropped.messages, 1);
    socket.swallow(100 * KIB);
    assert.equal(socket.taken.length, 25 * KIB);
  });

  it("is refused where others need the memory more", () => {
    const { outbox } = stalled(100 * KIB, new MemoryBudget(24 * KIB));
    assert.equal(outbox.offer(own(10 * KIB)), false);
    assert.equal(outbox.offer(own(KIB)), true);
  });
});

describe("a message that is encoded once", () => {
  it("leaves in the same bytes for all, which lie in memory that holds nothing else", async (test) => {
    const rig = await startRig(test);
    const peers = [await rig.connect(), await rig.connect()];
    const message = portOf(peers[0]!.client).encodeOnce("to all", true);
    const writes = watchWrites(test);
    for (const { client } of peers) assert.equal(portOf(client).offer(message), true);
    for (const { peer } of peers) assert.equal((await peer.nextMessage()).bytes.toString(), "to all");
    assert.equal(writes[0]!.bytes, writes[1]!.bytes);
    assert.equal(writes[0]!.bytes.buffer.byteLength, writes[0]!.bytes.length);
    assert.deepEqual([rig.server.stats.messagesOut, peers[0]!.client.bytesOut], [2, 6]);
  });

  it("is bytes for bytes, and compressed for who has agreed on that", () => {
    const settings = { level: 3, memLevel: 8, thresholdBytes: 100 };
    const message = new Outgoing(new Uint8Array(1000), settings, true);
    assert.equal(message.uncompressedFrame()[0], 0x82);
    assert.ok(message.deflatedFrame(15).length < 100);
  });
});

describe("what is attached to a client", () => {
  it("is told of a shutdown, and has the last word before the close frame", async (test) => {
    const rig = await startRig(test);
    const { peer, client } = await rig.connect();
    const port = portOf(client);
    port.attached = { onShutdown: () => void port.offer("come back later"), onGone: () => {} };
    const stopped = rig.stop();
    assert.equal((await peer.nextMessage()).bytes.toString(), "come back later");
    await peer.expectClose(1001);
    await stopped;
  });

  it("is not told when its client is closed for another reason, nor after", async (test) => {
    const rig = await startRig(test);
    const { peer, client } = await rig.connect();
    let told = 0;
    portOf(client).attached = { onShutdown: () => void told++, onGone: () => {} };
    client.close(4000);
    const stopped = rig.stop();
    await peer.expectClose(4000);
    await stopped;
    assert.equal(told, 0);
    assert.equal(portOf(client).offer("in vain"), true);
  });
});
