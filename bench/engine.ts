/**
 * Echo of 64-byte messages by 100 clients, at 1 and at 16 in flight: Hawser against a bare `node:net` socket (the floor of what the
 * runtime allows) and against `ws`, in turns, as ratios of medians. `npm run bench:engine [-- --rounds 5 --seconds 2]`
 */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { encodeFrame } from "#hawser/protocol/encoder.js";
import { TEXT } from "#hawser/protocol/opcodes.js";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "2" },
    clients: { type: "string", default: "100" },
  },
});
const ROUNDS = Number(values.rounds);
const SECONDS = Number(values.seconds);
const CLIENTS = Number(values.clients);

const PAYLOAD = "x".repeat(64);
const REQUEST = encodeFrame(TEXT, PAYLOAD, { maskingKey: 0x12345678 });
const SERVERS = ["socket", "ws", "hawser"] as const;
type ServerName = (typeof SERVERS)[number];
/** Bytes of one reply: the bare socket sends back the masked frame, four bytes longer. */
const REPLY_BYTES: Record<ServerName, number> = {
  socket: REQUEST.length,
  ws: REQUEST.length - 4,
  hawser: REQUEST.length - 4,
};

interface RunningServer {
  child: ChildProcess;
  port: number;
}

async function start(name: ServerName): Promise<RunningServer> {
  const script = fileURLToPath(new URL("engine-server.js", import.meta.url));
  // The server on one core, this load generator on the other, where the system can tell them so.
  const pinned = process.platform === "linux" && availableParallelism() > 1;
  const command = [process.execPath, script, name];
  const [file, ...args] = pinned ? ["taskset", "-c", "1", ...command] : command;
  const child = spawn(file ?? process.execPath, args, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const [port] = (await once(child, "message")) as [number];
  return { child, port };
}

async function join(port: number): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  socket.write(
    "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\n\r\n",
  );
  await once(socket, "data");
  return socket;
}

/** `cost` is the server's own CPU time per message in microseconds: it shows a difference even where the load generator is the limit. */
interface Result {
  rate: number;
  cost: number;
}

async function cpuTime(child: ChildProcess): Promise<number> {
  child.send("cpu");
  const [microseconds] = (await once(child, "message")) as [number];
  return microseconds;
}

async function measure(name: ServerName, { child, port }: RunningServer, inFlight: number): Promise<Result> {
  const batch = Buffer.concat(Array.from({ length: inFlight }, () => REQUEST));
  const expected = REPLY_BYTES[name] * inFlight;
  const sockets = await Promise.all(Array.from({ length: CLIENTS }, () => join(port)));
  let replies = 0;
  for (const socket of sockets) {
    let missing = expected;
    socket.on("data", (chunk) => {
      missing -= chunk.length;
      if (missing > 0) return;
      replies += inFlight;
      missing = expected;
      socket.write(batch);
    });
    socket.write(batch);
  }
  await wait(SECONDS * 250);
  const cpuBefore = await cpuTime(child);
  const before = replies;
  const since = performance.now();
  await wait(SECONDS * 1000);
  const count = replies - before;
  const rate = (count * 1000) / (performance.now() - since);
  const cost = ((await cpuTime(child)) - cpuBefore) / count;
  for (const socket of sockets) socket.destroy();
  return { rate, cost };
}

function wait(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!;
}

const running = new Map<ServerName, RunningServer>();
for (const name of SERVERS) running.set(name, await start(name));

console.log(
  `echo, 64 B, ${CLIENTS} clients, Node ${process.version}; medians of ${ROUNDS} rounds of ${SECONDS} s, taken in turns`,
);
for (const inFlight of [1, 16]) {
  const results: Record<ServerName, Result[]> = { socket: [], ws: [], hawser: [] };
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of SERVERS) results[name].push(await measure(name, running.get(name)!, inFlight));
  }
  const rateOf = (name: ServerName): number => median(results[name].map(({ rate }) => rate));
  const costOf = (name: ServerName): number => median(results[name].map(({ cost }) => cost));
  console.log(`\n${inFlight} in flight      messages/s   server CPU per message`);
  for (const name of SERVERS) {
    console.log(
      `  ${name.padEnd(14)}${String(Math.round(rateOf(name))).padStart(10)}${costOf(name).toFixed(2).padStart(15)} µs`,
    );
  }
  for (const other of ["socket", "ws"] as const) {
    const byRate = rateOf("hawser") / rateOf(other);
    console.log(
      `  hawser/${other.padEnd(7)} ${byRate.toFixed(2)} by rate, ${(costOf(other) / costOf("hawser")).toFixed(2)} by CPU time`,
    );
  }
}
for (const { child } of running.values()) child.disconnect();
