/** Topics: encoded once, whatever the number of subscribers, and delivered to exactly those. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { encodeFrame, frame } from "../harness/frames.js";
import type { RawClient } from "../harness/raw-client.js";
import { startRig, turns, watchWrites } from "../harness/rig.js";

async function texts(peer: RawClient, count: number): Promise<string[]> {
  const seen: string[] = [];
  while (seen.length < count) seen.push((await peer.nextMessage()).bytes.toString());
  return seen;
}

describe("publish", () => {
  it("reaches all that are subscribed, each once, and says how many", async (test) => {
    const rig = await startRig(test);
    const clients = [];
    for (let i = 0; i < 5; i++) clients.push(await rig.connect());
    for (const { client } of clients.slice(0, 3)) {
      client.subscribe("news");
      client.subscribe("news");
    }
    assert.equal(rig.server.publish("news", "one"), 3);
    assert.equal(rig.server.publish("nothing", "x"), 0);
    for (const { client } of clients) client.send("end");
    for (const [i, { peer }] of clients.entries())
      assert.deepEqual(await texts(peer, i < 3 ? 2 : 1), i < 3 ? ["one", "end"] : ["end"]);
    assert.deepEqual([...clients[0]!.client.topics], ["news"]);
    assert.deepEqual([...rig.server.topicSizes()], [["news", 3]]);
  });

  it("leaves out the one that is excepted", async (test) => {
    const rig = await startRig(test, {
      open: (client) => client.subscribe("room"),
      message: (client, message) => void rig.server.publish("room", message, { except: client }),
    });
    const [ann, bob] = [await rig.connect(), await rig.connect()];
    await ann.peer.sendFrame(frame.text("hello"));
    assert.deepEqual(await texts(bob.peer, 1), ["hello"]);
    ann.client.send("end");
    assert.deepEqual(await texts(ann.peer, 1), ["end"]);
  });

  it("reaches nobody that has unsubscribed, closed or gone", async (test) => {
    const rig = await startRig(test);
    const [stays, leaves, closes, goes] = [
      await rig.connect(),
      await rig.connect(),
      await rig.connect(),
      await rig.connect(),
    ];
    for (const { client } of [stays, leaves, closes, goes]) client.subscribe("news");
    leaves.client.unsubscribe("news");
    leaves.client.unsubscribe("news");
    leaves.client.unsubscribe("never");
    closes.client.close();
    goes.peer.reset();
    await rig.nextClosed();
    assert.equal(rig.server.publish("news", "x"), 1);
    assert.deepEqual(await texts(stays.peer, 1), ["x"]);
    stays.client.terminate();
    await rig.nextClosed();
    closes.client.terminate();
    await rig.nextClosed();
    assert.deepEqual([...rig.server.topicSizes()], []);
  });

  it("relays a message that came in as what it was, and takes bytes", async (test) => {
    const rig = await startRig(test, {
      open: (client) => client.subscribe("all"),
      message: (_client, message) => void rig.server.publish("all", message),
    });
    const { peer } = await rig.connect();
    await peer.sendBytes(Buffer.concat([encodeFrame(frame.text("text")), encodeFrame(frame.binary("binary"))]));
    rig.server.publish("all", Buffer.from("bytes"));
    const seen = [await peer.nextMessage(), await peer.nextMessage(), await peer.nextMessage()];
    assert.deepEqual(seen.map(({ type, bytes }) => `${type} ${bytes.toString()}`).toSorted(), [
      "binary binary",
      "binary bytes",
      "text text",
    ]);
  });

  it("sends a long message on from where it lies, with its header before it", async (test) => {
    const rig = await startRig(test, {
      open: (client) => client.subscribe("all"),
      message(_client, message) {
        for (const topic of ["all", "all"]) rig.server.publish(topic, message);
      },
    });
    const { peer } = await rig.connect();
    const writes = watchWrites(test);
    await peer.sendFrame(frame.binary("x".repeat(70_000)));
    await peer.nextMessage();
    await peer.nextMessage();
    const sent = writes.map(({ bytes }) => bytes).filter((bytes) => bytes.length === 70_000 + 10);
    assert.equal(sent.length, 2);
    assert.ok(sent[0]!.buffer === sent[1]!.buffer);
  });

  it("encodes once: every client is handed the very same buffer, joined once for all", async (test) => {
    const rig = await startRig(test, { open: (client) => client.subscribe("all") });
    for (let i = 0; i < 5; i++) await rig.connect();
    const writes = watchWrites(test);
    rig.server.publish("all", "alone");
    await turns();
    rig.server.publish("all", "two at ");
    rig.server.publish("all", "a time");
    await turns();
    rig.server.publish("all", Buffer.alloc(70_000));
    await turns();
    const sockets = [...new Set(writes.map(({ socket }) => socket))];
    assert.equal(sockets.length, 5);
    const [first, ...others] = sockets.map((one) =>
      writes.filter(({ socket }) => socket === one).map(({ bytes }) => bytes),
    ) as [Buffer[], ...Buffer[][]];
    assert.equal(first.length, 3);
    assert.equal(first[1]!.toString("latin1"), "\x81\x07two at \x81\x06a time");
    for (const other of others) {
      assert.equal(other.length, 3);
      for (const [i, chunk] of other.entries()) assert.equal(chunk, first[i], `write ${i} is another buffer`);
    }
  });

  it("deflates once for all that agreed on the same, and not at all for the others", async (test) => {
    const rig = await startRig(test, { compression: true, open: (client) => client.subscribe("all") });
    const plain = await rig.connect();
    const one = await rig.connect({ offer: "permessage-deflate" });
    const other = await rig.connect({ offer: "permessage-deflate" });
    const narrow = await rig.connect({ offer: "permessage-deflate; server_max_window_bits=9" });
    const text = "all work and no play ".repeat(500);
    assert.equal(rig.server.publish("all", text), 4);
    rig.server.publish("all", "short");
    for (const { peer } of [plain, one, other, narrow]) {
      const [long, short] = [await peer.nextMessage(), await peer.nextMessage()];
      assert.equal(long.bytes.toString(), text);
      assert.equal(long.compressed, peer !== plain.peer);
      assert.deepEqual([short.bytes.toString(), short.compressed], ["short", false]);
    }
    assert.ok(one.peer.frames()[0]!.payload.length < 500);
    assert.deepEqual(one.peer.frames()[0]!.payload, other.peer.frames()[0]!.payload);
    assert.equal(one.client.bytesOut, text.length + 5, "counted before compression");
  });

  it("with context takeover, each client's stream is its own", async (test) => {
    const rig = await startRig(test, {
      compression: true,
      compressionContextTakeover: true,
      open: (client) => client.subscribe("all"),
    });
    const one = await rig.connect({ offer: "permessage-deflate" });
    const text = Array.from({ length: 400 }, (_, i) => (i * 7_919) % 100_003).join(" ");
    rig.server.publish("all", text);
    const late = await rig.connect({ offer: "permessage-deflate" });
    rig.server.publish("all", text);
    for (const { peer } of [one, late]) assert.equal((await peer.nextMessage()).bytes.toString(), text);
    assert.equal((await one.peer.nextMessage()).bytes.toString(), text);
    const [first, second] = one.peer.frames();
    assert.ok(second!.payload.length < first!.payload.length / 2, "the second refers to the first");
  });
});
