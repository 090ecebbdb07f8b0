/** How many nodes, processors and engines so many clients need, from what one of each was measured to take: the tables of docs/scaling.md. */

import { medianOf, type Report } from "./results.js";

/** What `npm run bench:scaling` has found. CPU times in microseconds. */
export interface ScalingCosts {
  readonly date: string;
  readonly machine: string;
  readonly node: string;
  readonly client: {
    /** Of a client that connects and subscribes to three topics. */
    readonly arrivalUs: number;
    /** What of it stays on the node's heap. */
    readonly heapBytes: number;
  };
  readonly engines: Readonly<Record<EngineOfModel, EngineCosts>>;
}

export type EngineOfModel = "redis" | "nats";

export interface EngineCosts {
  /** By the number of nodes that got every message. */
  readonly at: Readonly<Record<number, EngineCostsAt>>;
}

/** For each publish. */
export interface EngineCostsAt {
  /** Of the node that publishes. */
  readonly publishUs: number;
  /** Of each node that gets it and hands it to one client. */
  readonly receiveUs: number;
  readonly engineUs: number;
}

/** How many nodes got the messages where it was measured. The first and the last make the line; the one between tests it. */
export const MEASURED_NODES = [1, 6, 16] as const;

export interface Inputs {
  /** A ping and its pong, and how often. */
  readonly pingUs: number;
  readonly pingPeriodS: number;
  /** One message to one more client. */
  readonly deliveryUs: number;
  /** A client in three topics, without the kernel's buffers. */
  readonly clientBytes: number;
  readonly arrivalUs: number;
  readonly publishUs: number;
  readonly receiveUs: number;
  readonly enginePublishUs: number;
  /** Of the engine, for each node that gets the message. */
  readonly engineCopyUs: number;
}

export function inputsOf(report: Report, costs: ScalingCosts, engine: EngineOfModel): Inputs {
  const { at } = costs.engines[engine];
  const [few, some, many] = MEASURED_NODES.map((nodes) => at[nodes]!) as [EngineCostsAt, EngineCostsAt, EngineCostsAt];
  const mean = (key: keyof EngineCostsAt): number => (few[key] + some[key] + many[key]) / 3;
  const [least, , most] = MEASURED_NODES;
  const engineCopyUs = (many.engineUs - few.engineUs) / (most - least);
  const memory = figure(report, "memory-10000");
  return {
    pingUs: figure(report, "heartbeat-10000").cpu!,
    pingPeriodS: 54,
    deliveryUs: figure(report, "fanout-1000-1").cpu!,
    clientBytes: memory.rssPerClient! - memory.heapPerClient! + costs.client.heapBytes,
    arrivalUs: costs.client.arrivalUs,
    publishUs: mean("publishUs"),
    receiveUs: mean("receiveUs"),
    enginePublishUs: few.engineUs - least * engineCopyUs,
    engineCopyUs,
  };
}

/** What the model says of the engine for the number of nodes that it was not made from, over what was measured. */
export function engineCheck(inputs: Inputs, costs: ScalingCosts, engine: EngineOfModel): number {
  const nodes = MEASURED_NODES[1];
  return (inputs.enginePublishUs + nodes * inputs.engineCopyUs) / costs.engines[engine].at[nodes]!.engineUs;
}

/** The clients of a whole system, spread evenly and by chance. */
export interface Demand {
  readonly title: string;
  readonly clients: number;
  readonly nodes: number;
  readonly topics: number;
  readonly topicsPerClient: number;
  /** In all topics together. */
  readonly publishesPerSecond: number;
}

export interface Need {
  readonly deliveriesPerSecond: number;
  /** Of a topic, how many nodes have at least one subscriber. */
  readonly nodesPerTopic: number;
  /** Processors that one node keeps busy, and its memory for clients. */
  readonly nodeCores: number;
  readonly nodeBytes: number;
  /** Processors that the engine keeps busy, in all its processes. */
  readonly engineCores: number;
  /** CPU time of each other node when one has died and its clients have come back. */
  readonly returnMs: number;
}

const US = 1e-6;

export function needOf(demand: Demand, inputs: Inputs): Need {
  const { clients, nodes, topics, topicsPerClient, publishesPerSecond } = demand;
  const subscribers = (clients * topicsPerClient) / topics;
  const deliveriesPerSecond = publishesPerSecond * subscribers;
  const nodesPerTopic = occupied(nodes, subscribers);
  const onNode = {
    idle: (clients / nodes / inputs.pingPeriodS) * inputs.pingUs,
    publish: (publishesPerSecond / nodes) * inputs.publishUs,
    receive: ((publishesPerSecond * nodesPerTopic) / nodes) * inputs.receiveUs,
    deliver: (deliveriesPerSecond / nodes) * inputs.deliveryUs,
  };
  return {
    deliveriesPerSecond,
    nodesPerTopic,
    nodeCores: (onNode.idle + onNode.publish + onNode.receive + onNode.deliver) * US,
    nodeBytes: (clients / nodes) * inputs.clientBytes,
    engineCores: publishesPerSecond * (inputs.enginePublishUs + nodesPerTopic * inputs.engineCopyUs) * US,
    returnMs: ((clients / nodes / (nodes - 1)) * inputs.arrivalUs) / 1000,
  };
}

/** How many of the nodes have somebody, of so many who are spread by chance. */
export function occupied(nodes: number, people: number): number {
  return nodes * (1 - (1 - 1 / nodes) ** people);
}

/** A processor is not to be busier than this: what is left is for bursts, collections and a node that is lost. */
const BUSY = 0.6;

/** Processes of one thread each that so much work takes. */
export function processesFor(cores: number): number {
  return Math.max(1, Math.ceil(cores / BUSY));
}

const MILLION = { clients: 1_000_000, nodes: 50 } as const;

export const demands: readonly Demand[] = [
  {
    title: "connected, and silent",
    ...MILLION,
    topics: 1_000_000,
    topicsPerClient: 1,
    publishesPerSecond: 0,
  },
  {
    title: "notifications: a topic for each, a message a minute",
    ...MILLION,
    topics: 1_000_000,
    topicsPerClient: 1,
    publishesPerSecond: 1_000_000 / 60,
  },
  {
    title: "chat: rooms of 50, each says something every 5 minutes",
    ...MILLION,
    topics: 20_000,
    topicsPerClient: 1,
    publishesPerSecond: 1_000_000 / 300,
  },
  {
    title: "one event for all, a message a second",
    ...MILLION,
    topics: 1,
    topicsPerClient: 1,
    publishesPerSecond: 1,
  },
  {
    title: "prices: 10 of 1,000 topics each, every topic once a second",
    ...MILLION,
    topics: 1_000,
    topicsPerClient: 10,
    publishesPerSecond: 1_000,
  },
];

function figure(report: Report, workload: string): ReturnType<typeof medianOf> {
  const result = report.workloads
    .find(({ name }) => name === workload)
    ?.results.find(({ server }) => server === "hawser");
  if (result === undefined) throw new Error(`the run has no ${workload} of Hawser`);
  return medianOf(result.rounds);
}
