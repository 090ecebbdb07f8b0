/** What may wait for all slow clients is shared fairly: who lags for a moment is not made to pay for those who hold much. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Client, OverflowPolicy } from "#hawser/index.js";
import { until } from "../harness/concurrency.js";
import type { RawClient } from "../harness/raw-client.js";
import { type Rig, startRig } from "../harness/rig.js";

const KIB = 1024;
const MIB = KIB * KIB;

interface Connected {
  peer: RawClient;
  client: Client<undefined>;
}

/** A client that does not read, with its kernel's buffers full. */
async function stalled(rig: Rig<undefined>, topic?: string): Promise<Connected> {
  const { peer, client } = await rig.connect();
  peer.socket.pause();
  if (topic !== undefined) client.subscribe(topic);
  const filler = Buffer.alloc(60 * KIB);
  await until(() => {
    for (let i = 0; i < 20; i++) if (client.send(filler) === "queued") return true;
    return false;
  }, "the client to be behind");
  return { peer, client };
}

const options = (overflow: OverflowPolicy, maxTotalBacklogBytes: number) => ({
  overflow,
  maxTotalBacklogBytes,
  // So that it is the budget of all that is used up.
  maxBacklogBytes: maxTotalBacklogBytes,
  writeWaitMs: 86_400_000,
});

/** It lags while the rest is used up and a hundred messages are sent to it, and gets all of them in the end. */
async function lag(rig: Rig<undefined>, useUp: () => void): Promise<void> {
  const { peer, client } = await stalled(rig);
  for (let i = 0; i < 100; i++) {
    useUp();
    assert.equal(client.send(`to one who lags, ${i}`.padEnd(500, ".")), "queued", `message ${i}`);
  }
  peer.socket.resume();
  for (let i = 0; i < 100;) {
    const { type, bytes } = await peer.nextMessage();
    if (type === "text") assert.match(bytes.toString(), new RegExp(`^to one who lags, ${i++}\\.+$`));
  }
  assert.ok(client.isOpen);
}

describe("a client that lags for a moment loses nothing", () => {
  for (const overflow of ["close", "drop-newest", "drop-oldest", "latest-per-key"] as const) {
    it(`${overflow}: while a room of slow readers uses up what may wait`, async (test) => {
      const max = 6 * MIB;
      const rig = await startRig(test, options(overflow, max));
      for (let i = 0; i < 20; i++) await stalled(rig, "room");
      let number = 0;
      await lag(rig, () => {
        while (rig.server.backlogBytes + 8 * KIB < max)
          if (rig.server.publish("room", "".padEnd(2 * KIB, "."), { key: `${number++}` }) === 0) break;
      });
      assert.ok(rig.server.backlogBytes <= max, `${rig.server.backlogBytes} bytes`);
    });

    it(`${overflow}: while one is sent large messages that it does not read`, async (test) => {
      const max = 3 * MIB;
      const rig = await startRig(test, options(overflow, max));
      const { client: hoarder } = await stalled(rig);
      let number = 0;
      await lag(rig, () => {
        for (const kib of [300, 30, 3])
          while (rig.server.backlogBytes + (kib + 1) * KIB < max && hoarder.isOpen)
            hoarder.send(Buffer.alloc(kib * KIB), { key: `${number++}` });
      });
      assert.ok(rig.server.stats.gaveWay > 0);
      assert.ok(rig.server.backlogBytes <= max, `${rig.server.backlogBytes} bytes`);
    });
  }

  it("while others hold messages of which a part has left: the one that holds most is cut", async (test) => {
    const rig = await startRig(test, options("drop-oldest", 4 * MIB));
    const hoarders: Connected[] = [];
    for (let i = 0; i < 4; i++) {
      const { peer, client } = await rig.connect();
      peer.socket.pause();
      hoarders.push({ peer, client });
      for (let round = 0; round < 3; round++) client.send(Buffer.alloc(3 * MIB));
      assert.ok(rig.server.backlogBytes <= 4 * MIB, `${rig.server.backlogBytes} bytes`);
    }
    await lag(rig, () => {});
    const { cause, code } = await rig.nextClosed();
    assert.deepEqual([cause, code], ["backlog-overflow", 1006]);
    assert.ok(rig.server.stats.gaveWay > 0);
  });
});

describe("a room of slow readers", () => {
  it("is charged once for what all of them wait for", async (test) => {
    const rig = await startRig(test, options("close", 64 * MIB));
    const room: Connected[] = [];
    for (let i = 0; i < 20; i++) room.push(await stalled(rig, "room"));
    const before = rig.server.backlogBytes;
    for (let i = 0; i < 25; i++) rig.server.publish("room", Buffer.alloc(32 * KIB));
    const grown = rig.server.backlogBytes - before;
    assert.ok(grown >= 25 * 32 * KIB && grown < 2 * 25 * 32 * KIB, `${grown} bytes`);
    assert.ok(room.every(({ client }) => client.bufferedBytes >= 25 * 32 * KIB));
    for (const { peer } of room.slice(1)) peer.destroy();
    await until(() => rig.closed.length === 19, "the others to be gone");
    assert.ok(rig.server.backlogBytes >= 25 * 32 * KIB, "one still waits for it");
    room[0]!.peer.destroy();
    await until(() => rig.closed.length === 20, "all to be gone");
    assert.equal(rig.server.backlogBytes, 0);
  });
});
