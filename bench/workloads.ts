/** The workloads, in the order in which they run. */

import {
  type Bench,
  DEFAULT_PERIOD_MS,
  type Flood,
  measureBystander,
  measureHeartbeat,
  measureMemory,
  measurePaced,
  measureStorm,
  measureTraffic,
  type Round,
  type Subject,
  text,
  type Traffic,
} from "./measures.js";
import { engineWorkloads } from "./engine-workloads.js";
import { hubWorkloads } from "./hub-workloads.js";
import { plainServers, type ServerName, type ServerSettings } from "./server-process.js";

export interface Workload {
  readonly name: string;
  readonly title: string;
  /** What is counted. */
  readonly unit: "message" | "delivery" | "handshake" | "ping" | "client" | "answer" | "topic";
  readonly servers: readonly ServerName[];
  /** What the others are compared with. @default Hawser, where it takes part */
  readonly base?: ServerName;
  readonly settings?: ServerSettings;
  /** A server of its own for every round. */
  readonly fresh?: boolean;
  /** Rounds, where they take long. */
  readonly rounds?: number;
  measure(bench: Bench, subject: Subject, peers: readonly Subject[]): Promise<Round>;
}

/** The bare socket knows nothing of compression. */
const compressing = plainServers.filter((name) => name !== "socket");

export function traffic(name: string, title: string, plan: Traffic, more: Partial<Workload> = {}): Workload {
  return {
    name,
    title,
    unit: "fanOut" in plan.shape || plan.shape.members > 1 ? "delivery" : "message",
    servers: plainServers,
    measure: (bench, subject) => measureTraffic(bench, subject, plan),
    ...more,
  };
}

function echo(bytes: number, inFlight: number): Workload {
  const size = bytes < 1024 ? `${bytes} B` : `${bytes / 1024} KiB`;
  const groups = bytes > 1024 ? 50 : 100;
  const title = `echo, ${size}, ${inFlight} in flight, ${groups} clients`;
  return traffic(`echo-${size.replace(" ", "").replace("iB", "").toLowerCase()}-${inFlight}`, title, {
    payload: text(bytes),
    inFlight,
    shape: { groups, members: 1 },
  });
}

function fanOut(subscribers: number, inFlight: number): Workload {
  const title = `fan-out to ${subscribers.toLocaleString("en")}, 64 B, ${inFlight} in flight`;
  return traffic(`fanout-${subscribers}-${inFlight}`, title, {
    payload: text(64),
    inFlight,
    shape: { fanOut: subscribers },
  });
}

/** Cost per delivery by the number of subscribers: whether it stays the same. */
function scaling(subscribers: number): Workload {
  return {
    ...fanOut(subscribers, 1),
    name: `scaling-${subscribers}`,
    title: `cost per delivery, fan-out to ${subscribers.toLocaleString("en")}`,
    servers: ["hawser", "ws"],
    rounds: 3,
  };
}

function storm(clients: number): Workload {
  return {
    name: "storm",
    title: `${clients.toLocaleString("en")} clients connect`,
    unit: "handshake",
    servers: plainServers,
    measure: (bench, subject) => measureStorm(bench, subject, clients),
  };
}

function memory(clients: number, compression: boolean, servers = compression ? compressing : plainServers): Workload {
  return {
    name: `memory-${clients}${compression ? "-deflate" : ""}`,
    title: `memory of ${clients.toLocaleString("en")} idle clients${compression ? ", compression negotiated" : ""}`,
    unit: "client",
    servers,
    settings: { compression },
    fresh: true,
    rounds: 3,
    measure: (bench, subject) => measureMemory(bench, subject, clients),
  };
}

function heartbeat(clients: number, periodMs: number): Workload {
  return {
    name: `heartbeat-${clients}`,
    title: `heartbeat of ${clients.toLocaleString("en")} idle clients, scaled from a period of ${periodMs / 1000} s to ${DEFAULT_PERIOD_MS / 1000} s`,
    unit: "ping",
    // Bun pings by its own idea of time, and the bare socket not at all.
    servers: ["hawser", "ws", "socketio", "hawser-bun"],
    settings: { heartbeatMs: periodMs },
    fresh: true,
    rounds: 3,
    measure: (bench, subject) => measureHeartbeat(bench, subject, clients, periodMs, 2),
  };
}

