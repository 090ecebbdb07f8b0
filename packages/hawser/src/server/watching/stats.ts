import { inspect } from "node:util";
import type { Cause } from "../api/causes.js";
import type { HandlerName } from "../api/client.js";
import type { RefusalReason } from "../api/refusal.js";
import { DurationCounter } from "../base/durations.js";
import { refuseChange } from "../base/read-only.js";

/**
 * Totals since the server was made, as they are at the time of reading: to be read alone, and to be cloned and sent as they are. The lists
 * and the totals by word (`closed`, `refused`) are copies.
 */
export type Stats = ReadOnly<Counters>;

/** Numbers and what is made of them, to be read. */
type ReadOnly<Value> = Value extends readonly unknown[]
  ? Readonly<Value>
  : Value extends object
    ? {
        readonly [Key in keyof Value as Value[Key] extends (...args: never) => unknown ? never : Key]: ReadOnly<
          Value[Key]
        >;
      }
    : Value;

/** Plain numbers, counted where things happen. */
export interface Counters {
  opened: number;
  refused: Partial<Record<RefusalReason, number>>;
  closed: Partial<Record<Cause, number>>;
  /** Handshakes whose client went away while `authenticate` ran. */
  aborted: number;
  /** Requests that were not HTTP, too long or too slow. */
  httpErrors: number;
  messagesIn: number;
  messagesOut: number;
  /** Payload bytes of messages, before compression. */
  bytesIn: number;
  bytesOut: number;
  /** Messages that were not sent because a client was too slow. */
  dropped: number;
  /** Times that the client that held most of what waits had to make room for others. */
  gaveWay: number;
  /** Calls of `publish`. */
  published: number;
  /** Messages that these sent or queued: one for each client that gets it. They are in `messagesOut`, too. */
  deliveries: number;
  /** Pings of the heartbeat, and how long those that were answered took to come back. */
  pings: number;
  roundTrips: DurationCounter;
  /** How long the handlers took; of messages in a flood, a sample (see docs/metrics.md). */
  handlerTimes: Record<HandlerName, DurationCounter>;
  /** Handlers that threw or whose promises were rejected. */
  handlerErrors: Record<HandlerName, number>;
}

/** A ping is timed in whole milliseconds. One that takes longer than the longest pongWaitMs in use has no answer. */
const ROUND_TRIP_BOUNDS_MS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000];

/** From a relay, which takes a few microseconds, to a handler that waits for a database which is not well. */
const HANDLER_BOUNDS_MS = [0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000, 30_000];

export function emptyStats(): Counters {
  const durations = (): DurationCounter => new DurationCounter(HANDLER_BOUNDS_MS);
  return {
    opened: 0,
    refused: {},
    closed: {},
    aborted: 0,
    httpErrors: 0,
    messagesIn: 0,
    messagesOut: 0,
    bytesIn: 0,
    bytesOut: 0,
    dropped: 0,
    gaveWay: 0,
    published: 0,
    deliveries: 0,
    pings: 0,
    roundTrips: new DurationCounter(ROUND_TRIP_BOUNDS_MS),
    handlerTimes: { open: durations(), message: durations(), drain: durations(), close: durations() },
    handlerErrors: { open: 0, message: 0, drain: 0, close: 0 },
  };
}

/** What the application sees of counters. Members that tell what is there now, and no proxy: that can be cloned by nobody. */
export function statsOf(counters: Counters): Stats {
  return viewOf(counters) as Stats;
}

function viewOf(live: object): object {
  const members: PropertyDescriptorMap = {};
  for (const [name, value] of Object.entries(live) as [keyof typeof live, unknown][]) {
    const isMade = typeof value === "object" && !Array.isArray(value) && Object.keys(value!).length > 0;
    const inner = isMade ? viewOf(value!) : null;
    members[name] = { get: () => inner ?? frozen(live[name]), set: refuseChange, enumerable: true };
  }
  if (live instanceof DurationCounter) {
    members["count"] = { get: () => live.count, set: refuseChange, enumerable: true };
  }
  const view = Object.defineProperties({}, members);
  // Else `console.log` says of each member that it has a getter.
  Object.defineProperty(view, inspect.custom, { value: (_: number, options: object) => inspect({ ...view }, options) });
  return Object.freeze(view);
}

/** A number as it is. Which words a record has, time tells: it is copied, as lists are. */
function frozen(value: unknown): unknown {
  return Object.freeze(Array.isArray(value) ? value.slice() : typeof value === "object" ? { ...value } : value);
}

export function count<Name extends string>(totals: Partial<Record<Name, number>>, name: Name): void {
  totals[name] = (totals[name] ?? 0) + 1;
}
