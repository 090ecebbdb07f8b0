/** What `send` answers, what a slow client costs, and what arrives in the end. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Client, type OverflowPolicy, UsageError } from "#hawser/index.js";
import { until } from "../harness/concurrency.js";
import { encodeFrame, frame, TEXT } from "../harness/frames.js";
import { Random } from "../harness/random.js";
import type { RawClient } from "../harness/raw-client.js";
import { type Rig, startRig, turns, watchWrites } from "../harness/rig.js";

const KIB = 1024;

/** Fills the kernel's buffers of a client that does not read. */
async function stall(rig: Rig<undefined>): Promise<{ peer: RawClient; client: Client<undefined> }> {
  const { peer, client } = await rig.connect();
  peer.socket.pause();
  const filler = Buffer.alloc(60 * KIB, "f");
  await until(() => {
    for (let i = 0; i < 20; i++) if (client.send(filler) === "queued") return true;
    return false;
  }, "the client to be behind");
  return { peer, client };
}

/** The messages that are no filler, once the peer reads again. */
async function rest(peer: RawClient, last: string): Promise<string[]> {
  const texts: string[] = [];
  peer.socket.resume();
  while (texts.at(-1) !== last) {
    const { type, bytes } = await peer.nextMessage();
    if (type === "text") texts.push(bytes.toString());
  }
  return texts;
}

describe("send", () => {
  it("says sent, and delivers text as text, bytes as binary, a message as what it was", async (test) => {
    const rig = await startRig(test, { message: (client, message) => void client.send(message) });
    const { peer, client } = await rig.connect();
    assert.equal(client.send("text ü"), "sent");
    assert.equal(client.send(Buffer.from([1, 2, 3])), "sent");
    assert.equal(client.send(new Uint8Array([4])), "sent");
    assert.equal(client.send(""), "sent");
    await peer.sendFrame(frame.binary("relayed"));
    const got = [];
    for (let i = 0; i < 5; i++) got.push(await peer.nextMessage());
    assert.deepEqual(
      got.map(({ type, bytes }) => [type, bytes.toString("latin1")]),
      [
        ["text", "text Ã¼"],
        ["binary", "\x01\x02\x03"],
        ["binary", "\x04"],
        ["text", ""],
        ["binary", "relayed"],
      ],
    );
  });

  it("gives a flood of messages of all sizes back in order, however they are read", async (test) => {
    for (const portableSockets of [false, true]) {
      const rig = await startRig(test, { portableSockets, message: (client, message) => void client.send(message) });
      const { peer } = await rig.connect();
      const random = new Random(20);
      const texts = Array.from({ length: 3000 }, (_, i) => `${i} `.padEnd(2 ** random.below(16), "x"));
      const sent = peer.sendBytes(Buffer.concat(texts.map((text) => encodeFrame({ opcode: TEXT, payload: text }))));
      for (const text of texts) assert.equal((await peer.nextMessage()).bytes.toString(), text);
      await sent;
    }
  });

  for (const portableSockets of [false, true]) {
    it(`gathers what async handlers send in a turn into one write (${portableSockets ? "portable" : "lean"} sockets)`, async (test) => {
      const rig = await startRig(test, {
        portableSockets,
        message: async (client, message) => {
          client.send(message);
          await Promise.resolve();
          client.send(`${message.text()}!`);
        },
      });
      const { peer } = await rig.connect();
      const writes = watchWrites(test);
      await peer.sendBytes(Buffer.concat(["a", "b", "c"].map((text) => encodeFrame({ opcode: TEXT, payload: text }))));
      for (const text of ["a", "a!", "b", "b!", "c", "c!"])
        assert.equal((await peer.nextMessage()).bytes.toString(), text);
      // The peer's own is masked.
      const lengths = writes.filter(({ bytes }) => bytes[1] === 1).map(({ bytes }) => bytes.length);
      assert.deepEqual(lengths, [3 * 3 + 3 * 4]);
    });
  }

  it("copies bytes: the buffer is the caller's again", async (test) => {
    const rig = await startRig(test);
    for (const offer of [undefined, "permessage-deflate"]) {
      const { peer, client } = await rig.connect(offer === undefined ? {} : { offer });
      for (const length of [10, 70 * KIB]) {
        const bytes = Buffer.alloc(length, "a");
        client.send(bytes);
        bytes.fill("b");
        assert.ok((await peer.nextMessage()).bytes.every((byte) => byte === 0x61));
      }
    }
  });

  it("says queued to one who is behind, and drain is called when all of it is gone", async (test) => {
    let drains = 0;
    const rig = await startRig(test, { drain: () => void drains++, maxBacklogBytes: 4 * KIB * KIB });
    const { peer, client } = await stall(rig);
    assert.equal(client.send("waiting"), "queued");
    assert.ok(client.bufferedBytes > 0);
    assert.ok(rig.server.backlogBytes > 0);
    assert.equal(drains, 0);
    assert.deepEqual(await rest(peer, "waiting"), ["waiting"]);
    await until(() => drains === 1, "drain");
    assert.deepEqual([client.bufferedBytes, rig.server.backlogBytes], [0, 0]);
    assert.equal(client.send("again"), "sent");
  });

  it("says closed to one who is closing or gone, and never throws for it", async (test) => {
    const rig = await startRig(test);
    const { peer, client } = await rig.connect();
    client.close();
    assert.equal(client.send("late"), "closed");
    assert.equal(client.isOpen, false);
    await peer.sendFrame(frame.close(1000));
    await rig.nextClosed();
    for (const payload of ["late", Buffer.alloc(100_000)]) assert.equal(client.send(payload), "closed");
    client.close();
    client.terminate();
    client.subscribe("topic");
    assert.equal(rig.server.publish("topic", "x"), 0);
    assert.equal(rig.closed.length, 1);
  });

  it("says closed as soon as a reset is seen, and until then loses it quietly", async (test) => {
    const rig = await startRig(test);
    const { peer, client } = await rig.connect();
    peer.reset();
    while (client.send("into the void") !== "closed") await turns();
    assert.equal((await rig.nextClosed()).cause, "lost");
  });

  it("throws a UsageError for what is no payload, and the client stays", async (test) => {
    const rig = await startRig(test, { message: (client, message) => void client.send(message) });
    const { peer, client } = await rig.connect();
    for (const payload of [undefined, null, 7, {}, [], true, new ArrayBuffer(3), new Float64Array(2)]) {
      assert.throws(() => client.send(payload as string), UsageError);
      client.subscribe("t");
      assert.throws(() => rig.server.publish("t", payload as string), UsageError);
    }
    await peer.echo("fine");
  });

  it("takes one message larger than the whole backlog", async (test) => {
    const rig = await startRig(test, { maxBacklogBytes: KIB });
    const { peer, client } = await rig.connect();
    client.send(Buffer.alloc(20 * KIB * KIB));
    assert.equal((await peer.nextMessage()).bytes.length, 20 * KIB * KIB);
    assert.ok(client.isOpen);
  });
});

