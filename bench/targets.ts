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

export const serverTargets: readonly Target[] = [
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
  within("memory per idle client, against the bare socket", 1.15, "memory-10000", "rssPerClient", "hawser", "socket"),
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

/** hawser/ws, with the very program for `ws`. */
export const wsTargets: readonly Target[] = [
  faster("echo-64b-1", "ws", 1.25, "hawser-ws"),
  faster("echo-64b-16", "ws", 6, "hawser-ws"),
  faster("fanout-1000-16", "ws", 8, "hawser-ws"),
  within("heap of an idle client of hawser/ws, against ws", 0.7, "memory-10000", "heapPerClient", "hawser-ws", "ws"),
];

export const hubTargets: readonly Target[] = [
  faster("hub-publish-1", "hawser", 0.9, "hub"),
  faster("hub-publish-16", "hawser", 0.9, "hub"),
  faster("hub-publish-1", "socketio", 1.5, "hub"),
  faster("hub-publish-16", "socketio", 25, "hub"),
  ...[1, 100, 10_000].flatMap((topics) => [
    against(
      `hub-resume-${topics}`,
      `resume, ${inTopics(topics)}: time, in that of the bare handshakes`,
      3,
      (hub, bare) => ({
        byRate: bare.rate! / hub.rate!,
        byCpu: hub.cpu! / bare.cpu!,
      }),
    ),
    alone(
      `hub-resume-${topics}`,
      `resume, ${inTopics(topics)}: reads of the engine for each topic`,
      1,
      ({ reads }) => reads! / topics,
    ),
  ]),
  against("hub-memory", "heap of an idle client in 3 topics, KB beyond one without a hub", 0.6, (hub, bare) => ({
    byRate: (hub.heapPerClient! - bare.heapPerClient!) / 1000,
    byCpu: null,
  })),
  against("hub-memory", "resident memory of the same, KB beyond one without a hub", 0.6, (hub, bare) => ({
    byRate: (hub.rssPerClient! - bare.rssPerClient!) / 1000,
    byCpu: null,
  })),
  alone("hub-presence", "presence: frames for one client, the most", 5, ({ mostFrames }) => mostFrames!),
  {
    title: "client library, kB minified and compressed",
    wanted: 6,
    atMost: true,
    read({ bundles }) {
      const bundle = bundles?.find(({ name }) => name === "@hawser/client/core");
      return bundle === undefined ? null : { byRate: bundle.bytes / 1000, byCpu: null };
    },
  },
];

export const engineTargets: readonly Target[] = [
  faster("engine-publish", "socketio-redis", 3, "hub-redis"),
  // The last one is the least that can be had.
  ...(["hub-redis", "hub-nats", "relay"] as const).flatMap((server) =>
    (["p50", "p99"] as const).map((percentile) => {
      const title = `${server}, ${percentile} of the latency from node to node, in that of Socket.IO`;
      return within(title, 0.5, "engine-latency", percentile, server, "socketio-redis");
    }),
  ),
  ...(["hub-redis", "hub-nats"] as const).flatMap((server): Target[] => [
    {
      title: `${server}, CPU time of a delivery by one node of 500 subscribers, in that by two of 500 each`,
      wanted: 0.9,
      atMost: false,
      read(report) {
        const [two, one] = ["engine-both-500", "engine-first-500"].map((name) => figures(report, name, server));
        return !two?.rate || !one?.rate ? null : { byRate: one.cpu! / two.cpu!, byCpu: null };
      },
    },
    alone(
      "engine-resume",
      `${server}, 5,000 clients come back: reads of the engine for each of 100 topics`,
      1,
      ({ reads }) => reads! / 100,
      server,
    ),
  ]),
  alone(
    "engine-recovery",
    "50,000 topics after Redis was lost: seconds until all are verified",
    5,
    ({ recovery }) => recovery! / 1000,
    "hub-redis",
  ),
  alone(
    "engine-presence",
    "10,000 members who stay: changes to Redis in 5 s",
    1,
    ({ changes }) => changes!,
    "hub-redis",
  ),
];

export const targets: readonly Target[] = [...serverTargets, ...wsTargets, ...hubTargets, ...engineTargets];

function inTopics(topics: number): string {
  return topics === 1 ? "1 topic" : `${topics.toLocaleString("en")} topics`;
}

/** A figure of the hub and of Hawser without one, at most so much. */
function against(
  workload: string,
  title: string,
  wanted: number,
  compare: (hub: Round, bare: Round) => { byRate: number; byCpu: number | null },
): Target {
  return {
    title,
    wanted,
    atMost: true,
    read(report) {
      const hub = figures(report, workload, "hub");
      const bare = figures(report, workload, "hawser");
      return hub === null || bare === null ? null : compare(hub, bare);
    },
  };
}

/** A figure of a hub alone, at most so much. */
function alone(
  workload: string,
  title: string,
  wanted: number,
  figure: (round: Round) => number,
  server: ServerName = "hub",
): Target {
  return {
    title,
    wanted,
    atMost: true,
    read(report) {
      const round = figures(report, workload, server);
      return round === null ? null : { byRate: figure(round), byCpu: null };
    },
  };
}

/** Whether a figure is what was wanted, or better. */
export function isReached({ wanted, atMost }: Target, reached: number): boolean {
  return atMost ? reached <= wanted : reached >= wanted;
}

function faster(workload: string, against: ServerName, wanted: number, us: ServerName = "hawser"): Target {
  return {
    title: `${workload}, ${us === "hawser-ws" ? "hawser/ws " : ""}against ${against}`,
    race: { workload, against },
    wanted,
    atMost: false,
    read(report) {
      const ours = figures(report, workload, us);
      const theirs = figures(report, workload, against);
      // Nothing came within the time: that is no ratio.
      if (!ours?.rate || !theirs?.rate) return null;
      return { byRate: ours.rate / theirs.rate, byCpu: theirs.cpu! / ours.cpu! };
    },
  };
}

/** A figure of ours in that of somebody else, at most. */
function within(
  title: string,
  wanted: number,
  workload: string,
  figure: "rssPerClient" | "heapPerClient" | "p50" | "p99",
  us: ServerName,
  against: ServerName,
): Target {
  return {
    title,
    wanted,
    atMost: true,
    read(report) {
      const [ours, theirs] = [us, against].map((server) => figures(report, workload, server)?.[figure]);
      return ours === undefined || theirs === undefined ? null : { byRate: ours / theirs, byCpu: null };
    },
  };
}

function figures(report: Report, workload: string, server: ServerName): Round | null {
  const result = report.workloads.find(({ name }) => name === workload)?.results.find((one) => one.server === server);
  return result === undefined || result.rounds.length === 0 ? null : medianOf(result.rounds);
}