/** All get the same number of messages per second: half of what the slowest of them can take. */
function halfLoad(): Workload {
  const closed: Traffic = { payload: text(64), inFlight: 1, shape: { groups: 100, members: 1 } };
  let perSecond = 0;
  return {
    name: "latency",
    title: "latency of echo, 64 B, 100 clients, at half of what the slowest server can take",
    unit: "message",
    servers: plainServers,
    async measure(bench, subject, peers) {
      if (perSecond === 0) {
        const rates: number[] = [];
        for (const peer of peers) rates.push((await measureTraffic(bench, peer, closed)).rate!);
        perSecond = Math.min(...rates) / 2;
      }
      return measurePaced(bench, subject, 100, perSecond);
    },
  };
}

function bystander(name: string, what: string, flood: Flood, servers: readonly ServerName[]): Workload {
  return {
    name: `bystander-${name}`,
    title: `a bystander's round trip while ${what}`,
    unit: "answer",
    servers,
    settings: { compression: flood.areBombs },
    // What is left of a flood is not to be the next round's.
    fresh: true,
    rounds: 3,
    measure: (bench, subject) => measureBystander(bench, subject, flood),
  };
}

/** 1,024 bytes that compress as such messages do. */
function jsonMessage(): string {
  const trade = (i: number): object => ({ id: 7919 * (i + 3), side: i % 3 ? "buy" : "sell", price: 10_000 + i * 37 });
  const message = { type: "trades", items: Array.from({ length: 22 }, (_, i) => trade(i)), note: "" };
  message.note = "-".repeat(Math.max(0, 1024 - JSON.stringify(message).length));
  return JSON.stringify(message);
}

/** `quick`: fewer of them, and fewer idle clients, since opening 10,000 of them takes longer than measuring. */
export function workloads(quick: boolean): Workload[] {
  const many = quick ? 2_000 : 10_000;
  const few = 1_000;
  return [
    echo(64, 1),
    echo(64, 16),
    ...(quick ? [] : [echo(1024, 1), echo(1024, 16)]),
    echo(65_536, 1),
    ...(quick ? [] : [echo(65_536, 16)]),
    fanOut(1000, 1),
    fanOut(1000, 16),
    traffic("rooms", "50 rooms of 20, each with a publisher at a time, 64 B", {
      payload: text(64),
      inFlight: 1,
      shape: { groups: 50, members: 20 },
    }),
    traffic(
      "fanout-deflate",
      "fan-out to 200, 1 KiB of JSON, permessage-deflate",
      { payload: jsonMessage(), inFlight: 1, shape: { fanOut: 200 } },
      { servers: compressing, settings: { compression: true } },
    ),
    // A quick look ends when its time is over, and is to have seen these.
    ...(quick ? hubWorkloads(true) : []),
    storm(quick ? 1_000 : 5_000),
    halfLoad(),
    ...bystanders(quick),
    memory(many, false),
    ...(quick ? [] : [memory(many, true), memory(few, false, ["hawser", "ws", "socket"])]),
    // Three periods for each server are too long for a quick look.
    ...(quick
      ? [{ ...heartbeat(many, 2_700), servers: ["hawser"] as const }]
      : [heartbeat(many, 5_400), heartbeat(few, 5_400)]),
    ...[10, 100, 1_000, ...(quick ? [] : [10_000])].map(scaling),
    ...(quick ? [] : [...hubWorkloads(false), ...engineWorkloads()]),
  ];
}

function bystanders(quick: boolean): Workload[] {
  const some: readonly ServerName[] = ["hawser", "ws", "bun"];
  const bombs = "(512 KiB in 530 bytes of permessage-deflate)";
  return [
    bystander("flood", "one client floods, 64 B", { clients: 1, areBombs: false }, quick ? some : plainServers),
    bystander("bombs", `one client sends bombs ${bombs}`, { clients: 1, areBombs: true }, quick ? some : compressing),
    ...(quick
      ? []
      : [bystander("bombs-10", `ten clients send bombs ${bombs}`, { clients: 10, areBombs: true }, compressing)]),
  ];
}
