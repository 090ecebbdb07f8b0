/** For memory.test.ts, run with --expose-gc: what slow readers make a server hold, and what its books say of it. One JSON line a case. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { type Client, createServer, type OverflowPolicy, type Server } from "#hawser/index.js";

const KIB = 1024;
const READERS = 8;
const portableSockets = process.argv[2] === "portable";
const collect = (globalThis as unknown as { gc: () => void }).gc;

const HANDSHAKE =
  "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

interface Case {
  what: string;
  overflow?: OverflowPolicy;
  /** Sends one message to each, or to all. */
  send: (clients: readonly Client[], server: Server, index: number) => void;
  count: number;
}

const direct =
  (bytes: number, key?: (index: number) => string): Case["send"] =>
  (clients, _server, index) => {
    const payload = Buffer.alloc(bytes, 1);
    for (const client of clients) client.send(payload, key === undefined ? undefined : { key: key(index) });
    // As traffic to others does, it leaves gaps in Node's pool.
    Buffer.allocUnsafe(3000);
  };

const published =
  (bytes: number): Case["send"] =>
  (_clients, server) => {
    server.publish("room", Buffer.alloc(bytes, 1));
    Buffer.allocUnsafe(3000);
  };

const longText = "a message as long as many are, of which the key is a part ".repeat(500);

const cases: Case[] = [
  { what: "empty messages", send: direct(0), count: 10_000 },
  { what: "empty messages to a room", send: published(0), count: 10_000 },
  { what: "short messages", send: direct(50), count: 10_000 },
  { what: "messages of 700 bytes", send: direct(700), count: 2_000 },
  { what: "messages of 700 bytes to a room", send: published(700), count: 2_000 },
  { what: "messages of 5 KiB", send: direct(5 * KIB), count: 500 },
  { what: "messages of 40 KiB", send: direct(40 * KIB), count: 100 },
  { what: "messages of 40 KiB to a room", send: published(40 * KIB), count: 100 },
  { what: "empty messages, the oldest dropped", overflow: "drop-oldest", send: direct(0), count: 20_000 },
  {
    what: "empty messages with a key each",
    overflow: "latest-per-key",
    send: direct(0, (index) => `key ${index}`),
    count: 2_500,
  },
  {
    what: "empty messages with few keys",
    overflow: "latest-per-key",
    send: direct(0, (index) => `key ${index % 10}`),
    count: 20_000,
  },
  {
    what: "keys that are parts of long texts",
    overflow: "latest-per-key",
    send: direct(0, (index) => `${index}${longText}`.slice(0, 40)),
    count: 1_000,
  },
];

function memory(): number {
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

async function readerOf(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  socket.write(HANDSHAKE);
  await once(socket, "data");
  return socket.pause();
}

async function run({ what, overflow = "drop-newest", send, count }: Case): Promise<void> {
  const clients: Client[] = [];
  const server = createServer({
    portableSockets,
    overflow,
    logLevel: "silent",
    writeWaitMs: 86_400_000,
    open(client) {
      client.subscribe("room");
      clients.push(client);
    },
  });
  const { port } = await server.listen(0);
  const readers = [];
  for (let i = 0; i < READERS; i++) readers.push(await readerOf(port));
  const before = memory();
  for (const client of clients) while (client.send(Buffer.alloc(60 * KIB)) !== "queued") await turn();
  for (let index = 0; index < count; index++) {
    send(clients, server, index);
    if (index % 100 === 0) await turn();
  }
  await turn();
  const growth = memory() - before;
  const books = server.backlogBytes;
  const left = clients.filter(({ isOpen }) => isOpen).length;
  process.stdout.write(`${JSON.stringify({ what, growth, books, left })}\n`);
  for (const reader of readers) reader.destroy();
  await server.close({ graceMs: 0 });
}

for (const one of cases) await run(one);
