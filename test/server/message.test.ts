import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { runInNewContext } from "node:vm";
import { encodeFrame } from "#hawser/protocol/encoder.js";
import { BINARY, TEXT } from "#hawser/protocol/opcodes.js";
import { UsageError } from "#hawser/server/base/usage-error.js";
import { checkPayload, isJsonError, type Payload } from "#hawser/server/sending/message.js";
import { Scratch } from "#hawser/server/sending/scratch.js";
import { ReceivedMessage } from "./harness/received-message.js";

/** A message as the parser hands it over: among others, with room for a header before it. */
function messageOf(
  payload: string | Buffer,
  isBinary = typeof payload !== "string",
): { message: ReceivedMessage; chunk: Buffer } {
  const bytes = Buffer.from(payload as string);
  const around = Buffer.concat([Buffer.from("before...."), bytes, Buffer.from("behind")]);
  // Not of the pool of all buffers.
  const chunk = Buffer.from(new Uint8Array(around).buffer);
  return { message: new ReceivedMessage(chunk, 10, 10 + bytes.length, isBinary), chunk };
}

describe("a message that came in", () => {
  it("is its part of the memory that it lies in, as bytes and as text", () => {
    const { message } = messageOf("né€👋");
    assert.deepEqual([message.byteLength, message.isBinary], [10, false]);
    assert.equal(message.text(), "né€👋");
    assert.equal(message.bytes.toString(), "né€👋");
    assert.deepEqual([messageOf("").message.text(), messageOf("").message.bytes.length], ["", 0]);
  });

  it("of bytes that are no UTF-8 is text with U+FFFD in their place", () => {
    assert.equal(messageOf(Buffer.from([0x61, 0xff, 0x62])).message.text(), "a\ufffdb");
  });

  it("is JSON when it is asked for it, and else an error that tells nothing of what stands in it", () => {
    assert.deepEqual(messageOf('{"a":[1,null]}').message.json(), { a: [1, null] });
    for (const text of ["", "{secret", '{"secret":}']) {
      assert.throws(
        () => messageOf(text).message.json(),
        (error) => error instanceof SyntaxError && !error.message.includes("secret") && isJsonError(error),
        text,
      );
    }
  });

  it("is not what a handler threw that parses for itself", () => {
    for (const thrown of [new SyntaxError("the message is not JSON"), "text", null, undefined, revoked()])
      assert.equal(isJsonError(thrown), false);
  });

  it("is the frame that a server sends: a copy when it is short, and the very bytes when it is long", () => {
    for (const [payload, opcode] of [
      ["short", TEXT],
      [Buffer.from("short"), BINARY],
      [Buffer.alloc(16 * 1024 - 1, 1), BINARY],
      ["x".repeat(16 * 1024), TEXT],
    ] as const) {
      const { message, chunk } = messageOf(payload);
      const frame = message.toFrame();
      assert.ok(frame.equals(encodeFrame(opcode, Buffer.from(payload as string))));
      assert.equal(frame.buffer === chunk.buffer, payload.length >= 16 * 1024, `${payload.length} bytes`);
    }
  });

  it("is added to the scratch buffer as a frame of its type", () => {
    const scratch = new Scratch();
    assert.equal(messageOf("text").message.addTo(scratch), 4);
    assert.equal(messageOf(Buffer.from("bytes")).message.addTo(scratch), 5);
    const expected = [encodeFrame(TEXT, "text"), encodeFrame(BINARY, Buffer.from("bytes"))];
    assert.deepEqual(scratch.removeAll(), Buffer.concat(expected));
  });
});

describe("a payload", () => {
  it("is text, a Uint8Array of any realm, or a message", () => {
    const foreign = runInNewContext("new Uint8Array([1, 2])") as Uint8Array;
    for (const payload of ["", "text", Buffer.from("bytes"), new Uint8Array(1), foreign, messageOf("x").message])
      checkPayload(payload);
  });

  it("is nothing else, and the error says what it was", () => {
    for (const [payload, named] of [
      [undefined, "undefined"],
      [null, "null"],
      [1, "1"],
      [{}, "an object (Object)"],
      [Object.create(null), "an object (without a prototype)"],
      [new ArrayBuffer(1), "an object (ArrayBuffer)"],
      [new Uint16Array(1), "an object (Uint16Array)"],
    ] as [unknown, string][]) {
      assert.throws(
        () => checkPayload(payload as Payload),
        (error) => error instanceof UsageError && error.message.endsWith(`got ${named}`),
        named,
      );
    }
  });
});

/** A proxy that throws whatever is asked of it. */
function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}
