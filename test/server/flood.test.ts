/** Practice 8 and fairness: bounded work per client and turn; control frames are answered at a bounded rate. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Client } from "#hawser/index.js";
import { until } from "../harness/concurrency.js";
import { encodeFrame, frame, PONG } from "../harness/frames.js";
import type { RawClient } from "../harness/raw-client.js";
import { startRig, turns, watchWrites } from "../harness/rig.js";

describe("a control-frame flood", () => {
  it("is answered at the rate, then by one pong to the latest ping", async (test) => {
    const rig = await startRig(test, { maxControlFramesPerSecond: 10 });
    const { peer, client } = await rig.connect();
    await peer.sendBytes(pings(1, 60));
    await until(() => pongs(peer).length >= 10, "the pongs");
    await turns(20);
    assert.deepEqual(pongs(peer), names(1, 10));
    rig.clock.advance(900);
    await turns(20);
    assert.equal(pongs(peer).length, 10);
    rig.clock.advance(250);
    await until(() => pongs(peer).length > 10, "the pong to the latest");
    assert.deepEqual(pongs(peer).slice(10), ["60"]);
    assert.ok(client.isOpen);
    await peer.sendBytes(pings(61, 61));
    await until(() => pongs(peer).length > 11, "the next second's pong");
    assert.equal(pongs(peer).at(-1), "61");
  });

  it("gets no old answer once a newer ping has been answered", async (test) => {
    const rig = await startRig(test, { maxControlFramesPerSecond: 2 });
    const { peer, client } = await rig.connect();
    await peer.sendBytes(pings(1, 3));
    await until(() => pongs(peer).length === 2, "two pongs");
    // Before the wheel turns: the window is over when the next ping comes.
    rig.clock.advance(1_000);
    await peer.sendBytes(pings(4, 4));
    await until(() => pongs(peer).length === 3, "the third");
    rig.clock.advance(5_000);
    client.send("end");
    await peer.nextMessage();
    const seen = pongs(peer).map(Number);
    assert.deepEqual(
      seen,
      seen.toSorted((a, b) => a - b),
      "RFC 6455 5.5.3: the most recent ping",
    );
  });

  it("of pings far past the rate ends it: 1008, control-flood", async (test) => {
    const rig = await startRig(test, { maxControlFramesPerSecond: 10 });
    const { peer } = await rig.connect();
    await peer.sendBytes(pings(1, 200));
    await peer.expectClose(1008);
    const end = await rig.nextClosed();
    assert.deepEqual([end.cause, end.code, end.initiator], ["control-flood", 1008, "server"]);
    assert.ok(pongs(peer).length <= 10);
  });

  // RFC 6455 5.5.3: "A Pong frame MAY be sent unsolicited. ... A response to an unsolicited Pong frame is not expected."
  it("is none that is made of pongs: they are ignored, each for a message's share of the turn", async (test) => {
    const rig = await startRig(test, { maxMessagesPerTurn: 10, maxControlFramesPerSecond: 1 });
    const { peer, client } = await rig.connect();
    let turnsTaken = 0;
    let isOver = false;
    const countTurns = (): void => {
      turnsTaken++;
      if (!isOver) setImmediate(countTurns);
    };
    countTurns();
    const burst = Buffer.concat(Array.from({ length: 5_000 }, () => encodeFrame(frame.pong("x"))));
    for (let half = 0; half < 2; half++) {
      await peer.sendBytes(burst);
      rig.clock.advance(500);
    }
    await peer.sendBytes(pings(1, 1));
    await until(() => pongs(peer).length === 1, "the answer to the ping behind them");
    isOver = true;
    assert.ok(client.isOpen);
    assert.ok(turnsTaken >= 1_000, `10,000 pongs were read in ${turnsTaken} turns, 10 a turn`);
  });

  it("of empty fragments ends it as well", async (test) => {
    const rig = await startRig(test);
    const { peer } = await rig.connect();
    const empty = encodeFrame(frame.next("", { fin: false }));
    await peer.sendBytes(
      Buffer.concat([encodeFrame(frame.text("", { fin: false })), ...Array.from({ length: 500 }, () => empty)]),
    );
    await peer.expectClose(1008);
    assert.equal((await rig.nextClosed()).cause, "control-flood");
  });

  it("is none that keeps to the rate, second after second", async (test) => {
    const rig = await startRig(test, { maxControlFramesPerSecond: 10 });
    const { peer, client } = await rig.connect();
    for (let second = 0; second < 30; second++) {
      const before = pongs(peer).length;
      await peer.sendBytes(pings(second * 10 + 1, second * 10 + 10));
      await until(() => pongs(peer).length === before + 10, "ten pongs");
      rig.clock.advance(1_000);
    }
    assert.ok(client.isOpen);
    assert.deepEqual(pongs(peer), names(1, 300));
  });
});

describe("fairness", () => {
  it("thousands of messages in one chunk do not keep another client waiting", async (test) => {
    const order: string[] = [];
    let poke: (() => void) | null = null;
    const rig = await startRig(test, {
      maxMessagesPerTurn: 32,
      message(client) {
        order.push(client.path);
        poke?.();
        poke = null;
      },
    });
    const { peer: greedy } = await rig.connect({ at: "greedy" });
    const { peer: modest } = await rig.connect({ at: "modest" });
    // It speaks up when the first of the others' messages is handled: from then on it waits for its turn.
    poke = () => void modest.sendFrame(frame.text("me too"));
    await greedy.sendBytes(Buffer.concat(Array.from({ length: 5_000 }, () => encodeFrame(frame.text("x")))));
    await until(() => order.length === 5_001, "all of them");
    const waited = order.indexOf("/modest");
    assert.ok(waited <= 8 * 32, `${waited} messages of the other came first`);
  });

  it("maxMessagesPerTurn bounds what is handled between two turns of the event loop, by async handlers as well", async (test) => {
    for (const result of [undefined, Promise.resolve()]) {
      let inTurn = 0;
      let most = 0;
      let total = 0;
      const rig = await startRig(test, {
        maxMessagesPerTurn: 10,
        message() {
          if (inTurn++ === 0) setImmediate(() => (inTurn = 0));
          most = Math.max(most, inTurn);
          total++;
          return result;
        },
      });
      const { peer } = await rig.connect();
      await peer.sendBytes(Buffer.concat(Array.from({ length: 1_000 }, () => encodeFrame(frame.text("x")))));
      await until(() => total === 1_000, "all of them");
      assert.ok(most <= 20, `${most} in one turn`);
    }
  });

  it("counts control frames, too", async (test) => {
    const rig = await startRig(test, { maxMessagesPerTurn: 10, maxControlFramesPerSecond: 1_000 });
    const { peer } = await rig.connect();
    const writes = watchWrites(test);
    await peer.sendBytes(pings(1, 500));
    await until(() => pongs(peer).length === 500, "all pongs");
    assert.deepEqual(pongs(peer), names(1, 500));
    assert.ok(writes.length >= 50, `${writes.length} turns for 500 pings, 10 a turn`);
  });
});

describe("the hot path", () => {
  it("writes no line and starts no timer for a message", async (test) => {
    const rig = await startRig(test, { message: (client, message) => void client.send(message) });
    const { peer } = await rig.connect();
    const clients: Client<undefined>[] = [];
    for (let i = 0; i < 20; i++) clients.push((await rig.connect()).client);
    const [lines, timers] = [rig.log.lines.length, rig.clock.timers];
    assert.equal(timers, 1, "one for all deadlines");
    for (let i = 0; i < 100; i++) await peer.echo(`message ${i}`);
    assert.deepEqual([rig.log.lines.length, rig.clock.timers], [lines, timers]);
    assert.equal(rig.log.of("connect").length, 21);
    assert.equal(rig.log.of("connect").at(-1)!["clients"], 21);
  });

  it("answers what came in one chunk in one write", async (test) => {
    const rig = await startRig(test, { message: (client, message) => void client.send(message) });
    const { peer } = await rig.connect();
    const writes = watchWrites(test);
    await peer.sendBytes(Buffer.concat(Array.from({ length: 100 }, (_, i) => encodeFrame(frame.text(`${i}`)))));
    for (let i = 0; i < 100; i++) assert.equal((await peer.nextMessage()).bytes.toString(), `${i}`);
    assert.ok(writes.length <= 2, `${writes.length} writes`);
  });
});

function names(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, i) => `${from + i}`);
}

function pings(from: number, to: number): Buffer {
  return Buffer.concat(names(from, to).map((name) => encodeFrame(frame.ping(name))));
}

function pongs(peer: RawClient): string[] {
  return peer
    .frames()
    .filter(({ opcode }) => opcode === PONG)
    .map(({ payload }) => payload.toString());
}
