/** What came out of a run, as `--json` prints it. */
import { nameOf } from "../tools/target.js";
import { type Bucket, buckets, merge, type Percentiles, percentiles } from "./histogram.js";
import type { LoadName, Plan } from "./plan.js";
import type { Tally } from "./tally.js";

export interface Report {
  readonly url: string;
  readonly load: LoadName;
  readonly subprotocol: string;
  readonly connections: number;
  readonly rooms: number;
  readonly threads: number;
  readonly messageBytes: number;
  readonly messageType: "text" | "binary";
  /** Asked for, per second; null: closed loop. */
  readonly rate: number | null;
  /** Null: open loop. */
  readonly inFlight: number | null;
  /** What was measured; less than asked for where the run ended early. */
  readonly seconds: number;
  readonly warmUpSeconds: number;
  /** Messages in the time that is measured; for a storm, handshakes begun and finished. */
  readonly messages: {
    readonly sent: number;
    readonly received: number;
    readonly sentPerSecond: number;
    readonly receivedPerSecond: number;
    /** Due in that time, and without an answer 2 s after its end. */
    readonly unanswered: number;
  };
  /** From the first message to the last, subscriptions among them: what the server's own counters have. */
  readonly total: {
    readonly sent: number;
    readonly received: number;
    /** Messages that were none of ours, or other people's copies of them. */
    readonly foreign: number;
    /** In a fan-out: messages that some listener did not get, each counted once for every one of these. */
    readonly missing: number | null;
  };
  /** Payload in millions of bytes. */
  readonly throughput: { readonly sentMBPerSecond: number; readonly receivedMBPerSecond: number };
  /** Null: none was measured. */
  readonly latencyMs: Percentiles | null;
  readonly histogram: readonly Bucket[];
  readonly handshakeMs: Percentiles | null;
  /** In an open loop: messages that were due at the end of the time and had no answer yet. */
  readonly backlog: number | null;
  readonly opened: number;
  readonly closes: readonly { readonly code: number; readonly reason: string; readonly count: number }[];
  readonly errors: readonly { readonly kind: string; readonly count: number }[];
  readonly generator: {
    /** The busiest thread's share of a core, 0 to 1; waiting for what is due next is no work. */
    readonly busy: number;
    /** Processor time of all threads, in cores. */
    readonly cpuCores: number;
    /** In an open loop: how late it was with what was due. */
    readonly lagMs: Percentiles | null;
    /** The figures are the generator's own limit as much as the server's: it had no time left, or was late with what was due. */
    readonly isLimit: boolean;
  };
  readonly wasInterrupted: boolean;
  /** What went wrong, in one line; null: nothing. */
  readonly problem: string | null;
}

export interface Circumstances {
  readonly subprotocol: string;
  readonly cpuCores: number;
  readonly wasInterrupted: boolean;
}

/** A thread that is busier has no time left to send what is due, or to see when an answer came. */
export const BUSY_LIMIT = 0.9;
/** One that had something to do nearly all the time, and no processor for it. */
const OCCUPIED_LIMIT = 0.97;
/** One that is later than this with one message of a hundred is not measuring the server alone. */
const LAG_LIMIT_MS = 10;

