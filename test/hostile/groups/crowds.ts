/** Many connections at once, decent and not. */
import assert from "node:assert/strict";

import { inParallel } from "../../harness/concurrency.js";
import { encodeFrame, frame } from "../../harness/frames.js";
import { upgradeRequest } from "../../harness/http.js";
import { RawClient } from "../../harness/raw-client.js";
import type { ServerProcess } from "../../harness/server.js";
import type { Group, HostileCase } from "../harness/group.js";

const COUNT = 400;

/** Brings `COUNT` clients to the same point, so that all are there at once, and then lets each do its part. */
function crowd(
  name: string,
  arrive: (server: ServerProcess) => Promise<RawClient>,
  then: (client: RawClient, index: number) => Promise<unknown>,
): HostileCase {
  return {
    name: `${COUNT} ${name}`,
    async run(server) {
      const clients: RawClient[] = [];
      try {
        await inParallel(Array(COUNT).keys(), 50, async () => void clients.push(await arrive(server)));
        await Promise.all(clients.map(then));
      } finally {
        for (const client of clients) client.destroy();
      }
    },
  };
}

const open = (server: ServerProcess): Promise<RawClient> => RawClient.open(server.url);
const connect = (server: ServerProcess): Promise<RawClient> => RawClient.connect(server.url);
const closeProperly = async (client: RawClient): Promise<void> => {
  await client.sendFrame(frame.close(1000));
  await client.expectClose(1000);
};

export const crowds: Group = {
  name: "crowds",
  atOnce: 1,
  cases: [
    crowd("clients echo at once and close", open, async (client, index) => {
      await client.echo(`client ${index}`);
      await closeProperly(client);
    }),
    crowd("clients are reset at once", open, async (client) => client.reset()),
    crowd("clients send FIN at once", open, async (client) => {
      client.end();
      assert.equal((await client.ended()).how, "fin");
    }),
    crowd("clients break the protocol at once", open, async (client) => {
      await client.sendFrame({ opcode: 7, payload: "x" });
      await client.expectClose(1002);
    }),
    crowd("clients send half a message and are reset", open, async (client) => {
      await client.sendBytes(encodeFrame(frame.text("x".repeat(1000))).subarray(0, 500));
      client.reset();
    }),
    crowd("connections without a request, reset", connect, async (client) => client.reset()),
    crowd("half requests at once, then FIN", connect, async (client) => {
      await client.sendBytes(upgradeRequest(client.url).slice(0, 60));
      client.end();
      assert.notEqual((await client.ended()).how, "open");
    }),
    crowd("garbage requests at once", connect, async (client) => {
      await client.sendBytes("garbage\r\n\r\n");
      assert.equal((await client.nextResponse())?.status, 400);
    }),
    crowd("handshakes whose clients leave before the answer", connect, async (client) => {
      await client.sendBytes(upgradeRequest(client.url));
      client.reset();
    }),
  ],
};
