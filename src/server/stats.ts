import type { Cause } from "./causes.js";
import type { RefusalReason } from "./refusal.js";

/** Totals since the server was made: plain integers, counted where things happen and read when somebody asks. */
export interface Stats {
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
}

export function emptyStats(): Stats {
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
  };
}

export function count<Name extends string>(totals: Partial<Record<Name, number>>, name: Name): void {
  totals[name] = (totals[name] ?? 0) + 1;
}
