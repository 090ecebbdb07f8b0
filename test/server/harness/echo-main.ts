// An echo server in a process of its own, which ends when its input does:
//
//   node echo-main.js alone|cluster|thread
//
// Its one line says where it listens, for each process that does, and whether its sockets are lean.

import cluster from "node:cluster";
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { createServer } from "#hawser/index.js";
import { LeanSockets } from "#hawser/server/internals/lean-sockets.js";

interface Started {
  port: number;
  isLean: boolean;
}

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

async function serve(): Promise<Started> {
  const server = createServer({ logger: quiet, message: (client, message) => void client.send(message) });
  // In a cluster, all get the same free port.
  const { port } = await server.listen(0);
  return { port, isLean: LeanSockets.detect() !== null };
}

const how = process.argv[2];
if (cluster.isWorker) {
  process.send!(await serve());
} else if (how === "cluster") {
  announce([await fork(), await fork()]);
  await inputEnds();
  cluster.disconnect();
} else if (how === "thread") {
  // Its output is ours; its input does not end.
  const worker = new Worker(new URL(import.meta.url), { argv: ["alone"], stdin: true });
  await inputEnds();
  await worker.terminate();
} else {
  announce([await serve()]);
  await inputEnds();
  process.exit();
}

async function fork(): Promise<Started> {
  const [started] = (await once(cluster.fork(), "message")) as [Started];
  return started;
}

function announce(started: Started[]): void {
  process.stdout.write(`${JSON.stringify(started)}\n`);
}

async function inputEnds(): Promise<void> {
  process.stdin.resume();
  await once(process.stdin, "end");
}
