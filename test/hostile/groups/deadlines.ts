/** Clients that are slow on purpose, against a server with short deadlines. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";

import { sleep, until } from "../../harness/concurrency.js";
import { encodeFrame, frame, PING } from "../../harness/frames.js";
import { upgradeRequest } from "../../harness/http.js";
import { type Ending, RawClient } from "../../harness/raw-client.js";
import type { ServerProcess } from "../../harness/server.js";
import { DEADLINES, disconnectLine, type Group, type HostileCase } from "../harness/group.js";

interface Slow {
  name: string;
  /** Not ended before this many milliseconds, counted from the connection's start. */
  notBeforeMs: number;
  /** What the client does; it may go on until the connection has ended. */
  does: (client: RawClient, ended: () => boolean) => Promise<unknown>;
  /** @default a raw connection, without a handshake */
  upgraded?: boolean;
  closeCode?: number | "none";
  /** Of the HTTP response that tells. */
  status?: number;
}

function slowCase({ name, notBeforeMs, does, upgraded = false, closeCode, status }: Slow): HostileCase {
  return {
    name,
    async run(server: ServerProcess) {
      const client = upgraded ? await RawClient.open(server.url) : await RawClient.connect(server.url);
      try {
        let over = false;
        const doing = does(client, () => over);
        const ending = await client.ended();
        over = true;
        await doing;
        checkTime(ending, notBeforeMs);
        if (closeCode !== undefined) assert.equal(ending.close === undefined ? "none" : ending.close.code, closeCode);
        if (status !== undefined) assert.equal((await client.nextResponse())?.status, status);
      } finally {
        client.destroy();
      }
    },
  };
}

function checkTime(ending: Ending, notBeforeMs: number): void {
  assert.notEqual(ending.how, "open", "still open long after the deadline");
  assert.ok(
    ending.afterMs >= notBeforeMs,
    `ended after ${ending.afterMs} ms, before the deadline of ${notBeforeMs} ms`,
  );
}

/** Sends the bytes one at a time until they are gone or the connection is. */
const drip =
  (bytes: (client: RawClient) => string | Uint8Array, everyMs: number) =>
  async (client: RawClient, ended: () => boolean): Promise<void> => {
    for (const byte of Buffer.from(bytes(client) as string)) {
      if (ended() || !(await client.sendBytes(Uint8Array.of(byte)))) return;
      await sleep(everyMs);
    }
  };

const once = (bytes: (client: RawClient) => string | Uint8Array) => (client: RawClient) =>
  client.sendBytes(bytes(client));
const request = (client: RawClient): string => upgradeRequest(client.url);
const { closeTimeoutMs, headersTimeoutMs, messageTimeoutMs, pongWaitMs } = DEADLINES;

const headers: Slow[] = [
  { name: "a connection on which nothing is sent", does: async () => {}, notBeforeMs: headersTimeoutMs },
  { name: "half a request line", does: once(() => "GET /lob"), notBeforeMs: headersTimeoutMs, status: 408 },
  {
    name: "headers that do not end",
    does: once((client) => request(client).slice(0, -2)),
    notBeforeMs: headersTimeoutMs,
    status: 408,
  },
  { name: "headers that drip", does: drip(request, 100), notBeforeMs: headersTimeoutMs, status: 408 },
  {
    name: "a header that drips without end",
    does: drip(() => `GET / HTTP/1.1\r\nX: ${"a".repeat(500)}`, 50),
    notBeforeMs: headersTimeoutMs,
    status: 408,
  },
  { name: "empty lines that drip", does: drip(() => "\r\n".repeat(200), 50), notBeforeMs: headersTimeoutMs },
  {
    name: "a body that does not come",
    does: once(() => "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nabc"),
    notBeforeMs: 0,
  },
];

