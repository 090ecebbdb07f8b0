import type { Cause } from "../api/causes.js";
import type { ClientEvent } from "./closing.js";
import type { SessionSettings } from "./session-context.js";

/** What a client's limits of time are counted from, in milliseconds that the process ran. */
export interface ClientTimes {
  /** When its silence has lasted too long; see `Heartbeat.silentAt`. */
  readonly silentAt: number;
  /** Since when bytes wait of which it has taken none; 0: none wait. */
  readonly stalledSince: number;
  /** When the message that is coming in began; 0: none is. */
  readonly messageSince: number;
  /** When a message last went in or out. */
  readonly activeAt: number;
  /** When it is too old; 0: never. */
  readonly expiresAt: number;
}

/** What is done with a client that has reached a limit. */
export interface TimeLimit {
  readonly event: Extract<ClientEvent, "cut" | "fail" | "leave">;
  readonly cause: Cause;
  readonly code: number;
  readonly reason: string;
  /** @returns Infinity: never, as things are */
  at(times: ClientTimes, settings: SessionSettings): number;
}

/** What comes first counts, where several are reached. */
const limits: readonly TimeLimit[] = [
  { event: "cut", cause: "heartbeat-timeout", code: 1006, reason: "", at: ({ silentAt }) => silentAt },
  {
    event: "cut",
    cause: "write-timeout",
    code: 1006,
    reason: "",
    at: ({ stalledSince }, { writeWaitMs }) => (stalledSince === 0 ? Infinity : stalledSince + writeWaitMs),
  },
  {
    event: "fail",
    cause: "message-timeout",
    code: 1008,
    reason: "the message took too long",
    at: ({ messageSince }, { messageTimeoutMs }) => (messageSince === 0 ? Infinity : messageSince + messageTimeoutMs),
  },
  {
    event: "leave",
    cause: "idle-timeout",
    code: 1000,
    reason: "idle",
    at: ({ activeAt }, { idleTimeoutMs }) => (idleTimeoutMs === 0 ? Infinity : activeAt + idleTimeoutMs),
  },
  {
    event: "leave",
    cause: "max-age",
    code: 1001,
    reason: "please reconnect",
    at: ({ expiresAt }) => (expiresAt === 0 ? Infinity : expiresAt),
  },
];

/** @returns the limit that is reached at `now`; where none is, the time when the next one will be */
export function checkTimeLimits(now: number, times: ClientTimes, settings: SessionSettings): TimeLimit | number {
  let next = Infinity;
  for (const limit of limits) {
    const at = limit.at(times, settings);
    if (now >= at) return limit;
    next = Math.min(next, at);
  }
  return next;
}
