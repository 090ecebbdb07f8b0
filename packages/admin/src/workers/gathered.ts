import type { Client, Clock } from "hawser";
import type { ProbedEngine, ProbedHub } from "../health.js";
import type { Metrics } from "../metrics/index.js";
import type { NodeReport } from "../nodes.js";
import type { WatchedServer } from "../watched.js";
import { GatheredHub } from "./gathered-hub.js";
import { LargerMap } from "./larger-map.js";
import { type Families, mergeInto, metricsText, parseMetrics, totalsOf } from "./merge.js";
import type { ClientOrder } from "./order.js";
import type { ClientReport, WorkerReport } from "./report.js";

/** A process that reports. */
export interface Reporter {
  readonly id: number;
  readonly pid: number;
}

export interface GatheredPort {
  readonly isReady: () => boolean;
  /** Tells a worker what an operator wants. */
  readonly send: (pid: number, order: ClientOrder) => void;
  readonly clock: Clock;
}

interface Reported {
  readonly id: number;
  readonly report: WorkerReport;
  readonly at: number;
}

const CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";
const TOTALS = ["messagesIn", "messagesOut", "bytesIn", "bytesOut"] as const;
type Totals = Record<(typeof TOTALS)[number], number>;

/** Several workers, as one server that is watched. What it tells is a second old at most. */
export class Gathered implements WatchedServer, Metrics {
  readonly contentType: string = CONTENT_TYPE;
  readonly clients: ReadonlyMap<string, Client> = new LargerMap(() => this.#sum(({ connections }) => connections));
  readonly stats: Readonly<Totals>;
  readonly hub: GatheredHub = new GatheredHub();
  readonly #port: GatheredPort;
  /** By process. */
  readonly #reports = new Map<number, Reported>();
  /** Of those that are gone: totals never go back. */
  readonly #gone: Families = new Map();
  readonly #goneTotals: Totals = { messagesIn: 0, messagesOut: 0, bytesIn: 0, bytesOut: 0 };
  #ended = 0;

  constructor(port: GatheredPort) {
    this.#port = port;
    const members = TOTALS.map((name) => [
      name,
      { enumerable: true, get: () => this.#goneTotals[name] + this.#sum((report) => report[name]) },
    ]);
    this.stats = Object.defineProperties({}, Object.fromEntries(members) as PropertyDescriptorMap) as Totals;
  }

  get isReady(): boolean {
    return this.#port.isReady();
  }

  get backlogBytes(): number {
    return this.#sum(({ backlogBytes }) => backlogBytes);
  }

  /** The hub as the probes need it: its engine is there while one worker that takes clients has it. Undefined: none tells of a hub. */
  get probedHub(): ProbedHub | undefined {
    const now = this.#port.clock.now();
    let best: ProbedEngine | undefined;
    for (const { report, at } of this.#reports.values()) {
      if (!report.isReady || report.hub === undefined) continue;
      const { state, wasReached, forMs } = report.hub.stats.engine;
      const engine = { state, wasReached, forMs: forMs + now - at };
      if (best === undefined || rankOf(engine) < rankOf(best)) best = engine;
    }
    return best && { stats: { engine: best } };
  }

  /** Memory of all workers. */
  memory(): { readonly rss: number; readonly heapUsed: number } {
    return { rss: this.#sum(({ rss }) => rss), heapUsed: this.#sum(({ heapUsed }) => heapUsed) };
  }

  /** The largest rooms of each worker. */
  topicSizes(): ReadonlyMap<string, number> {
    const total = Math.max(0, ...[...this.#reports.values()].map(({ report }) => report.rooms.total));
    const sizes = new LargerMap<number>(() => total);
    for (const { report } of this.#reports.values()) {
      for (const [name, size] of report.rooms.largest) sizes.set(name, (sizes.get(name) ?? 0) + size);
    }
    return sizes;
  }

  /** A worker has told something of itself. */
  add({ id, pid }: Reporter, report: WorkerReport): void {
    this.#reports.set(pid, { id, report, at: this.#port.clock.now() });
    if (report.hub !== undefined) this.hub.add(pid, report.hub);
    this.#listClients();
  }

  /** A process is gone: what it had counted stays counted. */
  end({ pid }: Reporter): void {
    const last = this.#reports.get(pid);
    this.#ended++;
    this.hub.end(pid);
    if (last === undefined) return;
    this.#reports.delete(pid);
    mergeInto(this.#gone, totalsOf(parseMetrics(last.report.metrics)));
    for (const name of TOTALS) this.#goneTotals[name] += last.report[name];
    this.#listClients();
  }

  /** Each worker, as the dashboard has nodes. */
  nodes(): NodeReport[] {
    const now = Date.now();
    const reports = [...this.#reports].toSorted(([, a], [, b]) => a.id - b.id);
    return reports.map(([pid, { id, report, at }]) => nodeOf(pid, id, report, now - (this.#port.clock.now() - at)));
  }

  async text(): Promise<string> {
    const all: Families = new Map();
    const own = new Map<string, string[]>();
    for (const { id, report } of [...this.#reports.values()].toSorted((a, b) => a.id - b.id)) {
      mergeInto(all, parseMetrics(report.metrics));
      own.set(`${id}`, [`${report.connections}`, `${report.rss}`]);
    }
    mergeInto(all, this.#gone);
    // One that is on its way out does not take the others' readiness away.
    all.get("hawser_ready")?.samples.set("hawser_ready", this.isReady ? 1 : 0);
    const perWorker = (column: number, name: string): string =>
      Array.from(own, ([id, values]) => `${name}{worker="${id}"} ${values[column]}`).join("\n");
    const added = `# HELP hawser_workers Workers that report.
# TYPE hawser_workers gauge
hawser_workers ${own.size}

# HELP hawser_workers_ended_total Processes of workers that have ended, for whatever reason.
# TYPE hawser_workers_ended_total counter
hawser_workers_ended_total ${this.#ended}

# HELP hawser_worker_connections Clients of each worker.
# TYPE hawser_worker_connections gauge
${perWorker(0, "hawser_worker_connections")}

# HELP hawser_worker_resident_memory_bytes Memory of each worker that is in RAM.
# TYPE hawser_worker_resident_memory_bytes gauge
${perWorker(1, "hawser_worker_resident_memory_bytes")}
`;
    return all.size === 0 ? added : `${metricsText(all)}\n${added}`;
  }

  stop(): void {}

  #sum(of: (report: WorkerReport) => number): number {
    let sum = 0;
    for (const { report } of this.#reports.values()) sum += of(report);
    return sum;
  }

  #listClients(): void {
    const clients = this.clients as Map<string, Client>;
    clients.clear();
    for (const [pid, { report, at }] of this.#reports) {
      for (const client of report.clients) clients.set(client.id, this.#clientOf(pid, client, at));
    }
  }

  #clientOf(pid: number, client: ClientReport, at: number): Client {
    const { id } = client;
    return {
      ...client,
      topics: new Set(client.topics),
      connectedAt: at - client.ageMs,
      close: (code: number, reason: string) => this.#port.send(pid, { order: "close", id, code, reason }),
      send: (text: string) => {
        this.#port.send(pid, { order: "send", id, text });
        return "queued";
      },
    } as unknown as Client;
  }
}

/** For how long the engine has been away. */
function rankOf({ state, wasReached, forMs }: ProbedEngine): number {
  return state === "up" ? -1 : wasReached ? forMs : Infinity;
}

function nodeOf(
  pid: number,
  id: number,
  { isReady, connections, startedAt, hub }: WorkerReport,
  lastSeen: number,
): NodeReport {
  const stats = hub?.stats;
  const isUp = stats === undefined || stats.engine.state === "up";
  return {
    id: stats?.node ?? `${pid}`,
    name: `worker ${id}, process ${pid}`,
    isThis: false,
    state: !isReady ? "draining" : isUp ? "ready" : "degraded",
    clients: connections,
    sessions: stats?.sessions ?? 0,
    topics: stats?.topics ?? 0,
    engine: stats && { state: stats.engine.state, since: stats.engine.since, why: stats.engine.why },
    startedAt,
    lastSeen,
  };
}
