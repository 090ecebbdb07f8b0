import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inflateRawSync } from "node:zlib";
import { encodeFrame } from "#hawser/protocol/encoder.js";
import { BINARY, TEXT } from "#hawser/protocol/opcodes.js";
import { Batch } from "#hawser/server/sending/batch.js";
import { Outgoing } from "#hawser/server/sending/outgoing.js";
import { Random } from "../harness/random.js";
import { ReceivedMessage } from "./harness/received-message.js";

const settings = { level: 3, memLevel: 8, thresholdBytes: 100 };
const long = "x".repeat(1_000);

describe("an outgoing message", () => {
  it("is one frame of the type of what it is made of", () => {
    const chunk = Buffer.from("....payload");
    for (const [payload, opcode] of [
      ["payload", TEXT],
      [Buffer.from("payload"), BINARY],
      [new ReceivedMessage(chunk, 4, 11, false), TEXT],
      [new ReceivedMessage(chunk, 4, 11, true), BINARY],
    ] as const) {
      const message = new Outgoing(payload, settings);
      assert.deepEqual(message.uncompressedFrame(), encodeFrame(opcode, Buffer.from("payload")));
      assert.equal(Buffer.from(message.bytes).toString(), "payload");
      assert.equal(message.byteLength, 7);
    }
  });

  it("keeps each form it was asked for", () => {
    const message = new Outgoing(long, settings);
    assert.equal(message.uncompressedFrame(), message.uncompressedFrame());
    assert.equal(message.deflatedFrame(15), message.deflatedFrame(15));
    assert.notEqual(message.deflatedFrame(15), message.deflatedFrame(9));
  });

  it("is compressed with RSV1 set, and without the end of its block (RFC 7692 7.2.1)", () => {
    const frame = new Outgoing(long, settings).deflatedFrame(15);
    assert.equal(frame[0], 0x80 | 0x40 | TEXT);
    const block = Buffer.concat([frame.subarray(2), Buffer.from([0, 0, 0xff, 0xff])]);
    assert.equal(inflateRawSync(block, { finishFlush: 2 }).toString(), long);
  });

  it("is not compressed when it is short or does not shrink", () => {
    const short = new Outgoing("x".repeat(99), settings);
    assert.deepEqual([short.isLong, new Outgoing("x".repeat(100), settings).isLong], [false, true]);
    assert.equal(short.deflatedFrame(15), short.uncompressedFrame());
    const incompressible = new Outgoing(new Random(20_261_130).bytes(500), settings);
    assert.equal(incompressible.deflatedFrame(15), incompressible.uncompressedFrame());
  });

  it("does not copy a long message that came in", () => {
    const chunk = Buffer.alloc(64 * 1024);
    const message = new Outgoing(new ReceivedMessage(chunk, 8, 8 + 32 * 1024, true), settings);
    assert.equal(message.uncompressedFrame().buffer, chunk.buffer);
    assert.equal(message.bytes.byteOffset, chunk.byteOffset + 8);
  });

  it("waits in memory that holds nothing else, and that all who wait for it share", () => {
    const pool = Buffer.alloc(8 * 1024);
    const message = new Outgoing("short", settings);
    const frame = pool.subarray(0, 100);
    const kept = message.toKeep(frame);
    assert.deepEqual([kept.length, kept.buffer.byteLength], [100, 100]);
    assert.equal(message.toKeep(frame), kept);
    assert.notEqual(message.toKeep(pool.subarray(100, 200)), kept);
    const alone = Buffer.allocUnsafeSlow(100);
    assert.equal(message.toKeep(alone), alone, "is alone in its memory already");
  });

  it("joined with others is one buffer for all batches alike", () => {
    const empty = Batch.empty();
    const frames = ["a", "b"].map((text) => new Outgoing(text, settings).uncompressedFrame());
    const batches = [1, 2].map(() => frames.reduce((batch, each) => batch.with(each), empty));
    assert.equal(batches[0]!.join(), batches[1]!.join());
  });
});