describe("overflow", () => {
  const options = (overflow?: OverflowPolicy) => ({
    maxBacklogBytes: 200 * KIB,
    writeWaitMs: 86_400_000,
    ...(overflow === undefined ? {} : { overflow }),
  });

  it("close, the default: the client gets 1013, the server its memory back, and others notice nothing", async (test) => {
    const rig = await startRig(test, { ...options(), message: (client, message) => void client.send(message) });
    const { peer: other } = await rig.connect();
    const { peer, client } = await stall(rig);
    await until(() => client.send(Buffer.alloc(20 * KIB)) === "dropped", "the backlog to be full");
    assert.equal(client.send("later"), "closed");
    // What the socket was handed and has not taken is there until it is closed.
    assert.ok(rig.server.backlogBytes < 140 * KIB, `${rig.server.backlogBytes} bytes kept`);
    await other.echo("unharmed");
    peer.socket.resume();
    await until(() => peer.unreadEvents().some(({ type }) => type === "close"), "the close frame");
    await peer.expectClose(1013);
    const end = await rig.nextClosed();
    assert.deepEqual([end.cause, end.code], ["backlog-overflow", 1013]);
    assert.equal(rig.server.backlogBytes, 0);
    assert.ok(client.dropped > 0);
    assert.equal(rig.server.stats.dropped, client.dropped);
    const line = rig.log.of("disconnect")[0]!;
    assert.deepEqual([line["dropped"], line.level], [client.dropped, "warn"]);
  });

  it("close: a client that goes on not reading is cut", async (test) => {
    const rig = await startRig(test, options());
    const { client } = await stall(rig);
    await until(() => client.send(Buffer.alloc(20 * KIB)) === "dropped", "the backlog to be full");
    rig.clock.advance(5_200);
    assert.equal((await rig.nextClosed()).cause, "backlog-overflow");
  });

  it("drop-newest: what came first arrives", async (test) => {
    const rig = await startRig(test, options("drop-newest"));
    const { peer, client } = await stall(rig);
    const fate = sendMany(client);
    assert.ok(fate.includes("dropped"));
    const expected = fate.flatMap((result, i) => (result === "dropped" ? [] : [name(i)]));
    assert.deepEqual(await rest(peer, expected.at(-1)!), expected);
    assert.equal(client.dropped, fate.filter((result) => result === "dropped").length);
    assert.equal(rig.server.stats.dropped, client.dropped);
    assert.ok(client.isOpen);
  });

  it("drop-oldest: what came last arrives", async (test) => {
    const rig = await startRig(test, options("drop-oldest"));
    const { peer, client } = await stall(rig);
    assert.ok(sendMany(client).every((result) => result === "queued"));
    const texts = await rest(peer, name(99));
    assert.ok(client.dropped > 0);
    assert.deepEqual(texts, Array.from({ length: 100 }, (_, i) => name(i)).slice(-texts.length));
    assert.ok(texts.length < 100);
    assert.ok(client.isOpen);
  });

  it("latest-per-key: of each key the latest arrives, by topic or by key", async (test) => {
    const rig = await startRig(test, options("latest-per-key"));
    const { peer, client } = await stall(rig);
    for (const topic of ["red", "blue"]) client.subscribe(topic);
    for (let i = 0; i < 100; i++) {
      rig.server.publish("red", `red ${i} `.padEnd(4 * KIB));
      rig.server.publish("blue", `blue ${i} `.padEnd(4 * KIB));
      client.send(`green ${i} `.padEnd(4 * KIB), { key: "green" });
    }
    client.send("end", { key: "end" });
    const texts = (await rest(peer, "end")).map((text) => text.trim());
    assert.ok(client.isOpen && client.dropped > 200, `${client.dropped} dropped`);
    for (const color of ["red", "blue", "green"])
      assert.equal(
        texts.findLast((text) => text.startsWith(color)),
        `${color} 99`,
      );
  });

  it("the backlogs of all together are bounded as well", async (test) => {
    const rig = await startRig(test, {
      maxBacklogBytes: 10 * KIB * KIB,
      maxTotalBacklogBytes: 10 * KIB * KIB,
      overflow: "drop-newest",
      writeWaitMs: 86_400_000,
    });
    const clients = [];
    for (let i = 0; i < 4; i++) clients.push((await stall(rig)).client);
    for (let i = 0; i < 400; i++) for (const client of clients) client.send(Buffer.alloc(16 * KIB));
    assert.ok(rig.server.backlogBytes <= 10 * KIB * KIB, `${rig.server.backlogBytes} bytes wait`);
    assert.ok(rig.server.backlogBytes > 9 * KIB * KIB);
  });

  function name(index: number): string {
    return `message ${index} `.padEnd(10 * KIB, ".");
  }

  function sendMany(client: Client<undefined>): string[] {
    return Array.from({ length: 100 }, (_, i) => client.send(name(i)));
  }
});

