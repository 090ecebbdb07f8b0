/** How a client that has agreed on compression gets its messages: with what it forgets after each, and with what it does not. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { DeflateParameters } from "#hawser/protocol/deflate-negotiation.js";
import { Inflater } from "#hawser/protocol/deflate.js";
import { Compression } from "#hawser/server/sending/compression.js";
import { Outgoing } from "#hawser/server/sending/outgoing.js";

const settings = { level: 6, memLevel: 8, thresholdBytes: 100 };
const TEXT = "the same words again and again, ".repeat(20);

function parameters(serverNoContextTakeover: boolean): DeflateParameters {
  return {
    serverNoContextTakeover,
    clientNoContextTakeover: true,
    serverMaxWindowBits: 15,
    clientMaxWindowBits: 15,
  };
}

const isCompressed = (frame: Buffer): boolean => (frame[0]! & 0x40) !== 0;
/** What is in an unmasked frame of up to 64 KiB. */
const payloadOf = (frame: Buffer): Buffer => frame.subarray(frame[1] === 126 ? 4 : 2);
const outgoing = (text: string): Outgoing => new Outgoing(text, settings);

describe("compression without context takeover", () => {
  const compression = new Compression(parameters(true), settings);

  it("gives all who have agreed on the same the same frame", () => {
    const message = outgoing(TEXT);
    const frame = compression.frameOf(message, false);
    assert.ok(isCompressed(frame) && frame.length < TEXT.length / 4);
    assert.equal(String(new Inflater(parameters(true), "client").inflate(payloadOf(frame), 10_000)), TEXT);
    assert.equal(new Compression(parameters(true), settings).frameOf(message, false), frame);
  });

  it("goes on for a client that is behind, for each message can be read by itself", () => {
    assert.ok(isCompressed(compression.frameOf(outgoing(TEXT), true)));
  });

  it("leaves short messages as they are", () => {
    assert.ok(!isCompressed(compression.frameOf(outgoing("short"), false)));
  });
});

describe("compression with context takeover", () => {
  it("refers to what was sent before, of which each client has its own", () => {
    const compression = new Compression(parameters(false), settings);
    const inflater = new Inflater(parameters(false), "client");
    const frames = [TEXT, TEXT].map((text) => compression.frameOf(outgoing(text), false));
    assert.ok(frames[1]!.length < frames[0]!.length);
    for (const frame of frames) assert.equal(String(inflater.inflate(payloadOf(frame), 10_000)), TEXT);
    assert.equal(new Compression(parameters(false), settings).frameOf(outgoing(TEXT), false).length, frames[0]!.length);
  });

  it("compresses nothing that might not be sent, and goes on where it was", () => {
    const compression = new Compression(parameters(false), settings);
    const inflater = new Inflater(parameters(false), "client");
    const first = compression.frameOf(outgoing(TEXT), false);
    assert.ok(!isCompressed(compression.frameOf(outgoing(`${TEXT}!`), true)));
    assert.ok(!isCompressed(compression.frameOf(outgoing("short"), false)));
    const last = compression.frameOf(outgoing(TEXT), false);
    for (const frame of [first, last]) assert.equal(String(inflater.inflate(payloadOf(frame), 10_000)), TEXT);
  });
});