export function makeReport(plan: Plan, tallies: readonly Tally[], circumstances: Circumstances): Report {
  const sum = (pick: (tally: Tally) => number): number => tallies.reduce((total, tally) => total + pick(tally), 0);
  const perSecond = (pick: (tally: Tally) => number): number =>
    round(sum((tally) => (pick(tally) * 1000) / tally.windowMs));
  const latency = merge(tallies.map((tally) => tally.latency));
  const lag = plan.rate === null ? null : percentiles(merge(tallies.map((tally) => tally.lag)));
  const busy = round(Math.max(...tallies.map((tally) => tally.busy)));
  const occupied = Math.max(...tallies.map((tally) => tally.occupied));
  const report: Omit<Report, "problem"> = {
    url: nameOf(plan.target),
    load: plan.load,
    subprotocol: circumstances.subprotocol,
    connections: plan.connections,
    rooms: plan.rooms,
    threads: plan.threads,
    messageBytes: plan.size,
    messageType: plan.isBinary ? "binary" : "text",
    rate: plan.rate,
    inFlight: plan.rate === null ? plan.inFlight : null,
    seconds: round(Math.max(...tallies.map((tally) => tally.windowMs)) / 1000),
    warmUpSeconds: plan.warmUpMs / 1000,
    messages: {
      sent: sum((tally) => tally.sent),
      received: sum((tally) => tally.received),
      sentPerSecond: perSecond((tally) => tally.sent),
      receivedPerSecond: perSecond((tally) => tally.received),
      unanswered: sum((tally) => tally.unanswered),
    },
    total: {
      sent: sum((tally) => tally.totalSent),
      received: sum((tally) => tally.totalReceived),
      foreign: sum((tally) => tally.foreign),
      missing: plan.load === "fanout" ? missing(plan, tallies) : null,
    },
    throughput: {
      sentMBPerSecond: perSecond((tally) => tally.sentBytes / 1e6),
      receivedMBPerSecond: perSecond((tally) => tally.receivedBytes / 1e6),
    },
    latencyMs: percentiles(latency),
    histogram: buckets(latency),
    handshakeMs: percentiles(merge(tallies.map((tally) => tally.handshake))),
    backlog: plan.rate === null ? null : sum((tally) => tally.backlog),
    opened: sum((tally) => tally.opened),
    closes: add(tallies.map((tally) => tally.closes)).map(([name, count]) => ({
      code: Number(name.slice(0, 4)),
      reason: name.slice(5),
      count,
    })),
    errors: add(tallies.map((tally) => tally.errors)).map(([kind, count]) => ({ kind, count })),
    generator: {
      busy,
      cpuCores: round(circumstances.cpuCores),
      lagMs: lag,
      isLimit: busy > BUSY_LIMIT || occupied > OCCUPIED_LIMIT || (lag?.p99 ?? 0) > LAG_LIMIT_MS,
    },
    wasInterrupted: circumstances.wasInterrupted,
  };
  return { ...report, problem: problemOf(report) };
}

/** What was published should have come to each listener of the room. */
function missing({ rooms }: Plan, tallies: readonly Tally[]): number {
  const inRoom = (of: "published" | "delivered" | "listeners", room: number): number =>
    tallies.reduce((total, tally) => total + (tally[of][room] ?? 0), 0);
  let all = 0;
  for (let room = 0; room < rooms; room++)
    all += inRoom("published", room) * inRoom("listeners", room) - inRoom("delivered", room);
  return Math.max(0, all);
}

/** By name, the most frequent first. */
function add(all: readonly Readonly<Record<string, number>>[]): [name: string, count: number][] {
  const total = new Map<string, number>();
  for (const [name, count] of all.flatMap((one) => Object.entries(one)))
    total.set(name, (total.get(name) ?? 0) + count);
  return [...total].toSorted(([, a], [, b]) => b - a);
}

function problemOf(report: Omit<Report, "problem">): string | null {
  const { errors, closes, load, messages, total, wasInterrupted } = report;
  const failed = errors.reduce((sum, { count }) => sum + count, 0);
  const ended = closes.reduce((sum, { count }) => sum + count, 0);
  const [worst, first] = [errors[0], closes[0]];
  if (worst !== undefined)
    return `${failed} ${failed === 1 ? "connection" : "connections"} could not be opened: ${worst.kind}${hint(worst.kind)}`;
  if (first !== undefined)
    return `${ended} ${ended === 1 ? "connection" : "connections"} ended during the run: ${closeText(first)}`;
  if (load === "echo" && messages.received === 0 && total.received === 0 && !wasInterrupted)
    return "no message came back: is it an echo server? --load fanout is for rooms and broadcasts";
  if (load === "fanout" && messages.received === 0 && total.received === 0 && !wasInterrupted)
    return "no message reached a listener: does the server send to everyone? --subscribe TEXT is for those that want to be asked";
  return null;
}

function hint(kind: string): string {
  if (kind === "EMFILE") return ", too many open files: see ulimit -n";
  return kind === "EADDRNOTAVAIL" ? ", no free port left: see --rate and --connections" : "";
}

export function closeText({ code, reason }: { code: number; reason: string }): string {
  return reason === "" ? String(code) : `${code} ${reason}`;
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
