/**
 * What docs/scaling.md reckons with: the CPU time that publishing takes of a node, of the nodes that get it, and of the engine between them.
 * `npm run bench:scaling` measures it anew and writes results/scaling.json; then `npm run docs`. Linux, with redis-server and nats-server.
 */

import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { WebSocket } from "ws";
import { Engine, type EngineName } from "./engines.js";
import { type EngineCosts, type EngineCostsAt, MEASURED_NODES, type ScalingCosts } from "./scaling-model.js";
import { ServerProcess } from "./server-process.js";

const RESULTS = join(fileURLToPath(new URL("../../bench/results/", import.meta.url)), "scaling.json");
const WARM_UP_ROUNDS = 3;
const ROUNDS = 7;
const PUBLISHES = 1_500;
const BYTES = 64;
const IN_FLIGHT = 32;
const CLIENTS = 1_000;
const AT_A_TIME = 50;

function startNode(engine?: string): Promise<ServerProcess> {
  return ServerProcess.start("scaling-node", engine === undefined ? {} : { engine }, {
    node: process.execPath,
    bun: null,
  });
}

/** Clients that come and subscribe to three topics each: the CPU time of that, and the heap of the node, for each. */
async function clientCosts(): Promise<ScalingCosts["client"]> {
  const node = await startNode();
  const sockets: WebSocket[] = [];
  const topicsOf = (n: number): string[] => [0, 1, 2].map((topic) => `topic:${(n + topic) % 300}`);
  const come = async (): Promise<void> => {
    for (let n = 0; n < CLIENTS; n += AT_A_TIME) {
      const some = Array.from({ length: AT_A_TIME }, (_, client) => subscribe(node.port, topicsOf(n + client)));
      sockets.push(...(await Promise.all(some)));
    }
  };
  // The first ones warm up, and make the topics.
  for (let wave = 0; wave < WARM_UP_ROUNDS; wave++) await come();
  const before = await node.usage("collect");
  const start = await node.usage();
  await come();
  const arrived = await node.usage();
  const after = await node.usage("collect");
  for (const socket of sockets) socket.terminate();
  await node.stop();
  return { arrivalUs: (arrived.cpu - start.cpu) / CLIENTS, heapBytes: (after.heap - before.heap) / CLIENTS };
}

async function engineCosts(name: EngineName): Promise<EngineCosts> {
  const engine = await Engine.start(name);
  const publisher = await startNode(engine.url);
  const receivers = await Receivers.start(engine.url);
  try {
    const rounds = new Map<number, EngineCostsAt[]>(MEASURED_NODES.map((nodes) => [nodes, []]));
    // In turns, for a machine that has other work to do.
    for (let round = 0; round < WARM_UP_ROUNDS + ROUNDS; round++) {
      for (const nodes of MEASURED_NODES) {
        const costs = await publishing(engine, publisher, receivers, nodes);
        if (round >= WARM_UP_ROUNDS) rounds.get(nodes)!.push(costs);
      }
    }
    return { at: Object.fromEntries([...rounds].map(([nodes, all]) => [nodes, medians(all)])) };
  } finally {
    await receivers.stop();
    await publisher.stop();
    await engine.stop();
  }
}

function topicsOn(nodes: number): string[] {
  return Array.from({ length: 20 }, (_, n) => `on-${nodes}:${n}`);
}

async function publishing(
  engine: Engine,
  publisher: ServerProcess,
  receivers: Receivers,
  nodes: number,
): Promise<EngineCostsAt> {
  const usages = async (): Promise<[number, number, number]> => [
    (await publisher.usage()).cpu,
    (await receivers.process.usage()).cpu,
    engine.cpu(),
  ];
  const all = receivers.get(PUBLISHES * nodes);
  const before = await usages();
  await publisher.ask("publish", { topics: topicsOn(nodes), count: PUBLISHES, bytes: BYTES, inFlight: IN_FLIGHT });
  await all;
  const after = await usages();
  const [publish, receive, inEngine] = after.map((cpu, n) => (cpu - before[n]!) / PUBLISHES) as [
    number,
    number,
    number,
  ];
  return { publishUs: publish, receiveUs: receive / nodes, engineUs: inEngine };
}

/** The nodes that get what is published, in one process, each with one client. */
class Receivers {
  readonly process: ServerProcess;
  readonly #sockets: WebSocket[] = [];
  #left = 0;
  #done: () => void = () => {};

  private constructor(node: ServerProcess) {
    this.process = node;
  }

  static async start(engine: string): Promise<Receivers> {
    const receivers = new Receivers(await startNode(engine));
    // The topics that so many nodes get are subscribed to by the first so many.
    for (let n = 0; n < Math.max(...MEASURED_NODES); n++) {
      const { port } = (await receivers.process.ask("another")) as { port: number };
      receivers.#add(await subscribe(port, MEASURED_NODES.filter((nodes) => n < nodes).flatMap(topicsOn)));
    }
    return receivers;
  }

  #add(socket: WebSocket): void {
    this.#sockets.push(socket);
    socket.on("message", (data: Buffer) => {
      if (!data.toString("latin1", 0, 7).startsWith('{"pub":')) return;
      if (--this.#left === 0) this.#done();
    });
  }

  /** Resolves when their clients have got so many messages more, all together. */
  get(count: number): Promise<void> {
    this.#left = count;
    return new Promise((resolve) => (this.#done = resolve));
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.terminate();
    await this.process.stop();
  }
}

/** Resolves when all subscriptions are answered. */
async function subscribe(port: number, topics: readonly string[]): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`, "hawser.v1", { perMessageDeflate: false });
  await once(socket, "open");
  socket.send(JSON.stringify({ hello: 1, id: 1, subs: topics.map((topic) => [topic]) }));
  let answers = 0;
  await new Promise<void>((resolve) => {
    const count = (data: Buffer): void => {
      if (!data.toString().startsWith('{"ok":') || ++answers < topics.length) return;
      socket.off("message", count);
      resolve();
    };
    socket.on("message", count);
  });
  return socket;
}

function medians(rounds: readonly EngineCostsAt[]): EngineCostsAt {
  const of = (key: keyof EngineCostsAt): number =>
    rounds.map((round) => round[key]).toSorted((a, b) => a - b)[Math.floor(rounds.length / 2)]!;
  return { publishUs: of("publishUs"), receiveUs: of("receiveUs"), engineUs: of("engineUs") };
}

const costs: ScalingCosts = {
  date: new Date().toISOString(),
  machine: `${cpus().length} × ${cpus()[0]!.model.trim()}`,
  node: process.versions.node,
  client: await clientCosts(),
  engines: { redis: await engineCosts("redis"), nats: await engineCosts("nats") },
};
writeFileSync(RESULTS, `${JSON.stringify(costs, undefined, 2)}\n`);
console.log(JSON.stringify(costs, undefined, 2));
