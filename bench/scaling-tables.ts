/** The tables of docs/scaling.md. */

import type { Report } from "./results.js";
import {
  demands,
  type EngineOfModel,
  engineCheck,
  type Inputs,
  inputsOf,
  MEASURED_NODES,
  needOf,
  processesFor,
  type ScalingCosts,
} from "./scaling-model.js";

const ENGINES: readonly (readonly [EngineOfModel, string])[] = [
  ["redis", "Redis"],
  ["nats", "NATS"],
];

export function inputsTable(report: Report, costs: ScalingCosts): string {
  const [redis, nats] = ENGINES.map(([engine]) => inputsOf(report, costs, engine)) as [Inputs, Inputs];
  const row = (what: string, of: (inputs: Inputs) => string, from: string): string =>
    `| ${what} | ${of(redis) === of(nats) ? of(redis) : `${of(redis)}; ${of(nats)}`} | \`npm run ${from}\` |`;
  const us = (value: number): string => `${value.toPrecision(3)} µs`;
  return [
    `| What | Redis; NATS | By |`,
    `| --- | ---: | --- |`,
    row(
      "memory of a client in 3 topics",
      ({ clientBytes }) => `${(clientBytes / 1000).toFixed(1)} kB`,
      "bench:scaling`, `npm run bench -- --only memory-10000",
    ),
    row("a ping and its pong, every 54 s", ({ pingUs }) => us(pingUs), "bench -- --only heartbeat-10000"),
    row("a client comes, and subscribes to 3 topics", ({ arrivalUs }) => us(arrivalUs), "bench:scaling"),
    row("a message to one client", ({ deliveryUs }) => us(deliveryUs), "bench -- --only fanout-1000-1"),
    row("the node that publishes, a message", ({ publishUs }) => us(publishUs), "bench:scaling"),
    row("a node that gets it", ({ receiveUs }) => us(receiveUs), "bench:scaling"),
    row("the engine, a publish", ({ enginePublishUs }) => us(enginePublishUs), "bench:scaling"),
    row("the engine, each node that gets it", ({ engineCopyUs }) => us(engineCopyUs), "bench:scaling"),
    row("so many publishes a second on one core, for 50 nodes", (inputs) => perCore(inputs, 50), "bench:scaling"),
    `| what the model says of the engine with ${MEASURED_NODES[1]} nodes, over what was measured | ${ENGINES.map(([engine], n) => engineCheck([redis, nats][n]!, costs, engine).toFixed(2)).join("; ")} | \`npm run bench:scaling\` |`,
  ].join("\n");
}

function perCore({ enginePublishUs, engineCopyUs }: Inputs, nodes: number): string {
  return Math.round(1e6 / (enginePublishUs + nodes * engineCopyUs)).toLocaleString("en");
}

export function millionTable(report: Report, costs: ScalingCosts): string {
  const [redis, nats] = ENGINES.map(([engine]) => inputsOf(report, costs, engine)) as [Inputs, Inputs];
  const rows = demands.map((demand) => {
    const [byRedis, byNats] = [needOf(demand, redis), needOf(demand, nats)];
    return [
      demand.title,
      Math.round(byRedis.deliveriesPerSecond).toLocaleString("en"),
      byRedis.nodesPerTopic.toFixed(1),
      `${share(byRedis.nodeCores)}; ${share(byNats.nodeCores)}`,
      both(processesFor(byRedis.nodeCores), processesFor(byNats.nodeCores)),
      `${share(byRedis.engineCores)}; ${share(byNats.engineCores)}`,
      String(processesFor(byRedis.engineCores)),
    ];
  });
  return [
    "| 1,000,000 clients on 50 nodes | deliveries/s | nodes of a topic | a node: cores | workers | engine: cores | masters of Redis |",
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ...rows.map((cells) => `| ${cells.join(" | ")} |`),
  ].join("\n");
}

/** One sentence of what all of them need. */
export function commonNeeds(report: Report, costs: ScalingCosts): string {
  const inputs = inputsOf(report, costs, "redis");
  const { nodeBytes, returnMs } = needOf(demands[0]!, inputs);
  return `Each node has 20,000 clients in ${(nodeBytes / 1e6).toFixed(0)} MB. When one dies and they come back, each of the other 49 is busy with it for ${returnMs.toFixed(0)} ms.`;
}

function share(cores: number): string {
  return cores.toFixed(2);
}

function both(redis: number, nats: number): string {
  return redis === nats ? String(redis) : `${redis}; ${nats}`;
}
