/** How each kind of workload is measured: one server, one round. */

import { constants, deflateRawSync } from "node:zlib";
import type { Engine } from "./engines.js";
import { encodeFrame } from "#hawser/protocol/encoder.js";
import { TEXT } from "#hawser/protocol/opcodes.js";
import type { RecordableHistogram } from "node:perf_hooks";
import type { GroupPlan } from "./groups.js";
import type { Outcome } from "./generator.js";
import type { Load } from "./load.js";
import { masked, type Place, type Target } from "./opening.js";
import { type ServerName, type ServerProcess, serverKinds, type Usage } from "./server-process.js";

/** One round's figures. Times in microseconds, sizes in bytes, shares of one core from 0 to 1. */
export interface Round {
  /** Messages (deliveries, handshakes) per second. */
  rate?: number;
  /** The server's own CPU time for each of them, and the kernel's share of it: system calls, which cost every server about as much. */
  cpu?: number;
  kernelShare?: number;
  p50?: number;
  p99?: number;
  p999?: number;
  /** How long a client waited for an answer while others were a burden. */
  waitMedian?: number;
  waitWorst?: number;
  /** Resident memory of the server under this load. */
  rss?: number;
  /** Resident memory for each idle client, and what of it the runtime's heap counts. */
  rssPerClient?: number;
  heapPerClient?: number;
  /** Resident memory of the server at its highest. */
  peakRss?: number;
  /** Questions for messages that the hub had for its engine. */
  reads?: number;
  /** Changes to what the engine keeps, in five seconds. */
  changes?: number;
  /** From a fault until all is as it has to be, in milliseconds. */
  recovery?: number;
  /** Frames that a client is sent, as the mean and as the most that one of them is, and bytes. */
  frames?: number;
  mostFrames?: number;
  bytesPerClient?: number;
  /** How much of a core the server had, and each thread of the generator. */
  serverLoad?: number;
  generatorLoad?: number;
}

export interface Bench {
  readonly load: Load;
  readonly seconds: number;
  readonly warmUpSeconds: number;
}

export interface Subject {
  readonly name: ServerName;
  readonly server: ServerProcess;
  readonly compression: boolean;
  /** Null: it has none. */
  readonly engine: Engine | null;
}

export interface Traffic {
  readonly payload: string;
  readonly inFlight: number;
  /** Replies are counted by their frames also where their length is known: for servers among which one does not keep to a length. */
  readonly countsFrames?: boolean;
  /** A hub is not asked to answer the publisher: with an engine in between, the next message with this id could come before the answer. */
  readonly isUnanswered?: boolean;
  /** Members of each group; a fan-out is one group with its publisher outside. */
  readonly shape: { readonly fanOut: number } | { readonly groups: number; readonly members: number };
}

export async function measureTraffic(bench: Bench, subject: Subject, traffic: Traffic): Promise<Round> {
  const { load } = bench;
  const target = targetOf(subject);
  const plan = planOf(subject, traffic);
  try {
    const { shape } = traffic;
    if ("fanOut" in shape) await load.openFanOut(target, plan, shape.fanOut);
    else {
      const path = (group: number): string => (shape.members === 1 ? "/echo" : `/room/${group}`);
      const paths = Array.from({ length: shape.groups }, (_, group) => Array<string>(shape.members).fill(path(group)));
      await load.openGroups(target, plan, paths);
    }
    // Its client knows that it is connected a little before some servers have it subscribed.
    await sleep(100);
    return await measureRunning(bench, subject);
  } finally {
    await load.all("close");
  }
}

/** Messages at a fixed rate. */
export async function measurePaced(bench: Bench, subject: Subject, clients: number, perSecond: number): Promise<Round> {
  const { batch, replyBytes } = planOf(subject, { payload: text(64), inFlight: 1, shape: { groups: 1, members: 1 } });
  try {
    await bench.load.openPaced(targetOf(subject), batch, replyBytes!, clients, perSecond);
    const round = await measureRunning(bench, subject);
    // The generator waits for the next message by looking at the clock all the time.
    delete round.generatorLoad;
    return round;
  } finally {
    await bench.load.all("close");
  }
}

