import { type Clock, systemClock } from "../../server/base/clock.js";
import { OptionError, UsageError } from "../../server/base/usage-error.js";
import { isOperation, type OperationName, operations } from "./operations.js";

/** A key that is for some of the operations. */
export interface HubKey {
  /** 16 to 256 letters, digits and - . _ ~ + / =. */
  readonly key: string;
  readonly may: readonly OperationName[];
}

export interface HubHttpOptions {
  /** What callers have to show. Several, so that one can take the place of another: a text is for all operations. */
  key: string | HubKey | readonly (string | HubKey)[];
  /** Where the API is. @default "/hub" */
  base?: string | undefined;
  /** The most that a request's body has. @default 1048576 */
  maxBodyBytes?: number | undefined;
  /** The most requests of callers with a key that are worked on at a time. @default 100 */
  maxRequests?: number | undefined;
  /** A body has to be here within. @default 10000 */
  bodyTimeoutMs?: number | undefined;
  /** The hub has to have answered within. @default 5000 */
  timeoutMs?: number | undefined;
  /** Told of a wrong key, of whatever address shows it. @default nobody */
  onKeyRefused?: ((address: string) => void) | undefined;
  /** Told what went wrong where callers learn only that something did. @default the hub's log, as `hub-error` */
  onFailure?: ((operation: OperationName, error: unknown) => void) | undefined;
  /** @default the system's */
  clock?: Clock | undefined;
}

export interface ResolvedHubHttpOptions {
  readonly keys: readonly HubKey[];
  readonly base: string;
  readonly maxBodyBytes: number;
  readonly maxRequests: number;
  readonly bodyTimeoutMs: number;
  readonly timeoutMs: number;
  readonly onKeyRefused: (address: string) => void;
  readonly onFailure: (operation: OperationName, error: unknown) => void;
  readonly clock: Clock;
}

type NumberName = "maxBodyBytes" | "maxRequests" | "bodyTimeoutMs" | "timeoutMs";

/** The range of each number, and what it is when it is not given. */
export const hubHttpNumbers: Readonly<
  Record<NumberName, { readonly min: number; readonly max: number; readonly initial: number }>
> = {
  maxBodyBytes: { min: 1024, max: 64 * 1024 * 1024, initial: 1024 * 1024 },
  maxRequests: { min: 1, max: 100_000, initial: 100 },
  bodyTimeoutMs: { min: 100, max: 300_000, initial: 10_000 },
  timeoutMs: { min: 100, max: 300_000, initial: 5000 },
};

const names: ReadonlySet<string> = new Set<keyof HubHttpOptions>([
  "key",
  "base",
  "maxBodyBytes",
  "maxRequests",
  "bodyTimeoutMs",
  "timeoutMs",
  "onKeyRefused",
  "onFailure",
  "clock",
]);

const ALL = Object.keys(operations) as OperationName[];

/** @throws OptionError, UsageError */
export function resolveHubHttpOptions(options: HubHttpOptions): ResolvedHubHttpOptions {
  for (const name of Object.keys(options)) if (!names.has(name)) throw new UsageError(`there is no option "${name}"`);
  const { base = "/hub", onKeyRefused = () => {}, onFailure = () => {}, clock = systemClock } = options;
  if (typeof base !== "string" || !/^(?:\/[\w.~-]+)+$/.test(base)) {
    throw new OptionError("base", base, "a path such as /hub, without a slash at its end");
  }
  const given = Array.isArray(options.key) ? (options.key as readonly (string | HubKey)[]) : [options.key];
  if (given.length === 0) throw new UsageError("key: takes one key or more");
  return Object.freeze({
    keys: given.map((key) => keyOf(key as string | HubKey)),
    base,
    maxBodyBytes: numberOf("maxBodyBytes", options),
    maxRequests: numberOf("maxRequests", options),
    bodyTimeoutMs: numberOf("bodyTimeoutMs", options),
    timeoutMs: numberOf("timeoutMs", options),
    onKeyRefused,
    onFailure,
    clock,
  });
}

/** Messages do not say what was given: it is a secret. */
function keyOf(given: string | HubKey): HubKey {
  const { key, may } = typeof given === "string" ? { key: given, may: ALL } : (given ?? {});
  // RFC 6750 2.1, and long enough that nobody guesses it.
  if (typeof key !== "string" || !/^[\w.~+/-]{16,256}={0,2}$/.test(key)) {
    throw new UsageError("key: takes 16 to 256 letters, digits and - . _ ~ + /, random ones");
  }
  const names: readonly unknown[] = Array.isArray(may) ? may : [];
  if (names.length === 0 || !names.every(isOperation)) {
    throw new UsageError(`key: may takes a list of ${ALL.join(", ")}`);
  }
  return { key, may: names };
}

function numberOf(name: NumberName, options: HubHttpOptions): number {
  const { min, max, initial } = hubHttpNumbers[name];
  const value = options[name] ?? initial;
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new OptionError(name, value, `a whole number from ${min} to ${max}`);
  }
  return value;
}
