/** The workloads of several nodes: through Redis and NATS, against Socket.IO with its adapter for Redis Streams. */

import {
  measureFlood,
  measureIdlePresence,
  measureRecovery,
  measureRelay,
  measureRelayAtPace,
} from "./engine-measures.js";
import { measureReturn } from "./hub-measures.js";
import type { ServerName } from "./server-process.js";
import type { Workload } from "./workloads.js";

const RELAYS: readonly ServerName[] = ["hub-redis", "hub-nats", "socketio-redis"];

export function engineWorkloads(): Workload[] {
  return [
    flooding(64),
    relaying(64),
    spreading(500, "first"),
    spreading(500, "both"),
    atHalfLoad(),
    returning(5_000, 100),
    recovering(50_000),
    idling(10_000),
  ];
}

function flooding(inFlight: number): Workload {
  return {
    name: "engine-publish",
    title: `the server itself publishes where nobody is, with history, 64 B, ${inFlight} in flight`,
    unit: "message",
    servers: RELAYS,
    base: "hub-redis",
    measure: (bench, subject) => measureFlood(bench, subject, inFlight),
  };
}

function relaying(inFlight: number): Workload {
  return {
    name: "engine-publish-1",
    title: `publish at one node to one subscriber at another, 64 B, ${inFlight} in flight`,
    unit: "delivery",
    servers: RELAYS,
    base: "hub-redis",
    measure: (bench, subject) => measureRelay(bench, subject, 1, inFlight, "second"),
  };
}

/** What a delivery costs where subscribers are at one node, and at two: as many at each. */
function spreading(subscribers: number, audience: "first" | "both"): Workload {
  const where =
    audience === "first"
      ? `${subscribers} subscribers at the same node`
      : `${subscribers} subscribers at each of two nodes`;
  return {
    name: `engine-${audience}-${subscribers}`,
    title: `publish to ${where}, 64 B, 1 in flight`,
    unit: "delivery",
    servers: RELAYS,
    base: "hub-redis",
    measure: (bench, subject) => measureRelay(bench, subject, subscribers, 1, audience),
  };
}

/**
 * All get the same number of messages per second: at which the server that takes the most for each has half a core. That is less than half of what it
 * can take at its best: then messages come many at a time, and what is done once for all that came together costs each of them little.
 */
function atHalfLoad(): Workload {
  let perSecond = 0;
  return {
    name: "engine-latency",
    title:
      "latency from one node to another, 64 B, one by one, at the rate at which the busiest server has half a core",
    unit: "delivery",
    servers: [...RELAYS, "relay"],
    base: "hub-redis",
    async measure(bench, subject, peers) {
      if (perSecond === 0) {
        const rates: number[] = [];
        for (const peer of peers) rates.push((await measureRelay(bench, peer, 1, 64, "second")).rate!);
        const pace = Math.min(...rates) / 2;
        const loads: number[] = [];
        for (const peer of peers) loads.push((await measureRelayAtPace(bench, peer, pace)).serverLoad!);
        perSecond = pace * Math.min(1, 0.5 / Math.max(...loads));
      }
      return measureRelayAtPace(bench, subject, perSecond);
    },
  };
}

function returning(clients: number, topics: number): Workload {
  return {
    name: "engine-resume",
    title: `${clients.toLocaleString("en")} clients of ${topics} topics come back to another node for 20 messages each (Hawser: connect)`,
    unit: "client",
    servers: ["hub-redis", "hub-nats", "hawser"],
    base: "hub-redis",
    fresh: true,
    rounds: 3,
    measure: (bench, subject) => measureReturn(bench, subject, { clients, topics, missed: 20 }),
  };
}

function recovering(topics: number): Workload {
  return {
    name: "engine-recovery",
    title: `a node of ${topics.toLocaleString("en")} topics loses its connections to the engine`,
    unit: "topic",
    servers: ["hub-redis"],
    base: "hub-redis",
    fresh: true,
    rounds: 3,
    measure: (bench, subject) => measureRecovery(bench, subject, topics),
  };
}

function idling(clients: number): Workload {
  return {
    name: "engine-presence",
    title: `${clients.toLocaleString("en")} members of one room stay`,
    unit: "client",
    servers: ["hub-redis"],
    base: "hub-redis",
    fresh: true,
    rounds: 1,
    measure: (bench, subject) => measureIdlePresence(bench, subject, clients),
  };
}
