/** Clients of a `wss://` port that do not speak TLS, or do not finish speaking it. */
import assert from "node:assert/strict";
import { connect } from "node:tls";

import { inParallel } from "../../harness/concurrency.js";
import { frame } from "../../harness/frames.js";
import { upgradeRequest } from "../../harness/http.js";
import { RawClient } from "../../harness/raw-client.js";
import type { ServerProcess } from "../../harness/server.js";
import { DEADLINES, exchangeCase, type Group, type HostileCase } from "../harness/group.js";

/** A ClientHello's record header and the beginning of its body. */
const HALF_HELLO = Buffer.from("16030100c8010000c40303", "hex");

/** The port of `wss://` without TLS. */
function plainly(server: ServerProcess): Promise<RawClient> {
  return RawClient.connect(server.url.replace("wss:", "ws:"));
}

function ends(name: string, does: (client: RawClient, server: ServerProcess) => unknown, notBeforeMs = 0): HostileCase {
  return {
    name,
    async run(server) {
      const client = await plainly(server);
      try {
        await does(client, server);
        const ending = await client.ended();
        assert.notEqual(ending.how, "open", "the server must end the connection");
        assert.ok(ending.afterMs >= notBeforeMs, `ended after ${ending.afterMs} ms`);
      } finally {
        client.destroy();
      }
    },
  };
}

const oldTls: HostileCase = {
  name: "TLS 1.1 is refused",
  async run(server) {
    const { hostname: host, port } = new URL(server.url);
    const code = await new Promise((done) => {
      const options = {
        host,
        port: Number(port),
        maxVersion: "TLSv1.1",
        minVersion: "TLSv1",
        rejectUnauthorized: false,
      } as const;
      const socket = connect({ ...options, ciphers: "ALL@SECLEVEL=0" }, () => done("connected"));
      socket.on("error", (error: NodeJS.ErrnoException) => done(error.code));
    });
    assert.notEqual(code, "connected");
  },
};

const crowd: HostileCase = {
  name: "100 clients are reset, some in the TLS handshake, some in a frame",
  async run(server) {
    await inParallel(Array(100).keys(), 20, async (_, index) => {
      const client = index % 2 === 0 ? await plainly(server) : await RawClient.open(server.url);
      await client.sendBytes(index % 2 === 0 ? HALF_HELLO : Buffer.from([0x81, 0xff]));
      client.reset();
    });
  },
};

export const tls: Group = {
  name: "TLS",
  server: "tls",
  cases: [
    exchangeCase("honest: a message of 512 KiB", {
      send: [frame.binary(Buffer.alloc(524_288, 7))],
      expect: [{ binary: Buffer.alloc(524_288, 7) }],
    }),
    exchangeCase("honest: a message byte by byte", {
      send: [frame.text("Hello")],
      chop: 1,
      expect: [{ text: "Hello" }],
    }),
    exchangeCase("a reserved opcode", { send: [{ opcode: 3 }], end: { failed: 1002 } }),
    exchangeCase("a message that is too big", {
      send: [frame.text("", { declaredLength: 524_289 })],
      end: { failed: 1009 },
    }),
    ends("HTTP to the TLS port", (client) => client.sendBytes(upgradeRequest(client.url))),
    ends("zeros to the TLS port", (client) => client.sendBytes(Buffer.alloc(1000))),
    ends("a WebSocket frame to the TLS port", (client) => client.sendFrame(frame.text("Hello"))),
    ends("FIN at once", (client) => client.end()),
    ends("FIN after half a ClientHello", async (client) => {
      await client.sendBytes(HALF_HELLO);
      client.end();
    }),
    ends("RST after half a ClientHello", async (client) => {
      await client.sendBytes(HALF_HELLO);
      client.reset();
    }),
    ends("nothing is sent to the TLS port", () => {}, DEADLINES.headersTimeoutMs),
    ends("half a ClientHello, then silence", (client) => client.sendBytes(HALF_HELLO), DEADLINES.headersTimeoutMs),
    ends("a ClientHello that drips", (client) =>
      client.sendChopped(Buffer.concat([HALF_HELLO, Buffer.alloc(60)]), 1, 50),
    ),
    oldTls,
    crowd,
  ],
};
