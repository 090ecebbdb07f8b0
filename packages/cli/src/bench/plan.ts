/** What a run does, as data: it goes to the threads as it is. */
import type { Header } from "../tools/headers.js";
import type { Target } from "../tools/target.js";

export type LoadName =
  /** Each connection sends, and waits for its own message to come back. */
  | "echo"
  /** In each room one connection publishes, and the others count what comes. */
  | "fanout"
  /** Connections are opened and closed, one after another. */
  | "storm";

export interface Plan {
  readonly target: Target;
  readonly load: LoadName;
  /** For a storm: how many may be under way at a time. */
  readonly connections: number;
  /** Messages (for a storm: handshakes) per second in all, on a schedule that is fixed in advance. Null: each waits for an answer. */
  readonly rate: number | null;
  /** Without a rate: messages under way for each connection, or for each room. */
  readonly inFlight: number;
  /** Payload of a message, in bytes. */
  readonly size: number;
  readonly isBinary: boolean;
  readonly durationMs: number;
  /** Before it; not counted. */
  readonly warmUpMs: number;
  readonly threads: number;
  /** More than one: each has a path of its own, the URL's with /1, /2, ... behind it. */
  readonly rooms: number;
  /** Sent by each connection once it is open. */
  readonly subscribe: string | null;
  readonly subprotocols: readonly string[];
  readonly headers: readonly Header[];
  readonly dangerouslyAcceptAnyCertificate: boolean;
  /** For a handshake, in milliseconds. */
  readonly timeoutMs: number;
}

/** A connection's part in the run. */
export interface Member {
  readonly id: number;
  readonly room: number;
  readonly isPublisher: boolean;
}

/** In a fan-out, the first connection of each room publishes. */
export function members(plan: Plan): Member[] {
  return Array.from({ length: plan.connections }, (_, id) => ({
    id,
    room: id % plan.rooms,
    isPublisher: plan.load !== "fanout" || id < plan.rooms,
  }));
}

/** Publishers and listeners are each dealt to the threads in turn, so that no thread has all the work. */
export function membersOf(plan: Plan, thread: number): Member[] {
  const all = members(plan);
  const deal = (some: Member[]): Member[] => some.filter((_, at) => at % plan.threads === thread);
  return [...deal(all.filter((member) => member.isPublisher)), ...deal(all.filter((member) => !member.isPublisher))];
}

/** The target as the members of a room use it. */
export function targetOf(plan: Plan, room: number): Target {
  if (plan.rooms === 1) return plan.target;
  const url = new URL(plan.target.url);
  url.pathname = `${url.pathname.replace(/\/$/, "")}/${room + 1}`;
  return { ...plan.target, url, path: `${url.pathname}${url.search}` };
}
