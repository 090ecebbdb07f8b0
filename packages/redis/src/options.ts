import type { ConnectionOptions } from "node:tls";
import { type Clock, OptionError, systemClock, UsageError } from "hawser";
import { isLoopback } from "hawser/tools";
import { type RedisAddress, readRedisUrl, type RedisUrl } from "./address.js";
import type { RedisClient } from "./redis-client.js";

/** One of `url` and `client`. Checked by `redisBroker`. */
export interface RedisBrokerOptions {
  /**
   * `redis://user:password@host:6379`, with TLS `rediss://`. Of a Cluster it is enough to name one node; several, with commas between them, are
   * asked in turn. Sentinels: `redis+sentinel://user:password@host:26379,host:26379/name-of-the-master`.
   */
  readonly url?: string | undefined;
  /**
   * Instead of `url`: a client of `@redis/client` or `redis` that is not connected, or a function that makes one for an address; it is asked
   * without an address for the first one. What it is made with is taken over, the client itself is left alone.
   */
  readonly client?: RedisClient | ((address?: RedisAddress) => RedisClient) | undefined;
  /** What Sentinels ask for themselves, where that differs from what Redis asks for. @default the user and password of the URL */
  readonly sentinel?: { readonly username?: string | undefined; readonly password?: string | undefined } | undefined;
  /** Certificates and so on, as `tls.connect` takes them. @default those of Node */
  readonly tls?: ConnectionOptions | undefined;
  /** What all keys and channels begin with. Hubs with different prefixes know nothing of each other. @default "hawser" */
  readonly prefix?: string | undefined;
  /** For how long the key of a publish is remembered. @default 300000 */
  readonly keyWindowMs?: number | undefined;
  /** Redis has to answer within: then every promise is settled, and a server that says nothing is given up. @default 2000 */
  readonly timeoutMs?: number | undefined;
  /** Where a server is reached that Sentinels or a Cluster call by this address: for networks that translate addresses. @default as it is */
  readonly mapAddress?: ((address: RedisAddress) => RedisAddress) | undefined;
  /** What this node is called by others. @default a random word */
  readonly node?: string | undefined;
  /** A reason, where a server on another machine is to be used without TLS or without a password. The safe way is `rediss://` with a password. @default refused */
  readonly dangerouslyAllowInsecureUrl?: string | undefined;
  /** The time, for tests. @default the system's */
  readonly clock?: Clock | undefined;
}

/** The same with everything in place. */
export interface ResolvedRedisOptions {
  /** Undefined with a client of the user's own. */
  readonly url: RedisUrl | undefined;
  readonly client: RedisClient | ((address?: RedisAddress) => RedisClient) | undefined;
  readonly sentinel: { readonly username: string | undefined; readonly password: string | undefined };
  readonly tls: ConnectionOptions;
  readonly prefix: string;
  readonly keyWindowMs: number;
  readonly timeoutMs: number;
  readonly mapAddress: (address: RedisAddress) => RedisAddress;
  readonly node: string | undefined;
  readonly clock: Clock;
}

export const redisOptionNames: ReadonlySet<string> = new Set<keyof RedisBrokerOptions>([
  "url",
  "client",
  "sentinel",
  "tls",
  "prefix",
  "keyWindowMs",
  "timeoutMs",
  "mapAddress",
  "node",
  "dangerouslyAllowInsecureUrl",
  "clock",
]);

/** @throws OptionError, UsageError */
export function resolveRedisOptions(options: RedisBrokerOptions): ResolvedRedisOptions {
  for (const name of Object.keys(options)) {
    if (!redisOptionNames.has(name)) throw new UsageError(`redisBroker has no option ${name}`);
  }
  const {
    client,
    sentinel,
    tls = {},
    prefix = "hawser",
    keyWindowMs = 300_000,
    timeoutMs = 2_000,
    mapAddress,
  } = options;
  if ((options.url === undefined) === (client === undefined)) {
    throw new UsageError("redisBroker needs either url or client");
  }
  const url = options.url === undefined ? undefined : urlOf(options.url, options);
  checkFunction("mapAddress", mapAddress);
  if (client !== undefined && typeof client !== "function" && typeof client.duplicate !== "function") {
    throw new OptionError("client", client, "a client of @redis/client, or a function that makes one");
  }
  // Braces are what a Cluster finds the slot by, and the partition stands in them.
  if (typeof prefix !== "string" || !/^[\w.:/-]{1,100}$/.test(prefix)) {
    throw new OptionError("prefix", prefix, "1 to 100 letters, digits and the signs . : / - _");
  }
  checkMilliseconds("keyWindowMs", keyWindowMs, 1, 86_400_000);
  checkMilliseconds("timeoutMs", timeoutMs, 200, 60_000);
  return Object.freeze({
    url,
    client,
    sentinel: {
      username: sentinel === undefined ? url?.username : sentinel.username,
      password: sentinel === undefined ? url?.password : sentinel.password,
    },
    tls,
    prefix,
    keyWindowMs,
    timeoutMs,
    mapAddress: mapAddress ?? ((address: RedisAddress) => address),
    node: options.node,
    clock: options.clock ?? systemClock,
  });
}

const URL_FORMS =
  "redis://host:port or rediss://host:port, with user:password@ in front of the host, other signs than letters and digits as %40; redis+sentinel://host:port/name for Sentinels";

/** Messages do not say what was given: there is a password in it. */
function urlOf(given: unknown, { dangerouslyAllowInsecureUrl: reason }: RedisBrokerOptions): RedisUrl {
  const url = typeof given === "string" ? readRedisUrl(given) : undefined;
  if (url === undefined) throw new OptionError("url", typeof given === "string" ? "…" : given, URL_FORMS);
  if (reason !== undefined && (typeof reason !== "string" || reason === "")) {
    throw new OptionError("dangerouslyAllowInsecureUrl", reason, "a reason, as text that is not empty");
  }
  const isSafe = url.isTls && url.password !== undefined;
  const isNear = url.addresses.every(({ host }) => host === "localhost" || isLoopback(host));
  if (!isSafe && !isNear && reason === undefined) {
    const lacks = url.isTls ? "a password" : url.password === undefined ? "TLS and a password" : "TLS";
    throw new UsageError(
      `url: another machine without ${lacks}; rediss://user:password@… is the safe way, dangerouslyAllowInsecureUrl takes a reason`,
    );
  }
  return url;
}

function checkMilliseconds(name: string, value: number, min: number, max: number): void {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return;
  throw new OptionError(name, value, `a whole number of milliseconds from ${min} to ${max}`);
}

function checkFunction(name: string, value: unknown): void {
  if (value !== undefined && typeof value !== "function") throw new OptionError(name, value, "a function");
}