export async function measureRunning({ load, seconds, warmUpSeconds }: Bench, { server }: Subject): Promise<Round> {
  await load.all("start");
  await sleep(warmUpSeconds * 1000);
  const before = await server.usage();
  const generatorBefore = process.cpuUsage();
  await load.all("begin");
  await sleep(seconds * 1000);
  const outcome = await load.end();
  const generator = process.cpuUsage(generatorBefore);
  const after = await server.usage();
  return { ...roundOf(outcome, before, after), generatorLoad: coresOf(generator, outcome) / load.threads };
}

/** Messages without end, of so many clients. */
export interface Flood {
  readonly clients: number;
  /** Deflated, each 512 KiB of zeros in some 530 bytes. */
  readonly areBombs: boolean;
}

/** How long one client waits for its answers while others flood. */
export async function measureBystander({ load, seconds }: Bench, subject: Subject, flood: Flood): Promise<Round> {
  const one = planOf(subject, { payload: text(64), inFlight: 1, shape: { groups: 1, members: 1 } });
  const frame = flood.areBombs ? bombOf(subject) : one.batch;
  const bytes = Buffer.concat(Array.from({ length: Math.ceil(FLOOD_BYTES / frame.length) }, () => frame));
  const target = targetOf(subject);
  const long = Math.max(seconds, FLOOD_SECONDS);
  const { latency } = await load.askBeside(target, { clients: flood.clients, bytes }, one.batch, one.replyBytes, long);
  return { waitMedian: latency.percentile(50) / 1000, waitWorst: latency.max / 1000 };
}

const FLOOD_BYTES = 64 * 1024;
/** A wait of a second is to be seen in each round. */
const FLOOD_SECONDS = 2;
const BOMB_BYTES = 512 * 1024;

/** The largest message that Hawser takes, of zeros: as little as such a message can be on the wire. */
function bombOf({ name }: Subject): Buffer {
  const { dialect } = serverKinds[name];
  const [before, after] = dialect === "socketio" ? ['42["m","', '"]'] : ["", ""];
  const message = before + "0".repeat(BOMB_BYTES - before.length - after.length) + after;
  const deflated = deflateRawSync(message, { finishFlush: constants.Z_SYNC_FLUSH, level: 9 });
  // RFC 7692 7.2.1: without the four bytes that a flush ends with.
  return encodeFrame(TEXT, deflated.subarray(0, -4), { compressed: true, maskingKey: 0x12345678 });
}

/** So many clients, one after another but `atOnce` at a time. */
export async function measureStorm({ load }: Bench, subject: Subject, clients: number): Promise<Round> {
  await warmUp(load, subject, anywhere(clients));
  const before = await subject.server.usage();
  const generatorBefore = process.cpuUsage();
  try {
    const outcome = await load.openIdle(targetOf(subject), anywhere(clients), AT_ONCE);
    const generator = process.cpuUsage(generatorBefore);
    const after = await subject.server.usage();
    return { ...roundOf(outcome, before, after), generatorLoad: coresOf(generator, outcome) / load.threads };
  } finally {
    await load.all("close");
    // Hawser lets in no more than 10,000 new clients a second: the next round is to find none of this one's counted.
    await sleep(1000);
  }
}

/** What the first clients cost once: compiled code, and the young generation grown to its size. */
async function warmUp(load: Load, subject: Subject, places: readonly Place[]): Promise<void> {
  await load.openIdle(targetOf(subject), places, AT_ONCE);
  await load.all("close");
  await sleep(200);
}

