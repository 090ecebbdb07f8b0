/** Bytes that go out may be of any kind and realm; those that came in cannot be taken away from the server. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createContext, runInContext } from "node:vm";
import { MessageChannel } from "node:worker_threads";
import { type Message, type Payload, UsageError } from "#hawser/index.js";
import { until } from "../harness/concurrency.js";
import { frame } from "../harness/frames.js";
import { startRig } from "../harness/rig.js";

const elsewhere = createContext({});
const SENDABLE: Readonly<Record<string, () => Payload>> = {
  "a Uint8Array of another realm": () => runInContext("new Uint8Array([1, 2, 3])", elsewhere) as Payload,
  "a part of one": () => runInContext("new Uint8Array([0, 1, 2, 3, 4]).subarray(1, 4)", elsewhere) as Payload,
  "a long one": () => runInContext("Uint8Array.from({ length: 40000 }, (_, i) => i % 251)", elsewhere) as Payload,
  "one over shared memory": () => {
    const bytes = new Uint8Array(new SharedArrayBuffer(3));
    bytes.set([1, 2, 3]);
    return bytes;
  },
  "one with memory of another realm": () =>
    new Uint8Array(runInContext("new Uint8Array([1, 2, 3]).buffer", elsewhere) as ArrayBuffer),
  "a class that derives from it": () => new (class extends Uint8Array {})([1, 2, 3]),
};
const NOT_SENDABLE = [
  undefined,
  null,
  5,
  {},
  [1, 2],
  new Blob(["x"]),
  Symbol("s"),
  () => {},
  new ArrayBuffer(3),
  new SharedArrayBuffer(3),
  new DataView(new ArrayBuffer(3)),
  new Float64Array(2),
  runInContext("new Uint16Array(2)", elsewhere),
];

for (const compression of [false, true]) {
  describe(`bytes to send (${compression ? "compressed" : "plain"})`, () => {
    for (const [name, make] of Object.entries(SENDABLE)) {
      it(`may be ${name}`, async (test) => {
        const rig = await startRig(test, { compression, compressionThresholdBytes: 0 });
        const { peer, client } = await rig.connect(compression ? { offer: "permessage-deflate" } : {});
        client.subscribe("all");
        const payload = make();
        assert.equal(client.send(payload), "sent");
        assert.equal(rig.server.publish("all", payload), 1);
        for (let i = 0; i < 2; i++) {
          const { type, bytes } = await peer.nextMessage();
          assert.deepEqual([type, bytes], ["binary", Buffer.from(payload as Uint8Array)]);
        }
      });
    }

    it("are refused if they are none, whether anybody would get them or not", async (test) => {
      const rig = await startRig(test, { compression });
      const { client } = await rig.connect(compression ? { offer: "permessage-deflate" } : {});
      const messages = new Set<string>();
      const refused = (call: () => unknown): void =>
        assert.throws(call, (error: Error) => error instanceof UsageError && messages.add(error.message) !== null);
      for (const value of NOT_SENDABLE as Payload[]) {
        refused(() => client.send(value));
        refused(() => rig.server.publish("nobody", value));
        client.subscribe("one");
        refused(() => rig.server.publish("one", value));
        refused(() => rig.server.publish("one", value, { except: client }));
      }
      client.terminate();
      for (const value of NOT_SENDABLE as Payload[]) refused(() => client.send(value));
      assert.equal(messages.size, NOT_SENDABLE.length, "the same words everywhere");
    });
  });
}

describe("bytes that came in", () => {
  it("are those of their own message, wherever it lies", async (test) => {
    const kept: Message[] = [];
    const rig = await startRig(test, { message: (_client, message) => void kept.push(message) });
    const { peer } = await rig.connect();
    const texts = ["one", "", "x".repeat(3_000), "y".repeat(200_000), "last"];
    for (const text of texts) await peer.sendFrame(frame.text(text));
    await until(() => kept.length === texts.length, "the messages");
    for (const [at, message] of kept.entries()) {
      assert.equal(message.byteLength, texts[at]!.length);
      assert.ok(message.bytes.equals(Buffer.from(texts[at]!)), `message ${at}`);
    }
  });

  it("cannot be transferred, of whatever length and way they came", async (test) => {
    const kept: Buffer[] = [];
    const rig = await startRig(test, {
      compression: true,
      message: (_client, message) => void kept.push(message.bytes),
    });
    const { peer } = await rig.connect();
    const compressed = await rig.connect({ offer: "permessage-deflate" });
    const texts = ["short", "x".repeat(3_000), "y".repeat(30_000), "z".repeat(200_000)];
    for (const text of texts) await peer.sendFrame(frame.text(text));
    await peer.sendFrame(frame.text("in ", { fin: false }));
    await peer.sendFrame(frame.next("parts"));
    await compressed.peer.sendFrame(frame.text("of one who has deflate"));
    await until(() => kept.length === 6, "the messages");
    const { port1, port2 } = new MessageChannel();
    test.after(() => port1.close());
    for (const bytes of kept) {
      const before = bytes.toString();
      const memory = bytes.buffer as ArrayBuffer & { transfer?: () => unknown; transferToFixedLength?: () => unknown };
      for (const take of [
        () => port1.postMessage(bytes, [memory]),
        () => structuredClone(bytes, { transfer: [memory] }),
        () => memory.transfer?.(),
        () => memory.transferToFixedLength?.(),
      ]) {
        try {
          take();
        } catch {
          // Node 20 copies instead; the newer ones throw.
        }
        assert.equal(bytes.toString(), before);
        assert.ok(memory.byteLength > 0);
      }
    }
    port2.close();
  });

  it("leave no message empty whose neighbour a stream of bytes has taken", async (test) => {
    const kept: Message[] = [];
    const rig = await startRig(test, { message: (_client, message) => void kept.push(message) });
    const { peer } = await rig.connect();
    const other = await rig.connect();
    for (const sender of [peer, other.peer]) await sender.sendFrame(frame.text("a message"));
    await until(() => kept.length === 2, "the messages");
    const stream = new ReadableStream({
      type: "bytes",
      start(controller) {
        try {
          controller.enqueue(kept[0]!.bytes);
        } catch {
          // Node 24 refuses; the versions before it take all of the memory.
        }
      },
    });
    await stream.cancel();
    assert.deepEqual(
      kept.map((message) => message.text()),
      ["a message", "a message"],
    );
  });
});
