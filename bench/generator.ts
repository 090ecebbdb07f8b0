/** A thread of the load generator: does what `load.ts` asks for, one request at a time. */

import { createHistogram, type RecordableHistogram } from "node:perf_hooks";
import { parentPort } from "node:worker_threads";
import { type Connection, openAll } from "./connection.js";
import { Crowd, type CrowdCounts } from "./crowd.js";
import { Asker, flood } from "./flood.js";
import { FrameCounter } from "./frame-counter.js";
import { Group, type GroupPlan } from "./groups.js";
import { masked, type Place, type Target } from "./opening.js";
import { Paced } from "./paced.js";
import { sleeping, spinning } from "./pacers.js";

export interface OpenGroups {
  readonly do: "groups";
  readonly target: Target;
  /** Where the publishers go, if that is another node. */
  readonly publishTo?: Target;
  /** Another node, which has as many members again. */
  readonly alsoAt?: Target | undefined;
  readonly plan: GroupPlan;
  /** Each a list of its members' paths and of its publishers' paths; null: the members publish, in turns. */
  readonly groups: readonly { members: readonly string[]; publishers: readonly string[] | null }[];
  /** Given where one group is spread over all threads; else each thread has groups of its own. */
  readonly shared: { waiting: SharedArrayBuffer; sentAt: SharedArrayBuffer; threads: number } | null;
}
export interface OpenPaced {
  readonly do: "paced";
  readonly target: Target;
  readonly paths: readonly string[];
  readonly frame: Buffer;
  readonly replyBytes: number;
  readonly perSecond: number;
}
/** One client publishes in room 1 of one node at a fixed rate, and another one gets it from another node. */
export interface OpenRelay {
  readonly do: "relay";
  readonly from: Target;
  readonly to: Target;
  readonly frame: Buffer;
  readonly perSecond: number;
}
export interface OpenIdle {
  readonly do: "idle";
  readonly target: Target;
  readonly places: readonly Place[];
  readonly atOnce: number;
}
/** Floods: each connection sends these bytes again and again. */
export interface OpenFlood {
  readonly do: "flood";
  readonly target: Target;
  readonly paths: readonly string[];
  readonly bytes: Buffer;
}
/** One client that asks and waits. */
export interface OpenAsker {
  readonly do: "ask";
  readonly target: Target;
  readonly question: Buffer;
  /** Null: not known, frames are counted. */
  readonly replyBytes: number | null;
}
/** Clients that are there already join one topic, one after another, and watch who else does. */
export interface JoinCrowd {
  readonly do: "crowd";
  readonly topic: string;
  readonly withinMs: number;
}
export type Request =
  | OpenGroups
  | OpenPaced
  | OpenRelay
  | OpenIdle
  | OpenFlood
  | OpenAsker
  | JoinCrowd
  | { readonly do: "start" | "begin" | "end" | "close" };

export interface Outcome {
  messages: number;
  milliseconds: number;
  latency: RecordableHistogram;
  crowd?: CrowdCounts;
}

export interface Answer {
  result?: Outcome | undefined;
  error?: string;
}

const SOCKETIO_PONG = masked("3");
/** Handshakes that a thread has under way at a time. */
const AT_ONCE = 64;

let connections: Connection[] = [];
let groups: Group[] = [];
let paced: Paced | null = null;
let startPaced: (() => Paced) | null = null;
let startFlood = (): void => {};
let asker: Asker | null = null;
let latency = createHistogram();
let isFirst = false;
let countedBefore = 0;
let since = 0;

parentPort!.on("message", (request: Request) => {
  void perform(request).then(
    (result) => answer({ result }),
    (error: Error) => answer({ error: error.message }),
  );
});

function answer(value: Answer): void {
  parentPort!.postMessage(value);
}