/** Memory of idle clients, on a fresh server: how much more is resident with them than without, after a collection each time. */
export async function measureMemory(
  { load }: Bench,
  subject: Subject,
  clients: number,
  places: readonly Place[] = anywhere(clients),
  idleMs = 500,
): Promise<Round> {
  const target = targetOf(subject);
  const { server } = subject;
  try {
    // Fewer than are measured: memory that is free but kept by the process would hide what the clients take.
    await warmUp(load, subject, places.slice(0, 2000));
    const before = await server.usage("collect");
    await load.openIdle(target, places, AT_ONCE);
    await sleep(idleMs);
    const after = await server.usage("collect");
    return {
      rss: after.rss,
      rssPerClient: (after.rss - before.rss) / clients,
      heapPerClient: (after.heap - before.heap) / clients,
    };
  } finally {
    await load.all("close");
  }
}

/** What idle clients cost in CPU time: a ping each per `periodMs`, given as a share of a core at the default period. */
export async function measureHeartbeat(
  { load }: Bench,
  subject: Subject,
  clients: number,
  periodMs: number,
  periods: number,
): Promise<Round> {
  try {
    await load.openIdle(targetOf(subject), anywhere(clients), AT_ONCE);
    // The first pings come with code that is not compiled yet.
    await sleep(periodMs);
    const before = await subject.server.usage();
    await sleep(periodMs * periods);
    const after = await subject.server.usage();
    const pings = clients * periods;
    const cpu = (after.cpu - before.cpu) / pings;
    return { cpu, serverLoad: (cpu * clients) / (DEFAULT_PERIOD_MS * 1000), rss: after.rss };
  } finally {
    await load.all("close");
  }
}

/** Hawser's pingPeriodMs. */
export const DEFAULT_PERIOD_MS = 54_000;

export function text(bytes: number): string {
  return "x".repeat(bytes);
}

/** Handshakes that are under way at a time. */
export const AT_ONCE = 128;

export function anywhere(clients: number): string[] {
  return Array<string>(clients).fill("/echo");
}

export function targetOf({ name, server, compression }: Subject): Target {
  return { port: server.port, dialect: serverKinds[name].dialect, compression };
}

export function planOf(
  { name, compression }: Subject,
  { payload, inFlight, countsFrames = false, isUnanswered = false }: Traffic,
): GroupPlan {
  const { dialect, repliesMasked } = serverKinds[name];
  const argument = payload.startsWith("{") ? payload : JSON.stringify(payload);
  const message = {
    websocket: () => payload,
    // Its packet of an event with one argument: https://socket.io/docs/v4/socket-io-protocol/
    socketio: () => `42["m",${argument}]`,
    // With an id it is answered as well.
    "hawser.v1": (at: number) => `{"pub":"room:1",${isUnanswered ? "" : `"id":${at + 1},`}"d":${argument}}`,
  }[dialect];
  const requests = Array.from({ length: inFlight }, (_, at) => masked(message(at)));
  const reply = repliesMasked ? requests[0]!.length : encodeFrame(TEXT, message(0)).length;
  const isCounted = compression || countsFrames || dialect === "hawser.v1";
  return { batch: Buffer.concat(requests), inFlight, replyBytes: isCounted ? null : reply * inFlight };
}

export function roundOf({ messages, milliseconds, latency }: Outcome, before: Usage, after: Usage): Round {
  const cpu = after.cpu - before.cpu;
  return {
    rate: (messages * 1000) / milliseconds,
    cpu: cpu / messages,
    kernelShare: (after.kernel - before.kernel) / cpu,
    ...percentiles(latency),
    rss: after.rss,
    serverLoad: cpu / 1000 / milliseconds,
  };
}

function percentiles(latency: RecordableHistogram): Round {
  const at = (percent: number): number => latency.percentile(percent) / 1000;
  return { p50: at(50), p99: at(99), p999: at(99.9) };
}

export function coresOf({ user, system }: NodeJS.CpuUsage, { milliseconds }: Outcome): number {
  return (user + system) / 1000 / milliseconds;
}

export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
