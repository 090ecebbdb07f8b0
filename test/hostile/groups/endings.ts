/** Connections that end at any moment: RST, FIN without a close frame, our socket just gone. */
import assert from "node:assert/strict";

import { encodeFrame, frame } from "../../harness/frames.js";
import { upgradeRequest } from "../../harness/http.js";
import { RawClient } from "../../harness/raw-client.js";
import type { ServerProcess } from "../../harness/server.js";
import type { Group, HostileCase } from "../harness/group.js";

type Way = "reset" | "end";
const WAYS: readonly Way[] = ["reset", "end"];
const SAYS: Record<Way, string> = { reset: "RST", end: "FIN" };

async function leave(client: RawClient, way: Way): Promise<void> {
  client[way]();
  if (way === "end")
    assert.notEqual((await client.ended()).how, "open", "the server must answer a FIN by ending its side");
}

function leaving(moment: string, arrive: (server: ServerProcess) => Promise<RawClient>): HostileCase[] {
  return WAYS.map((way) => ({
    name: `${SAYS[way]} ${moment}`,
    async run(server) {
      const client = await arrive(server);
      try {
        await leave(client, way);
      } finally {
        client.destroy();
      }
    },
  }));
}

const afterBytesOfRequest = (count: number) => async (server: ServerProcess) => {
  const client = await RawClient.connect(server.url);
  await client.sendBytes(upgradeRequest(server.url).slice(0, count));
  return client;
};
/** Upgraded, and so many bytes of this sent. */
const afterSending = (bytes: Uint8Array) => async (server: ServerProcess) => {
  const client = await RawClient.open(server.url);
  await client.sendBytes(bytes);
  return client;
};

const message = encodeFrame(frame.text("x".repeat(300)));
const requestLength = upgradeRequest("ws://127.0.0.1:12345/").length;

const duringRequest = Array.from({ length: Math.floor(requestLength / 10) }, (_, index) => index * 10).flatMap(
  (count) => leaving(`after ${count} bytes of the request`, afterBytesOfRequest(count)),
);
const duringFrame = [0, 1, 2, 3, 4, 5, 7, 8, 9, 50, 300, message.length].flatMap((count) =>
  leaving(`after ${count} bytes of a frame`, afterSending(message.subarray(0, count))),
);

const MOMENTS: readonly HostileCase[] = [
  ...leaving("right after the whole request", afterBytesOfRequest(10_000)),
  ...leaving("after half of a fragmented message", afterSending(encodeFrame(frame.text("x", { fin: false })))),
  ...leaving("after a ping, before its pong", afterSending(encodeFrame(frame.ping("p")))),
  ...leaving(
    "after 100 messages, before their echoes",
    afterSending(Buffer.concat(Array.from({ length: 100 }, () => message))),
  ),
  ...leaving(
    "after 4 MiB of messages, before their echoes",
    afterSending(Buffer.concat(Array.from({ length: 64 }, () => encodeFrame(frame.binary(Buffer.alloc(65_000)))))),
  ),
  ...leaving("after our close frame, before the answer", afterSending(encodeFrame(frame.close(1000)))),
  ...leaving("after half of a close frame", afterSending(encodeFrame(frame.close(1000, "bye")).subarray(0, 7))),
  ...leaving("after a violation", afterSending(encodeFrame({ opcode: 3 }))),
  ...leaving("after a message in compressed form, cut", async (server) => {
    const client = await RawClient.open(server.url, { offer: "permessage-deflate" });
    await client.sendFrame(frame.text(Buffer.from("f248cdc9", "hex"), { rsv: 4, fin: false }));
    return client;
  }),
  ...leaving("after a refused request", async (server) => {
    const client = await RawClient.connect(server.url);
    await client.handshake({ headers: { "Sec-WebSocket-Key": null } });
    return client;
  }),
  ...leaving("in the middle of the closing handshake", async (server) => {
    const client = await RawClient.open(server.url);
    await client.sendFrame({ opcode: 3 });
    assert.equal((await client.nextEvent())?.type, "close");
    return client;
  }),
];

export const endings: Group = {
  name: "endings at any moment",
  cases: [...duringRequest, ...duringFrame, ...MOMENTS],
  atOnce: 32,
};
