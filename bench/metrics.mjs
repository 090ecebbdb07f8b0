// `npm run bench:metrics`: what a scrape costs, and what being scraped five times a second takes from a flood, with 10,000 clients.
//
// The clients are sockets in memory, so that all of the time is the server's own. Stretches with and without a scrape take turns, and
// each is compared with its neighbour. Rates are per second of processor time, which other programs do not take from.

import { randomBytes } from "node:crypto";
import { Duplex } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { createServer } from "../packages/hawser/dist/index.js";
import { createMetrics } from "../packages/admin/dist/metrics/index.js";

const CLIENTS = 10_000;
const MESSAGES = 16;
const STRETCH_MS = 200;
const STRETCHES = 25;

class MemorySocket extends Duplex {
  remoteAddress = "127.0.0.1";
  _read() {}
  _write(_chunk, _encoding, done) {
    done();
  }
}

const server = createServer({
  logLevel: "silent",
  maxHandshakesPerSecond: 1_000_000,
  message: (client, message) => void client.send(message),
});
const sockets = Array.from({ length: CLIENTS }, connect);
if (server.clients.size !== CLIENTS) throw new Error(`${server.clients.size} clients`);
const metrics = createMetrics(server);

const frames = Buffer.concat(Array.from({ length: MESSAGES }, () => maskedFrame(randomBytes(64))));
const chunk = Buffer.alloc(frames.length);

await flood(STRETCH_MS, false);
const rates = { plain: [], scraped: [] };
for (let i = 0; i < STRETCHES; i++) {
  for (const kind of i % 2 === 0 ? ["plain", "scraped"] : ["scraped", "plain"])
    rates[kind].push(await flood(STRETCH_MS, kind === "scraped"));
}

const scrapes = [];
for (let i = 0; i < 200; i++) {
  const begunAt = performance.now();
  await metrics.text();
  scrapes.push(performance.now() - begunAt);
}
const change = median(rates.scraped.map((rate, i) => rate / rates.plain[i] - 1));
console.log(
  `a scrape with ${CLIENTS} clients: ${median(scrapes).toFixed(2)} ms, ${(await metrics.text()).length} bytes`,
);
console.log(`echo of 64 bytes, ${MESSAGES} at a time: ${Math.round(median(rates.plain) / 1000)}k messages/s`);
console.log(`scraped five times a second: ${(100 * change).toFixed(1)} %`);
process.exit();

/** @returns messages per second of processor time */
async function flood(ms, isScraped) {
  const before = server.stats.messagesIn;
  const begunAt = performance.now();
  const cpu = process.cpuUsage();
  let wasScraped = !isScraped;
  for (let next = 0; performance.now() - begunAt < ms; next = (next + 100) % CLIENTS) {
    for (let i = next; i < next + 100; i++) {
      // It is unmasked where it lies.
      frames.copy(chunk);
      sockets[i].emit("data", chunk);
    }
    await turn();
    if (!wasScraped && performance.now() - begunAt > ms / 2) {
      wasScraped = true;
      await metrics.text();
    }
  }
  const { user, system } = process.cpuUsage(cpu);
  return ((server.stats.messagesIn - before) / (user + system)) * 1e6;
}

function connect() {
  const socket = new MemorySocket();
  const headers = {
    host: "bench",
    upgrade: "websocket",
    connection: "Upgrade",
    "sec-websocket-version": "13",
    "sec-websocket-key": randomBytes(16).toString("base64"),
  };
  const request = {
    method: "GET",
    httpVersion: "1.1",
    httpVersionMajor: 1,
    httpVersionMinor: 1,
    url: "/",
    headers,
    rawHeaders: Object.entries(headers).flat(),
    headersDistinct: {},
    socket,
  };
  server.handleUpgrade(request, socket, Buffer.alloc(0));
  return socket;
}

function maskedFrame(payload) {
  const key = randomBytes(4);
  return Buffer.concat([
    Buffer.from([0x82, 0x80 | payload.length]),
    key,
    payload.map((byte, at) => byte ^ key[at & 3]),
  ]);
}

function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}
