/** What the dashboard tells of the hub each second: how things stand, what happened since the start, and what of it within the last minute. */
import type { Durations } from "hawser";
import type { HubStats } from "hawser/hub";
import type { ShownHub } from "./hub.js";

type TotalName =
  | "published"
  | "failed"
  | "delivered"
  | "resumed"
  | "replayed"
  | "repaired"
  | "missed"
  | "gaps"
  | "calls"
  | "refused";

/** Totals that are shown. */
const totals: Readonly<Record<TotalName, (stats: HubStats) => number>> = {
  published: (stats) => stats.published,
  failed: (stats) => sum(stats.publishFailures),
  delivered: (stats) => stats.deliveries,
  resumed: (stats) => stats.resumed,
  replayed: (stats) => stats.replayed,
  repaired: (stats) => stats.repaired,
  missed: (stats) => stats.missed,
  gaps: (stats) => sum(stats.gaps),
  calls: (stats) => sum(stats.callOutcomes),
  refused: (stats) => sum(stats.refused),
};

export interface HubSample {
  readonly engine: HubStats["engine"];
  readonly sessions: number;
  readonly topics: number;
  readonly members: number;
  readonly suspects: number;
  readonly historyBytes: number;
  readonly historyLimitBytes: number;
  readonly callsPending: number;
  /** Since the start, and within the last minute. */
  readonly totals: Readonly<Record<TotalName, readonly [total: number, lastMinute: number]>>;
  readonly gaps: HubStats["gaps"];
  /** Milliseconds within which half of the last minute's publishes were answered, and nearly all; null where there were none. */
  readonly publishMs: { readonly median: number | null; readonly p99: number | null };
}

const SECONDS_KEPT = 60;

export class HubSampler {
  readonly #hub: Pick<ShownHub, "stats">;
  /** Of the last minute, oldest first. */
  readonly #past: Pick<Sampled, "values" | "times">[] = [];

  constructor(hub: Pick<ShownHub, "stats">) {
    this.#hub = hub;
  }

  /** Once a second. */
  take(): HubSample | undefined {
    const { stats } = this.#hub;
    if (stats === undefined) return undefined;
    const now = { values: valuesOf(stats), times: stats.publishTimes };
    // What happened before anybody looked is not of the last minute.
    const before = this.#past[0] ?? now;
    this.#past.push(now);
    if (this.#past.length > SECONDS_KEPT) this.#past.shift();
    const names = Object.keys(totals) as TotalName[];
    const { engine, sessions, topics, members, suspects, historyBytes, historyLimitBytes, callsPending, gaps } = stats;
    return {
      engine: { ...engine, why: engine.why.slice(0, 300) },
      sessions,
      topics,
      members,
      suspects,
      historyBytes,
      historyLimitBytes,
      callsPending,
      totals: Object.fromEntries(
        names.map((name) => [name, [now.values[name], now.values[name] - before.values[name]] as const]),
      ) as HubSample["totals"],
      gaps,
      publishMs: {
        median: withinMs(before.times, now.times, 0.5),
        p99: withinMs(before.times, now.times, 0.99),
      },
    };
  }
}

interface Sampled {
  readonly values: Readonly<Record<TotalName, number>>;
  readonly times: Durations;
}

function valuesOf(stats: HubStats): Sampled["values"] {
  return Object.fromEntries(
    Object.entries(totals).map(([name, read]) => [name, read(stats)]),
  ) as unknown as Sampled["values"];
}

/** The bound of the bucket in which so many of the new ones are; null where there are none. What is past the last bound is said to be at it. */
function withinMs(before: Durations, now: Durations, share: number): number | null {
  const wanted = (now.count - before.count) * share;
  if (wanted === 0) return null;
  let seen = 0;
  const bucket = now.counts.findIndex((count, index) => (seen += count - before.counts[index]!) >= wanted);
  return now.boundsMs[bucket] ?? now.boundsMs.at(-1) ?? null;
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
