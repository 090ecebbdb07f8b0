/** The engines that nodes share, and what can become of them. */
import type { Random } from "../harness/random.js";
import { sleep } from "../harness/concurrency.js";
import { TcpProxy } from "../hub/harness/tcp-proxy.js";
import { NatsServer } from "../nats/harness/nats-server.js";
import { RedisCluster } from "../redis/harness/cluster.js";
import { RedisServer } from "../redis/harness/redis-server.js";

/** Something that goes wrong, for a while. */
export interface Fault {
  readonly name: string;
  readonly run: () => Promise<unknown>;
  /** After this the engine may lack what it had acknowledged. */
  readonly forgets?: boolean;
}

export interface ChaosEngine {
  /** Where the node of this number finds it. */
  url(node: number): string;
  readonly faults: readonly Fault[];
  close(): Promise<void>;
}

/** What one process of an engine can do. */
interface EngineProcess {
  readonly port: number;
  kill(): Promise<void>;
  /** With the data that it had. */
  start(): Promise<void>;
  restartEmpty(): Promise<void>;
  backUp(): Promise<void>;
  restartFromBackup(): Promise<void>;
  pause(): void;
  resume(): void;
  close(): Promise<void>;
}

/** One process, and a link to it for each node. */
async function onOne(
  engine: EngineProcess,
  urlOf: (port: number) => string,
  nodes: number,
  random: Random,
): Promise<ChaosEngine> {
  const links = await Promise.all(Array.from({ length: nodes }, () => TcpProxy.start(engine.port)));
  await engine.backUp();
  const link = (): TcpProxy => random.pick(links);
  const aWhile = (most: number): Promise<void> => sleep(200 + random.below(most));
  return {
    url: (node) => urlOf(links[node]!.port),
    faults: [
      { name: "a node's link to the engine is cut", run: async () => link().cut() },
      {
        name: "the engine refuses a node",
        run: async () => {
          const one = link();
          await one.refuse();
          await aWhile(4_000);
          await one.pass();
        },
      },
      {
        name: "a node's link to the engine is slow",
        run: async () => {
          const one = link();
          one.slow(50 + random.below(1_500));
          await aWhile(6_000);
          await one.pass();
        },
      },
      {
        name: "a node's link to the engine swallows everything",
        run: async () => {
          const one = link();
          one.swallow();
          await aWhile(8_000);
          await one.pass();
        },
      },
      {
        name: "the engine stands still",
        run: async () => {
          engine.pause();
          await aWhile(6_000);
          engine.resume();
        },
      },
      {
        name: "the engine is killed",
        run: async () => {
          await engine.kill();
          await aWhile(3_000);
          await engine.start();
        },
      },
      { name: "the engine is emptied", run: () => engine.restartEmpty(), forgets: true },
      {
        name: "the engine is set back",
        run: async () => {
          await engine.backUp();
          await aWhile(3_000);
          await engine.restartFromBackup();
        },
        forgets: true,
      },
    ],
    async close() {
      for (const one of links) await one.close();
      await engine.close();
    },
  };
}

async function redisEngine(nodes: number, random: Random): Promise<ChaosEngine> {
  // What it has acknowledged it keeps when it is killed.
  const server = await RedisServer.start({ config: ["appendonly yes", "appendfsync everysec"] });
  return onOne(server, (port) => `redis://127.0.0.1:${port}`, nodes, random);
}

async function natsEngine(nodes: number, random: Random): Promise<ChaosEngine> {
  return onOne(await NatsServer.start(), (port) => `nats://127.0.0.1:${port}`, nodes, random);
}

/** Three masters with a replica each. Replication is asynchronous: what a master has acknowledged can be lost with it. */
async function clusterEngine(random: Random): Promise<ChaosEngine> {
  const cluster = await RedisCluster.start({ withReplicas: true });
  const all = [...cluster.masters, ...cluster.replicas];
  const dead = new Set<RedisServer>();
  return {
    url: () => cluster.url,
    faults: [
      {
        name: "a node of the Cluster is killed, and back after a while",
        forgets: true,
        async run() {
          if (dead.size > 0) return;
          const one = random.pick(all);
          dead.add(one);
          await one.kill();
          // Long enough for a replica to take over, some of the time.
          await sleep(500 + random.below(8_000));
          await one.start();
          await sleep(3_000);
          dead.delete(one);
        },
      },
      {
        name: "a node of the Cluster stands still",
        forgets: true,
        async run() {
          const one = random.pick(all);
          one.pause();
          await sleep(200 + random.below(6_000));
          one.resume();
        },
      },
      {
        name: "a replica takes over",
        forgets: true,
        async run() {
          await random
            .pick(all)
            .command("CLUSTER", "FAILOVER")
            .catch(() => undefined);
          await sleep(2_000);
        },
      },
    ],
    close: () => cluster.close(),
  };
}

export type EngineName = "redis" | "nats" | "workers" | "cluster";

export function startEngine(name: Exclude<EngineName, "workers">, nodes: number, random: Random): Promise<ChaosEngine> {
  if (name === "redis") return redisEngine(nodes, random);
  return name === "nats" ? natsEngine(nodes, random) : clusterEngine(random);
}