describe("close", () => {
  it("delivers what was sent before it", async (test) => {
    const rig = await startRig(test);
    const { peer, client } = await rig.connect();
    const big = Buffer.alloc(8 * KIB * KIB, "x");
    client.send(big);
    client.send("and this");
    client.close(4001, "done");
    assert.equal((await peer.nextMessage()).bytes.length, big.length);
    assert.equal((await peer.nextMessage()).bytes.toString(), "and this");
    assert.deepEqual(await peer.nextEvent(), { type: "close", code: 4001, reason: "done" });
    await peer.sendFrame(frame.close(4001));
    await peer.expectClose(4001);
  });

  it("throws a UsageError for a code or reason that cannot be sent, and leaves the client alone", async (test) => {
    const rig = await startRig(test);
    const { client } = await rig.connect();
    for (const code of [0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 1000.5, Number.NaN])
      assert.throws(() => client.close(code), UsageError, `${code}`);
    assert.throws(() => client.close(1000, "x".repeat(124)), UsageError);
    assert.throws(() => client.close(1000, "ü".repeat(62)), UsageError);
    assert.ok(client.isOpen);
    client.close(1000, "ü".repeat(61));
    client.close(4000, "a second one changes nothing");
    client.terminate();
    assert.deepEqual((({ code, cause }) => [code, cause])(await rig.nextClosed()), [1000, "closed-by-server"]);
  });
});
