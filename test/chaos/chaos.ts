/** Nodes, an engine, clients of every kind, and faults of all of them at random, while every message is accounted for. */
import { sleep } from "../harness/concurrency.js";
import { Random } from "../harness/random.js";
import { Balancer } from "./balancer.js";
import { Crowd, type CrowdSize } from "./crowd.js";
import { type EngineName, type Fault, startEngine } from "./engines.js";
import { type Findings, Ledger } from "./ledger.js";
import { ChaosNode, nodeFaults } from "./nodes.js";
import { startWorkers } from "./workers.js";

export interface ChaosOptions {
  readonly engine: EngineName;
  readonly seconds: number;
  readonly seed: number;
  readonly size?: Partial<CrowdSize> | undefined;
  /** Told of each fault as it begins. */
  readonly onFault?: ((name: string) => void) | undefined;
}

export interface ChaosReport extends Findings {
  readonly engine: EngineName;
  readonly seed: number;
  readonly published: number;
  readonly acknowledged: number;
  readonly rejected: Readonly<Record<string, number>>;
  readonly reconnects: number;
  /** How often what happened. */
  readonly happened: Readonly<Record<string, number>>;
  /** Until everybody was where the topics end, after the last fault. */
  readonly healedMs: number;
}

const NODES = 3;
const SIZE: CrowdSize = { clients: 120, wire: 60, plain: 30, publishers: 12, topics: 20, follows: 3, rate: 5 };
/** After the last fault everybody has to be where the topics end within. */
const MOST_HEALING_MS = 90_000;

export async function runChaos({ engine: name, seconds, seed, size, onFault }: ChaosOptions): Promise<ChaosReport> {
  const random = new Random(seed);
  const ledger = new Ledger();
  const happened: Record<string, number> = {};
  const cluster = name === "workers" ? await startWorkers(NODES, random) : await startNodes(name, random);
  const balancer = await Balancer.start(cluster.ports(), random);
  const crowd = new Crowd(balancer.url, { ...SIZE, ...size }, ledger, random);
  let deadline = 0;
  const among = async (faults: readonly Fault[], leastMs: number, mostMs: number): Promise<void> => {
    for (;;) {
      await sleep(leastMs + random.below(mostMs - leastMs));
      if (performance.now() >= deadline) return;
      const fault = random.pick(faults);
      happened[fault.name] = (happened[fault.name] ?? 0) + 1;
      onFault?.(fault.name);
      if (fault.forgets === true) ledger.engineForgets();
      await fault.run();
    }
  };
  try {
    await crowd.gathered();
    deadline = performance.now() + seconds * 1000;
    await Promise.all([among(cluster.faults, 300, 2_500), among(clientFaults(crowd, balancer, random), 200, 1_500)]);
    const since = performance.now();
    await crowd.quiet();
    const isHealed = await crowd.meet(MOST_HEALING_MS);
    const findings = ledger.check();
    if (!isHealed) {
      findings.faults.push(`after ${MOST_HEALING_MS / 1000} s without a fault some clients are not where topics end`);
    }
    return {
      engine: name,
      seed,
      published: crowd.counts.published,
      acknowledged: ledger.acknowledgements,
      rejected: crowd.counts.rejected,
      reconnects: crowd.counts.reconnects,
      happened,
      healedMs: Math.round(performance.now() - since),
      ...findings,
    };
  } finally {
    crowd.close();
    await balancer.close();
    await cluster.close();
  }
}

/** What serves, and what can become of it. */
export interface ChaosCluster {
  ports(): readonly number[];
  readonly faults: readonly Fault[];
  close(): Promise<void>;
}

async function startNodes(name: Exclude<EngineName, "workers">, random: Random): Promise<ChaosCluster> {
  const engine = await startEngine(name, NODES, random);
  const nodes = await Promise.all(Array.from({ length: NODES }, (_, n) => ChaosNode.start(engine.url(n))));
  return {
    ports: () => nodes.map(({ port }) => port),
    faults: [...engine.faults, ...nodeFaults(nodes, random)],
    async close() {
      await Promise.all(nodes.map((node) => node.end("SIGKILL")));
      await engine.close();
    },
  };
}

function clientFaults(crowd: Crowd, balancer: Balancer, random: Random): Fault[] {
  return [
    { name: "connections of clients are cut", run: async () => balancer.cut(1 + random.below(30)) },
    { name: "connections of clients stand still", run: async () => balancer.hold(1 + random.below(20), 3_000) },
    { name: "clients read nothing for a while", run: async () => crowd.stall(20, 2_000) },
    { name: "the clocks of clients are set forward", run: async () => crowd.stepClocks(10) },
  ];
}

export function reportText(report: ChaosReport): string {
  const list = (counts: Readonly<Record<string, number>>): string =>
    Object.entries(counts)
      .map(([name, count]) => `${count} ${name}`)
      .join(", ") || "none";
  return [
    `engine ${report.engine}, seed ${report.seed}`,
    `happened: ${list(report.happened)}`,
    `published ${report.published}, acknowledged ${report.acknowledged}; rejected: ${list(report.rejected)}`,
    `delivered ${report.delivered}, of these replayed ${report.replayed}; reconnects ${report.reconnects}`,
    `gaps told: ${list(report.gaps)}; told late ${report.toldLate}; published twice since the engine forgot ${report.doubledByLoss}`,
    `everybody where topics end ${(report.healedMs / 1000).toFixed(1)} s after the last fault`,
    `losses without a word, doubles, disorder: ${report.faults.length}`,
    ...report.faults.map((fault) => `  ${fault}`),
  ].join("\n");
}
