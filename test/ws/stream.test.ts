/** A WebSocket as a stream, against that of `ws` at the other end. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { pipeline } from "node:stream/promises";
import { describe, it } from "node:test";
import { libraries, startPair } from "./pair.js";

const { ws, "hawser/ws": hawser } = libraries;

describe("createWebSocketStream", () => {
  for (const [name, server, client] of [
    ["at the server's end", hawser, ws],
    ["at the client's", ws, hawser],
  ] as const) {
    it(`carries bytes both ways, as slow as they are read, ${name}`, async (test) => {
      const pair = await startPair(test, server, client, { maxPayload: 1024 * 1024 });
      const ends = await pair.connect();
      const [near, far] = [
        server.createWebSocketStream(ends.socket),
        client.createWebSocketStream(ends.client, { highWaterMark: 1024 }),
      ];
      void pipeline(near, near).catch(() => {});
      const sent = Buffer.alloc(4 * 1024 * 1024, "0123456789");
      const parts: Buffer[] = [];
      const all = new Promise<void>((done) => {
        let length = 0;
        far.on("data", (part: Buffer) => {
          parts.push(part);
          if ((length += part.length) === sent.length) done();
        });
      });
      for (let at = 0; at < sent.length; at += 64 * 1024) {
        if (!far.write(sent.subarray(at, at + 64 * 1024))) await once(far, "drain");
      }
      await all;
      far.end();
      await once(far, "close");
      assert.ok(Buffer.concat(parts).equals(sent));
    });
  }

  it("is destroyed with an error when the other side breaks the protocol", async (test) => {
    const pair = await startPair(test, hawser, ws);
    const ends = await pair.connect();
    const stream = hawser.createWebSocketStream(ends.socket);
    (ends.client as unknown as { _socket: { write(bytes: Buffer): void } })._socket.write(Buffer.from([0x85, 0x00]));
    const over = new Promise((done) => stream.once("close", done));
    const [error] = (await once(stream, "error")) as [NodeJS.ErrnoException];
    assert.equal(error.code, "WS_ERR_INVALID_OPCODE");
    await over;
  });

  it("ends the connection when it is destroyed", async (test) => {
    const pair = await startPair(test, hawser, ws);
    const ends = await pair.connect();
    hawser.createWebSocketStream(ends.socket).destroy();
    const [code] = (await once(ends.client, "close")) as [number];
    assert.equal(code, 1006);
  });
});
