import type { HubStats, TopicInfo, TopicList, TopicQuery, TopicSort } from "hawser/hub";
import type { ShownHub } from "../hub.js";
import { LargerMap } from "./larger-map.js";
import type { HubReport } from "./report.js";

/** How much there is now, and not what has happened: it goes with its worker. */
const NOW: readonly (keyof HubStats)[] = [
  "sessions",
  "topics",
  "phases",
  "suspects",
  "members",
  "historyBytes",
  "historyLimitBytes",
  "callsPending",
  "asksPending",
];

const values: Readonly<Record<TopicSort, (topic: TopicInfo) => number>> = {
  subscribers: ({ subscribers }) => subscribers,
  rate: ({ messagesPerSecond }) => messagesPerSecond,
  messages: ({ messages }) => messages,
  history: ({ historyBytes }) => historyBytes,
  name: () => 0,
};

/** The hubs of several workers, as one: it knows the largest topics of each. */
export class GatheredHub implements ShownHub {
  /** By process. */
  readonly #reports = new Map<number, HubReport>();
  /** Of workers that are gone: totals never go back. */
  #gone: HubStats | undefined;

  /** Undefined: no worker has told of one yet. */
  get stats(): HubStats | undefined {
    const all = [...this.#reports.values()].map(({ stats }) => stats);
    if (all.length === 0) return undefined;
    const engine = all.find((stats) => stats.engine.state !== "up")?.engine ?? all[0]!.engine;
    const total = [...all, ...(this.#gone === undefined ? [] : [this.#gone])].reduce(summed);
    return { ...total, engine, topics: this.#listed().size };
  }

  add(pid: number, report: HubReport): void {
    this.#reports.set(pid, report);
  }

  end(pid: number): void {
    const last = this.#reports.get(pid)?.stats;
    this.#reports.delete(pid);
    if (last === undefined) return;
    const nothing = Object.fromEntries(NOW.map((name) => [name, zeroOf(last[name])]));
    const ended = { ...last, ...nothing };
    this.#gone = this.#gone === undefined ? ended : summed(this.#gone, ended);
  }

  topics({ search = "", sort = "subscribers", limit = 100 }: TopicQuery): TopicList {
    const all = this.#listed();
    const wanted = search.toLowerCase();
    const matching = [...all.values()].filter(({ name }) => name.toLowerCase().includes(wanted));
    const valueOf = values[sort];
    matching.sort((a, b) => valueOf(b) - valueOf(a) || (a.name < b.name ? -1 : 1));
    return { total: all.size, matched: matching.length, topics: matching.slice(0, limit) };
  }

  /** Clients of workers tell their topics themselves. */
  topicsOf(): ReadonlySet<string> {
    return new Set();
  }

  members(): Promise<never> {
    return Promise.reject(new Error("workers do not tell who is in a topic"));
  }

  count(): Promise<never> {
    return this.members();
  }

  /** By name. Its size is that of all topics of the worker with the most, where those are more than are listed. */
  #listed(): Map<string, TopicInfo> {
    const all = new LargerMap<TopicInfo>(() =>
      Math.max(0, ...[...this.#reports.values()].map(({ stats }) => stats.topics)),
    );
    for (const { largest } of this.#reports.values()) {
      for (const topic of largest) all.set(topic.name, together(topic, all.get(topic.name)));
    }
    return all;
  }
}

/** Numbers are added, also those of parts. The bounds of durations are the same everywhere. */
function summed<Some>(a: Some, b: Some): Some {
  return sumOf(a, b) as Some;
}

function sumOf(a: unknown, b: unknown): unknown {
  if (typeof a === "number") return a + (b as number);
  if (typeof a !== "object" || a === null) return a;
  if (Array.isArray(a)) return (a as unknown[]).map((part, at) => sumOf(part, (b as unknown[])[at]));
  const others = b as Record<string, unknown>;
  return Object.fromEntries(
    Object.entries(a as Record<string, unknown>).map(([name, part]) => [
      name,
      name === "boundsMs" ? part : sumOf(part, others[name]),
    ]),
  );
}

function zeroOf(value: unknown): unknown {
  if (typeof value === "number") return 0;
  return Object.fromEntries(Object.entries(value as object).map(([name, part]) => [name, zeroOf(part)]));
}

/** One topic at two workers: each has all of its messages, and subscribers of its own. Who is in it is not told here. */
function together(a: TopicInfo, b: TopicInfo | undefined): TopicInfo {
  if (b === undefined) return { ...a, members: undefined };
  return {
    name: a.name,
    subscribers: a.subscribers + b.subscribers,
    members: undefined,
    head: (b.head?.offset ?? -1) > (a.head?.offset ?? -1) ? b.head : a.head,
    messages: Math.max(a.messages, b.messages),
    deliveries: a.deliveries + b.deliveries,
    messagesPerSecond: Math.max(a.messagesPerSecond, b.messagesPerSecond),
    historyBytes: a.historyBytes + b.historyBytes,
    phase: a.phase === "live" ? b.phase : a.phase,
  };
}
