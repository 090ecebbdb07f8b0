/** Where a server is. */
export interface RedisAddress {
  readonly host: string;
  /** @default 6379, of a Sentinel 26379 */
  readonly port: number;
}

/** What a URL says. */
export interface RedisUrl {
  readonly addresses: readonly RedisAddress[];
  readonly isTls: boolean;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly database: number;
  /** What Sentinels call the master; then the addresses are those of Sentinels. */
  readonly masterName: string | undefined;
}

const FORM = /^(rediss?)(\+sentinel)?:\/\/(?:([^:@/]*)(?::([^@/]*))?@)?([^@/?#]+)(?:\/([^/?#]*))?$/;
const HOST = /^(\[[0-9a-f:.]+\]|[^[\]:\s]+)(?::(\d{1,5}))?$/i;

/**
 * `redis://user:password@host:port/database`, with TLS `rediss://`; several nodes of a Cluster with commas between them. Sentinels are
 * `redis+sentinel://user:password@host:port,host:port/name-of-the-master`.
 * @returns undefined for what is none
 */
export function readRedisUrl(text: string): RedisUrl | undefined {
  const [, scheme, sentinel, username, password, hosts, path] = FORM.exec(text) ?? [];
  if (hosts === undefined) return undefined;
  const isSentinel = sentinel !== undefined;
  const addresses = hosts.split(",").map((host) => readAddress(host, isSentinel ? 26_379 : 6379));
  if (!addresses.every((address) => address !== undefined)) return undefined;
  if (isSentinel ? !path : !/^\d{0,5}$/.test(path ?? "")) return undefined;
  try {
    return {
      addresses,
      isTls: scheme === "rediss",
      username: decoded(username),
      password: decoded(password),
      database: isSentinel ? 0 : Number(path ?? 0),
      masterName: isSentinel ? decoded(path) : undefined,
    };
  } catch {
    // A percent sign that encodes nothing.
    return undefined;
  }
}

function readAddress(text: string, defaultPort: number): RedisAddress | undefined {
  const [, host, port] = HOST.exec(text) ?? [];
  const number = port === undefined ? defaultPort : Number(port);
  if (host === undefined || number < 1 || number > 65_535) return undefined;
  return { host: host.replace(/^\[|\]$/g, ""), port: number };
}

function decoded(text: string | undefined): string | undefined {
  return text === undefined || text === "" ? undefined : decodeURIComponent(text);
}

export function addressText({ host, port }: RedisAddress): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