const long = encodeFrame(frame.text("x".repeat(500)));
const pingAfterPing = async (client: RawClient, ended: () => boolean): Promise<void> => {
  await client.sendFrame(frame.text("begun", { fin: false }));
  while (!ended() && (await client.sendFrame(frame.ping()))) await sleep(100);
};
const fragmentAfterFragment = async (client: RawClient, ended: () => boolean): Promise<void> => {
  await client.sendFrame(frame.text("begun", { fin: false }));
  while (!ended() && (await client.sendFrame(frame.next("x", { fin: false })))) await sleep(100);
};

const messages: Slow[] = [
  {
    name: "a message that drips",
    does: drip(() => long, 50),
    notBeforeMs: messageTimeoutMs,
    upgraded: true,
    closeCode: 1008,
  },
  {
    name: "a frame header that drips",
    does: drip(() => encodeFrame(frame.text("", { declaredLength: 70_000 })).subarray(0, 9), 400),
    notBeforeMs: messageTimeoutMs,
    upgraded: true,
  },
  {
    name: "a message in fragments without end",
    does: fragmentAfterFragment,
    notBeforeMs: messageTimeoutMs,
    upgraded: true,
    closeCode: 1008,
  },
  {
    name: "a message kept open by pings",
    does: pingAfterPing,
    notBeforeMs: messageTimeoutMs,
    upgraded: true,
    closeCode: 1008,
  },
  {
    name: "half a message, then silence",
    does: once(() => long.subarray(0, 100)),
    notBeforeMs: Math.min(messageTimeoutMs, pongWaitMs),
    upgraded: true,
  },
  {
    name: "half a frame header, then silence",
    does: once(() => long.subarray(0, 1)),
    notBeforeMs: Math.min(messageTimeoutMs, pongWaitMs),
    upgraded: true,
  },
];

const silent: Slow[] = [
  { name: "a client that never says a word", does: async () => {}, notBeforeMs: pongWaitMs, upgraded: true },
  {
    name: "a client that goes silent after a message",
    does: (client) => client.echo("once"),
    notBeforeMs: pongWaitMs,
    upgraded: true,
  },
];

/** Violates, gets its close frame and FIN, and keeps its own side open: the server must not wait for it for ever. */
const unanswered: HostileCase = {
  name: "a client that does not answer the close frame",
  async run(server) {
    const path = `/${randomUUID()}`;
    const client = await RawClient.open(server.url, { path, keepHalfOpen: true });
    try {
      await client.sendFrame({ opcode: 3 });
      assert.equal((await client.ended()).close?.code, 1002);
      const line = await disconnectLine(server, path);
      assert.equal(line["cause"], "protocol-error");
      // By the server's clock; the default would take 5 s.
      const took = Number(line["durationMs"]);
      assert.ok(took >= closeTimeoutMs && took < 20_000, `it took ${took} ms`);
    } finally {
      client.destroy();
    }
  },
};

/** The other side of each deadline: who keeps to it stays. */
const honest: HostileCase[] = [
  {
    name: "honest: answers pings for three times the read deadline",
    async run(server) {
      const client = await RawClient.open(server.url, { answerPings: true });
      await sleep(3 * pongWaitMs);
      await client.echo("still here");
      await client.close();
    },
  },
  {
    name: "honest: never answers a ping, but sends messages",
    async run(server) {
      const client = await RawClient.open(server.url);
      const end = performance.now() + 2 * pongWaitMs;
      while (performance.now() < end) {
        await client.echo("still here");
        await sleep(100);
      }
      await client.close();
    },
  },
  {
    name: "pings arrive on schedule",
    async run(server) {
      const client = await RawClient.open(server.url, { answerPings: true });
      const pings = (): number => client.frames().filter(({ opcode }) => opcode === PING).length;
      await until(() => pings() >= 6, "six pings");
      await client.close();
    },
  },
];

export const deadlines: Group = {
  name: "deadlines",
  server: "hasty",
  atOnce: 32, // they mostly wait
  cases: [...[...headers, ...messages, ...silent].map(slowCase), unanswered, ...honest],
};