async function perform(request: Request): Promise<Outcome | undefined> {
  switch (request.do) {
    case "groups":
      await openGroups(request);
      return undefined;
    case "paced": {
      connections = await openAll(request.target, request.paths, AT_ONCE);
      const frame = Buffer.from(request.frame);
      const pairs = connections.map((one) => ({ from: one, to: one }));
      startPaced = () => new Paced(pairs, frame, request.replyBytes, request.perSecond, latency, spinning);
      return undefined;
    }
    case "relay": {
      const [to] = await openAll(request.to, ["/room/1"], 1);
      const [from] = await openAll(request.from, ["/publish/1"], 1);
      connections = [to!, from!];
      const frame = Buffer.from(request.frame);
      const pairs = [{ from: from!, to: to! }];
      // The engine is on the generator's cores: a generator that spins would have it wait for its turn, at each message.
      startPaced = () => new Paced(pairs, frame, null, request.perSecond, latency, sleeping);
      return undefined;
    }
    case "idle":
      return openIdle(request);
    case "flood": {
      connections = await openAll(request.target, request.paths, AT_ONCE);
      const bytes = Buffer.from(request.bytes);
      startFlood = () => connections.forEach((connection) => flood(connection, bytes));
      return undefined;
    }
    case "ask":
      await openAsker(request);
      return undefined;
    case "crowd": {
      const since = performance.now();
      const crowd = await new Crowd(connections, request.topic).join(request.withinMs);
      return { messages: connections.length, milliseconds: performance.now() - since, latency, crowd };
    }
    case "start":
      for (const group of groups) if (isFirst) group.publish();
      paced = startPaced?.() ?? null;
      startFlood();
      return undefined;
    case "begin":
      latency.reset();
      asker?.begin();
      countedBefore = delivered();
      since = performance.now();
      return undefined;
    case "end":
      asker?.end();
      return { messages: delivered() - countedBefore, milliseconds: performance.now() - since, latency };
    case "close":
      close();
      return undefined;
  }
}

async function openGroups({
  target,
  publishTo = target,
  alsoAt,
  plan,
  groups: plans,
  shared,
}: OpenGroups): Promise<void> {
  // What comes through postMessage is a plain Uint8Array.
  const ownPlan = { ...plan, batch: Buffer.from(plan.batch) };
  isFirst = true;
  for (const { members, publishers } of plans) {
    const opened = await openAll(target, members, AT_ONCE);
    if (alsoAt !== undefined) opened.push(...(await openAll(alsoAt, members, AT_ONCE)));
    connections.push(...opened);
    const outside = publishers === null ? null : await openAll(publishTo, publishers, AT_ONCE);
    connections.push(...(outside ?? []));
    const state =
      shared === null
        ? { waiting: Int32Array.of(1), sentAt: new Float64Array(1), threads: 1 }
        : {
            waiting: new Int32Array(shared.waiting),
            sentAt: new Float64Array(shared.sentAt),
            threads: shared.threads,
          };
    groups.push(new Group(ownPlan, state, opened, outside ?? opened, latency));
    // Of the threads that share a group, one sends the first batch.
    if (shared !== null) isFirst = Atomics.add(new Int32Array(shared.waiting), 1, 1) === 0;
  }
}

/** Clients that only answer pings. */
async function openIdle({ target, places, atOnce }: OpenIdle): Promise<Outcome> {
  const start = performance.now();
  latency.reset();
  const opened = await openAll(target, places, atOnce, (ms) => latency.record(Math.max(1, Math.round(ms * 1e6))));
  connections.push(...opened);
  for (const connection of opened) {
    connection.onBytes = (length, bytes) => {
      if (target.dialect === "socketio") connection.write(SOCKETIO_PONG);
      else answerPings(connection, bytes, length);
    };
  }
  return { messages: opened.length, milliseconds: performance.now() - start, latency };
}

async function openAsker({ target, question, replyBytes }: OpenAsker): Promise<void> {
  connections = await openAll(target, ["/echo"], 1);
  const counter = new FrameCounter();
  let missing = replyBytes ?? 1;
  const isAnswer = (length: number, bytes: Uint8Array): boolean => {
    missing -= replyBytes === null ? counter.count(bytes, length) : length;
    if (missing > 0) return false;
    missing = replyBytes ?? 1;
    return true;
  };
  asker = new Asker(connections[0]!, Buffer.from(question), isAnswer, latency);
}

/** Pings come one by one to an idle client, never cut. A masking key of zero leaves the payload as it is. */
function answerPings(connection: Connection, bytes: Uint8Array, length: number): void {
  for (let at = 0; at + 2 <= length; at += 2 + (bytes[at + 1]! & 127)) {
    if (bytes[at] !== 0x89) continue;
    const size = bytes[at + 1]!;
    const pong = Buffer.alloc(6 + size);
    pong[0] = 0x8a;
    pong[1] = 0x80 | size;
    pong.set(bytes.subarray(at + 2, at + 2 + size), 6);
    connection.write(pong);
  }
}

function delivered(): number {
  return groups.reduce((sum, group) => sum + group.delivered, paced?.delivered ?? asker?.answers ?? 0);
}

function close(): void {
  paced?.stop();
  paced = null;
  startPaced = null;
  startFlood = () => {};
  asker = null;
  for (const connection of connections) connection.end();
  connections = [];
  groups = [];
  latency = createHistogram();
}
