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
  /** When those waits are over, counted from the start of the audit, as is all that follows. */
  readonly waitsEndMs: number;
  /** When what is checked meanwhile, one after another, is over. */
  readonly serialEndsMs: number;
  /** When all is over but the server's own end. */
  readonly othersEndMs: number;
  /** When everything is over. What is not known by then is "not testable". */
  readonly allEndsMs: number;
}

/**
 * Quick is less than 20 s in all, with what the shutdown of a server that was started here takes. Otherwise there is as much time as a
 * busy machine may need: each check has its own limit, and these are for what forgets its own.
 */
export function budgetOf({ quick = false, waitMs = DEFAULT_WAIT_MS, exec }: AuditOptions): Budget {
  if (quick && exec === undefined)
    return { waitMs: 14_000, waitsEndMs: 14_000, serialEndsMs: 14_000, othersEndMs: 16_800, allEndsMs: 16_800 };
  if (quick)
    return { waitMs: 12_000, waitsEndMs: 12_000, serialEndsMs: 12_000, othersEndMs: 13_500, allEndsMs: 18_000 };
  const waitsEndMs = waitMs + 15_000;
  return {
    waitMs,
    waitsEndMs,
    serialEndsMs: waitsEndMs + 45_000,
    othersEndMs: waitsEndMs + 90_000,
    allEndsMs: waitsEndMs + 105_000,
  };
}
