import type { Agenda } from "./agenda.js";
import { LiveError } from "./errors.js";

/** A token that never changes, or what gets one: `null` when nobody is signed in. */
export type TokenSource = string | (() => string | null | Promise<string | null>);

/** How long a token may take. */
const PATIENCE_MS = 30_000;
/** How many refused tokens are remembered. */
const MOST_REFUSED = 16;

/** The token in use, those that were refused, and the one way to a new one. */
export interface Tokens {
  /** Whether there can be another one than that in use. */
  readonly renewable: boolean;
  /** There will be none any more: `signed-out`, or `unauthorized` if the only one there is was refused. */
  readonly over: string | undefined;
  /**
   * The token to say hello with: the last one while it is good.
   * @throws LiveError if there is no new one, and what the application's function throws
   */
  readonly get: () => Promise<string | undefined>;
  /** A new one. Whoever asks while one is on its way gets the same. @throws as `get` does */
  readonly renew: () => Promise<string | undefined>;
  /** The server took the last one, and says for how long it is good. */
  accepted(ttlMs: number | undefined): void;
  /** The server did not take the last one, or no longer takes that in use: it is never sent again. */
  refused(wasInUse: boolean): void;
}

export function createTokens(source: TokenSource | undefined, { now, after }: Agenda): Tokens {
  const renewable = typeof source === "function";
  const refused = new Set<string | undefined>();
  let last: string | undefined;
  let inUse: string | undefined;
  let goodUntil = Infinity;
  let over: string | undefined;
  let pending: Promise<string | undefined> | undefined;

  async function ask(): Promise<string | undefined> {
    const token = renewable ? await inTime(source()) : source;
    const isNew = !refused.has(token!) && !(renewable && token === inUse);
    if (token !== null && isNew) {
      goodUntil = Infinity;
      return (last = token);
    }
    if (token === null) over = "signed-out";
    else if (!renewable) over = "unauthorized";
    throw new LiveError("token");
  }

  function inTime<T>(promise: T | Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const cancel = after(PATIENCE_MS, () => reject(new LiveError("token")));
      void Promise.resolve(promise).then(resolve, reject).finally(cancel);
    });
  }

  function renew(): Promise<string | undefined> {
    return (pending ??= ask().finally(() => (pending = undefined)));
  }

  return {
    renewable,
    get over() {
      return over;
    },
    renew,
    get: async () => (last !== undefined && now() < goodUntil ? last : renew()),
    accepted(ttlMs = Infinity) {
      inUse = last;
      goodUntil = now() + ttlMs;
    },
    refused(wasInUse) {
      const token = wasInUse ? inUse : last;
      refused.add(token);
      if (refused.size > MOST_REFUSED) refused.delete([...refused][0]);
      // While one ended, a newer one may have come.
      if (last === token) last = undefined;
    },
  };
}

/** When to get a new token, for one that is good for so long: well before its end, but not in the first half of its life. */
export function refreshAfter(ttlMs: number): number {
  return ttlMs - Math.min(ttlMs / 2, Math.max(ttlMs / 10, 30_000));
}
