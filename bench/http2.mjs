// `npm run bench:http2`: what an echo of 64 bytes costs the server over TLS with HTTP/1.1, and over HTTP/2 with a session for each client
// and with one session for all of them. The clients are in a process of their own. Stretches of the three take turns, so that what else
// the machine does takes from all of them alike. Time is the server's processor time.
//
// Then what an idle client costs in memory, in the same three ways, each with a server of its own: what the process has more once they are
// there, after a collection. Outside of the heap are the buffers of TLS, and those of nghttp2 for each connection.

import { execFileSync, fork } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect as connectHttp2 } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { createServer } from "../packages/hawser/dist/index.js";
import { encodeFrame, TEXT } from "../packages/hawser/dist/protocol/index.js";

const CLIENTS = 16;
const STRETCH_MS = 400;
const STRETCHES = 15;
const FRAME = encodeFrame(TEXT, "x".repeat(64), { maskingKey: 0x12345678 });
/** Its echo: nothing is masked, and so four bytes less. */
const ECHO_BYTES = FRAME.length - 4;

/** As many as a connection may have by default. */
const IDLE_PER_SESSION = 64;
const IDLE_CLIENTS = 8 * IDLE_PER_SESSION;

if (process.send === undefined) {
  await measure();
  await measureMemory();
  process.exit();
} else if (process.argv[2] === "server") await beServer();
else await beClients(process.argv[2]);

function createBenchServer() {
  return createServer({
    tls: selfSigned(),
    http2: true,
    logLevel: "silent",
    message: (client, message) => void client.send(message),
  });
}

async function measure() {
  const server = createBenchServer();
  const { url } = await server.listen(0);
  const clients = fork(new URL(import.meta.url).pathname, [url]);
  const say = (what) => new Promise((done) => clients.once("message", done).send(what));
  for (const depth of [1, 16]) {
    const samples = { "HTTP/1.1": [], "HTTP/2": [], "HTTP/2, one session": [] };
    for (let i = 0; i < STRETCHES; i++) {
      for (const way of Object.keys(samples)) {
        await say({ way, depth });
        // The first moment is warming up.
        await new Promise((next) => setTimeout(next, 50));
        samples[way].push(await stretch(server));
        await say({ way: null, depth: 0 });
      }
    }
    for (const [way, values] of Object.entries(samples)) {
      const [rate, micros] = ["rate", "micros"].map((what) => median(values.map((value) => value[what])));
      console.log(
        `x${depth} ${way}: ${Math.round(rate / 1000)}k echoes/s, ${micros.toFixed(2)} µs of processor time each`,
      );
    }
  }
  clients.kill();
  await server.close({ graceMs: 0 });
}

async function measureMemory() {
  const ways = {
    "HTTP/1.1": overHttp1,
    "HTTP/2": async (url) => overHttp2(await sessionTo(url)),
    [`HTTP/2, ${IDLE_PER_SESSION} a session`]: shared(),
  };
  for (const [way, connect] of Object.entries(ways)) {
    const server = fork(new URL(import.meta.url).pathname, ["server"], { execArgv: ["--expose-gc"] });
    const answer = (what) => new Promise((done) => server.once("message", done).send(what));
    const url = await answer("listen");
    // The first ones load code.
    for (let i = 0; i < IDLE_PER_SESSION; i++) await connect(url);
    const before = await answer("memory");
    for (let i = 0; i < IDLE_CLIENTS; i++) await connect(url);
    const after = await answer("memory");
    const [heap, resident] = ["heapUsed", "rss"].map((what) => (after[what] - before[what]) / IDLE_CLIENTS / 1024);
    console.log(`idle ${way}: ${heap.toFixed(1)} KiB of heap a client, ${resident.toFixed(1)} KiB resident`);
    server.kill();
  }
}

/** Each session is used until it is full. */
function shared() {
  let session;
  let count = 0;
  return async (url) => {
    if (count++ % IDLE_PER_SESSION === 0) session = await sessionTo(url);
    return overHttp2(session);
  };
}

/** In a process of its own: says where it listens, and what memory it has. */
async function beServer() {
  const { url } = await createBenchServer().listen(0);
  process.on("message", (what) => {
    globalThis.gc();
    process.send(what === "listen" ? url : process.memoryUsage());
  });
}

async function stretch(server) {
  const before = server.stats.messagesIn;
  const cpu = process.cpuUsage();
  const begunAt = performance.now();
  await new Promise((next) => setTimeout(next, STRETCH_MS));
  const seconds = (performance.now() - begunAt) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const messages = server.stats.messagesIn - before;
  return { rate: messages / seconds, micros: (user + system) / messages };
}

/** In their own process: `depth` messages of each are under way all the time. */
async function beClients(url) {
  const ways = {
    "HTTP/1.1": await Promise.all(Array.from({ length: CLIENTS }, () => overHttp1(url))),
    "HTTP/2": await Promise.all(Array.from({ length: CLIENTS }, async () => overHttp2(await sessionTo(url)))),
  };
  const one = await sessionTo(url);
  ways["HTTP/2, one session"] = await Promise.all(Array.from({ length: CLIENTS }, () => overHttp2(one)));
  process.on("message", ({ way, depth }) => {
    for (const [name, streams] of Object.entries(ways))
      for (const stream of streams) load(stream, name === way ? depth : 0);
    process.send("begun");
  });
}

function load(stream, depth) {
  stream.removeAllListeners("data");
  if (depth === 0) {
    stream.resume();
    return;
  }
  let bytes = 0;
  const frames = Array.from({ length: depth + 1 }, (_, count) =>
    Buffer.concat(Array.from({ length: count }, () => FRAME)),
  );
  stream.on("data", ({ length }) => {
    bytes += length;
    const whole = Math.min(depth, Math.floor(bytes / ECHO_BYTES));
    bytes -= whole * ECHO_BYTES;
    if (whole > 0) stream.write(frames[whole]);
  });
  stream.write(frames[depth]);
}

async function overHttp1(url) {
  const { host, hostname, port } = new URL(url);
  const socket = connectTls({ host: hostname, port: Number(port), rejectUnauthorized: false });
  socket.setNoDelay(true);
  socket.write(
    `GET / HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n",
  );
  await new Promise((done) => socket.once("data", done));
  return socket;
}

async function sessionTo(url) {
  const session = connectHttp2(url.replace("wss:", "https:"), { rejectUnauthorized: false });
  await new Promise((done) => session.once("remoteSettings", done));
  return session;
}

async function overHttp2(session) {
  const headers = { ":method": "CONNECT", ":protocol": "websocket", ":path": "/", "sec-websocket-version": "13" };
  const stream = session.request(headers, { endStream: false });
  await new Promise((done) => stream.once("response", done));
  return stream;
}

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

function selfSigned() {
  const folder = mkdtempSync(join(tmpdir(), "hawser-bench-"));
  const [key, cert] = ["key.pem", "cert.pem"].map((name) => join(folder, name));
  const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  execFileSync(
    "openssl",
    ["req", "-x509", ...kind, "-keyout", key, "-out", cert, "-days", "1", "-subj", "/CN=localhost"],
    {
      stdio: "ignore",
    },
  );
  const made = { key: readFileSync(key, "utf8"), cert: readFileSync(cert, "utf8") };
  rmSync(folder, { recursive: true });
  return made;
}
