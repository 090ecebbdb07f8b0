/** What Hawser is to reach, as ratios of medians of one run. */

import type { Round } from "./measures.js";
import { medianOf, type Report } from "./results.js";
import type { ServerName } from "./server-process.js";

export interface Target {
  readonly title: string;
  /** In what, and against which server, Hawser is to be faster. */
  readonly race?: { readonly workload: string; readonly against: ServerName };
  readonly wanted: number;
  /** The lower the better. */
  readonly atMost: boolean;
  /** null: not measured in this run. `byCpu` is the ratio of the CPU times per message, the other server's over Hawser's. */
  read(report: Report): { byRate: number; byCpu: number | null } | null;
}

export const targets: readonly Target[] = [
  faster("echo-64b-1", "socket", 0.95),
  faster("echo-64b-1", "ws", 1.25),
  faster("echo-64b-16", "ws", 12),
  faster("echo-64b-16", "bun", 1),
  faster("echo-64k-1", "ws", 1.2),
  faster("fanout-1000-1", "ws", 1.35),
  faster("fanout-1000-1", "bun", 0.9),
  faster("fanout-1000-16", "ws", 18),
  faster("fanout-1000-16", "bun", 1),
  faster("fanout-deflate", "ws", 8),
  faster("fanout-deflate", "bun", 1.1),
  faster("storm", "ws", 1.3),
  {
    title: "memory per idle client, against the bare socket",
    wanted: 1.15,
    atMost: true,
    read(report) {
      const ours = figures(report, "memory-10000", "hawser")?.rssPerClient;
      const floor = figures(report, "memory-10000", "socket")?.rssPerClient;
      return ours === undefined || floor === undefined ? null : { byRate: ours / floor, byCpu: null };
    },
  },
  {
    title: "heartbeat of 10,000 idle clients, % of a core",
    wanted: 0.5,
    atMost: true,
    read(report) {
      const load = figures(report, "heartbeat-10000", "hawser")?.serverLoad;
      return load === undefined ? null : { byRate: load * 100, byCpu: null };
    },
  },
];

function faster(workload: string, against: ServerName, wanted: number): Target {
  return {
    title: `${workload}, against ${against}`,
    race: { workload, against },
    wanted,
    atMost: false,
    read(report) {
      const ours = figures(report, workload, "hawser");
      const theirs = figures(report, workload, against);
      if (ours?.rate === undefined || theirs?.rate === undefined) return null;
      return { byRate: ours.rate / theirs.rate, byCpu: theirs.cpu! / ours.cpu! };
    },
  };
}

function figures(report: Report, workload: string, server: ServerName): Round | null {
  const result = report.workloads.find(({ name }) => name === workload)?.results.find((one) => one.server === server);
  return result === undefined || result.rounds.length === 0 ? null : medianOf(result.rounds);
}
