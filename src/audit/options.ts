/** What `audit` takes, and what its checks see. */

export interface AuditOptions {
  /** Done in less than 20 seconds; what takes longer to tell is "not testable". @default false */
  readonly quick?: boolean;
  /** Longest wait for a deadline of the server's, in milliseconds; not in quick mode. @default 95000 */
  readonly waitMs?: number;
  /** Starts the server: a command for the shell. */
  readonly exec?: string;
  /** Sent with every handshake. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Offered with every handshake. */
  readonly subprotocol?: string;
  /** Origin of every handshake. @default none, or the server's own where it takes none without */
  readonly origin?: string;
  /** Told what happens, a line at a time. */
  readonly log?: (line: string) => void;
}

/**
 * Node looks for slow headers each 30 s and cuts those that are older than 60 s, so its default is seen after up to 90 s.
 */
const DEFAULT_WAIT_MS = 95_000;

export interface Budget {
  /** No wait for a deadline of the server's is longer. */
  readonly waitMs: number;
  /** When those waits are over, counted from the start of the audit. */
  readonly waitsEndMs: number;
  /** When everything is over. What is not known by then is "not testable". */
  readonly allEndsMs: number;
}

/** Quick is less than 20 s in all, with what the shutdown of a server that was started here takes. */
export function budgetOf({ quick = false, waitMs = DEFAULT_WAIT_MS, exec }: AuditOptions): Budget {
  if (quick) return { waitMs: 14_000, waitsEndMs: exec === undefined ? 14_000 : 13_000, allEndsMs: 16_800 };
  return { waitMs, waitsEndMs: waitMs + 15_000, allEndsMs: waitMs + 60_000 };
}
