// Processor time for each message in rooms: `hawser serve` with two workers and with one against a single process, in turns, and against two
// processes that know nothing of each other, each with half of the rooms: what those take more than one is the machine's doing. The load
// comes from this process and is not counted. Needs Linux.
//
//   npm run bench:workers [-- --rounds 5 --seconds 5 --warm-up 8 --clients 200 --room 50 --rate 1000]
//
// One client of each room sends, all others of the room get it: with two workers a message goes through the supervisor to both.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { WebSocket } from "ws";
import { root } from "../scripts/prepare.mjs";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "5" },
    // Until each process has compiled the same code, a message costs two or three times as much.
    "warm-up": { type: "string", default: "8" },
    clients: { type: "string", default: "200" },
    room: { type: "string", default: "50" },
    rate: { type: "string", default: "1000" },
  },
});
const [rounds, seconds, warmUp, clients, room, rate] = ["rounds", "seconds", "warm-up", "clients", "room", "rate"].map(
  (name) => Number(values[name]),
);
/** By name: the arguments of each command that is started. */
const KINDS = {
  "one process": [[]],
  "two processes": [[], []],
  "1 worker": [["--workers", "1"]],
  "2 workers": [["--workers", "2"]],
};
/** What each of them is compared with. */
const BASES = { "two processes": "one process", "2 workers": "1 worker" };
const TICK_MS = 20;
const PAYLOAD = `"${"x".repeat(62)}"`;

async function start(args) {
  const command = [join(root, "packages/cli/bin/hawser.js"), "serve", "--port", "0", "--log-format", "json", ...args];
  const child = spawn(process.execPath, command, { stdio: ["ignore", "pipe", "inherit"] });
  const pids = new Set([child.pid]);
  let port;
  await new Promise((serves) => {
    let isServing = false;
    createInterface({ input: child.stdout }).on("line", (line) => {
      const { event, pid, port: bound } = JSON.parse(line);
      if (event === "worker-started") pids.add(pid);
      if (event === "listening") port = bound;
      isServing ||= event === "serving";
      if (isServing && port !== undefined) serves();
    });
  });
  return { child, pids: [...pids], port };
}

/** Of all its processes, in milliseconds. */
function cpuMs(pids) {
  const ticks = pids.map((pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
    return Number(fields[11]) + Number(fields[12]);
  });
  return ticks.reduce((sum, each) => sum + each, 0) * 10;
}

async function measure(commands) {
  const count = { sent: 0, received: 0 };
  const servers = await Promise.all(commands.map(start));
  const pids = servers.flatMap((server) => server.pids);
  const sockets = Array.from({ length: clients }, (_, index) => {
    const at = Math.floor(index / room);
    const socket = new WebSocket(`ws://127.0.0.1:${servers[at % servers.length].port}/room-${at}`);
    socket.on("message", () => count.received++);
    return socket;
  });
  await Promise.all(sockets.map((socket) => once(socket, "open")));
  const senders = sockets.filter((_, index) => index % room === 0);
  const sendFor = async (forSeconds) => {
    const [began, sentBefore] = [performance.now(), count.sent];
    while (performance.now() - began < forSeconds * 1000) {
      for (const due = sentBefore + ((performance.now() - began) / 1000) * rate; count.sent < due; count.sent++) {
        senders[count.sent % senders.length].send(PAYLOAD);
      }
      await sleep(TICK_MS);
    }
    while (count.received < count.sent * (room - 1)) await sleep(TICK_MS);
  };
  // The server has all of them in their rooms a little after they know that they are connected.
  await sleep(1000);
  await sendFor(warmUp);
  const [before, sentBefore] = [cpuMs(pids), count.sent];
  await sendFor(seconds);
  const cpu = cpuMs(pids) - before;
  for (const socket of sockets) socket.terminate();
  for (const { child } of servers) {
    child.kill("SIGTERM");
    await once(child, "exit");
  }
  return (cpu / (count.sent - sentBefore)) * 1000;
}

const median = (list) => list.toSorted((a, b) => a - b)[list.length >> 1];
const results = Object.fromEntries(Object.keys(KINDS).map((name) => [name, []]));
for (let round = 0; round < rounds; round++) {
  for (const [name, args] of Object.entries(KINDS)) results[name].push(await measure(args));
}
console.log(`${clients} clients in rooms of ${room}, ${rate} messages a second, ${rounds} rounds of ${seconds} s`);
for (const [name, costs] of Object.entries(results)) {
  const base = BASES[name];
  const ratio = base && median(costs.map((cost, index) => cost / results[base][index])).toFixed(2);
  console.log(
    `${name.padEnd(13)} ${median(costs).toFixed(0).padStart(6)} µs of processor time a message${base ? `, ${ratio} of ${base}` : ""}`,
  );
}
