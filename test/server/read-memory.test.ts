/** All sockets read into the same memory: what came in is used or copied before the next one is read. Here it is overwritten at once. */
import assert from "node:assert/strict";
import { deflateRawSync } from "node:zlib";
import type { Duplex } from "node:stream";
import { describe, it, type TestContext } from "node:test";
import { readBuffer } from "#hawser/protocol/mask.js";
import { LeanSocket } from "#hawser/server/internals/lean-socket.js";
import { SharedReads } from "#hawser/server/internals/shared-reads.js";
import type { OnRead } from "#hawser/server/sockets/client-socket.js";
import { encodeFrame, frame } from "../harness/frames.js";
import { upgradeRequest } from "../harness/http.js";
import { Random } from "../harness/random.js";
import { plainHttpServer, startRig, turns } from "../harness/rig.js";

const isBun = process.versions["bun"] !== undefined;

/** Overwrites the memory as soon as an owner has been told what is in it. @returns how often that was */
function overwriteAfterReads(test: TestContext): { times: number } {
  const seen = { times: 0 };
  const overwrite = (): void => {
    seen.times++;
    readBuffer().fill(0xff);
  };
  // What the types of the package leave out.
  const lean = LeanSocket.prototype as unknown as {
    onRead: (this: LeanSocket, memory: ArrayBuffer | undefined) => void;
  };
  const { onRead } = lean;
  test.mock.method(lean, "onRead", function (this: LeanSocket, memory: ArrayBuffer | undefined) {
    onRead.call(this, memory);
    if (memory === undefined) overwrite();
  });
  const shared = SharedReads.prototype as { redirect: (this: SharedReads, socket: Duplex, onRead: OnRead) => boolean };
  const { redirect } = shared;
  test.mock.method(shared, "redirect", function (this: SharedReads, socket: Duplex, onRead: OnRead) {
    return redirect.call(this, socket, function (this: Duplex, length, bytes) {
      onRead.call(this, length, bytes);
      overwrite();
      return true;
    });
  });
  return seen;
}

describe("what is read into the memory of all sockets", { skip: isBun }, () => {
  for (const isAttached of [false, true]) {
    it(`is with its handler, or copied, when the next socket is read (${isAttached ? "attached" : "lean"})`, async (test) => {
      const seen = overwriteAfterReads(test);
      const rig = await startRig(
        test,
        {
          compression: true,
          // Nothing that is sent.
          compressionThresholdBytes: 2 ** 20,
          portableSockets: false,
          maxMessageBytes: 2 ** 20,
          // What comes meanwhile waits.
          async authenticate() {
            await turns(3);
            return undefined;
          },
          async message(client, message) {
            await turns(2);
            client.send(message);
          },
        },
        isAttached ? { attach: plainHttpServer() } : {},
      );
      const random = new Random(20_261_130);
      const peer = await rig.dial();
      const texts = [3, 600, 5000, 70_000, 200_000, 1, 40].map((length) =>
        "abcdefghij".repeat(length / 10 + 1).slice(0, length),
      );
      const compressed = deflateRawSync(Buffer.from("deflated ".repeat(5000)), { finishFlush: 2 }).subarray(0, -4);
      const bytes = Buffer.concat([
        Buffer.from(upgradeRequest(rig.url, { offer: "permessage-deflate" })),
        ...texts.map((text) => encodeFrame(frame.text(text))),
        encodeFrame({ ...frame.text("a part, "), fin: false }),
        encodeFrame(frame.ping("between")),
        encodeFrame({ opcode: 0, payload: Buffer.from("and the rest") }),
        encodeFrame({ ...frame.binary(compressed), opcode: 1, rsv: 4 }),
      ]);
      // The head in one piece, so that it comes in at the front door.
      let at = bytes.indexOf("\r\n\r\n") + 4;
      await peer.sendBytes(bytes.subarray(0, at + 2));
      for (at += 2; at < bytes.length;) {
        const end = Math.min(bytes.length, at + random.pick([1, 2, 7, 1000, 30_000, 100_000]));
        await peer.sendBytes(bytes.subarray(at, end));
        await turns(2);
        at = end;
      }
      assert.equal((await peer.nextResponse())!.status, 101);
      for (const text of [...texts, "a part, and the rest", "deflated ".repeat(5000)])
        assert.ok((await peer.nextMessage()).bytes.toString() === text, `${text.length} bytes`);
      assert.ok(seen.times > 2, `${seen.times} reads`);
    });
  }
});
