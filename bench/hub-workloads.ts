/** The workloads of the hub: against Hawser without a hub, and where there is something like it, against Socket.IO. */

import { measureCrowd, measureHubMemory, measureReturn } from "./hub-measures.js";
import { measureTraffic, text } from "./measures.js";
import type { Workload } from "./workloads.js";

/** `quick`: fewer clients. */
export function hubWorkloads(quick: boolean): Workload[] {
  const many = quick ? 2_000 : 10_000;
  return [
    publishing(1_000, 1),
    publishing(1_000, 16),
    ...(quick ? [100] : [1, 100, many]).map((topics) => returning(many, topics)),
    ...(quick ? [] : [memory(many)]),
    joining(quick ? 1_000 : 5_000),
  ];
}

function publishing(subscribers: number, inFlight: number): Workload {
  return {
    name: `hub-publish-${inFlight}`,
    title: `publish to ${subscribers.toLocaleString("en")} subscribers, 64 B, ${inFlight} in flight`,
    unit: "delivery",
    servers: ["hub", "hawser", "socketio"],
    base: "hub",
    measure: (bench, subject) =>
      measureTraffic(bench, subject, {
        payload: text(64),
        inFlight,
        countsFrames: true,
        shape: { fanOut: subscribers },
      }),
  };
}

function returning(clients: number, topics: number): Workload {
  const where = topics === 1 ? "one topic" : `${topics.toLocaleString("en")} topics`;
  return {
    name: `hub-resume-${topics}`,
    title: `${clients.toLocaleString("en")} clients of ${where} come back for 20 messages each (Hawser: connect)`,
    unit: "client",
    servers: ["hub", "hawser"],
    base: "hub",
    fresh: true,
    rounds: 3,
    measure: (bench, subject) => measureReturn(bench, subject, { clients, topics, missed: 20 }),
  };
}

function memory(clients: number): Workload {
  return {
    name: "hub-memory",
    title: `memory of ${clients.toLocaleString("en")} idle clients, of a hub in 3 topics each`,
    unit: "client",
    servers: ["hub", "hawser"],
    base: "hub",
    fresh: true,
    rounds: 3,
    measure: (bench, subject) => measureHubMemory(bench, subject, clients),
  };
}

function joining(clients: number): Workload {
  return {
    name: "hub-presence",
    title: `${clients.toLocaleString("en")} clients join one room within a second, and each watches who is there`,
    unit: "client",
    servers: ["hub"],
    base: "hub",
    fresh: true,
    rounds: 3,
    measure: (bench, subject) => measureCrowd(bench, subject, clients),
  };
}
