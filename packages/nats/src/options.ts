import {
  type Authenticator,
  credsAuthenticator,
  type NatsConnection,
  nkeyAuthenticator,
  nkeys,
  type TlsOptions,
} from "@nats-io/transport-node";
import { OptionError, UsageError } from "hawser";
import { isLoopback } from "hawser/tools";

/** One of `url` and `connection`. Checked by `natsBroker`. Durations are in milliseconds. */
export interface NatsBrokerOptions {
  /** `nats://user:password@host:4222`, or `nats://token@host`; with TLS `tls://`. Several servers of one cluster stand in a row, with commas. */
  readonly url?: string | undefined;
  /**
   * Instead of `url`: a connection of `@nats-io/transport-node`, which stays its owner's, with `maxReconnectAttempts: -1`; or a function that makes
   * one. The function is called again whenever a connection is lost, and what it made is closed.
   */
  readonly connection?: NatsConnection | (() => NatsConnection | Promise<NatsConnection>) | undefined;
  /** The text of a `.creds` file: a JWT and the seed of its key. */
  readonly creds?: string | undefined;
  /** The seed of an NKey: `SU…`. */
  readonly nkey?: string | undefined;
  /** Certificates by path or as text, and `handshakeFirst`. @default those of Node, where the server asks for TLS or the URL begins with tls: */
  readonly tls?: TlsOptions | undefined;
  /** What all subjects and streams begin with. Hubs with different prefixes know nothing of each other. @default "hawser" */
  readonly prefix?: string | undefined;
  /** False: a server without JetStream is meant. Then topics have no history, and nobody is told who is there. @default true */
  readonly jetstream?: boolean | undefined;
  /** Where streams are kept that this broker makes. @default "file" */
  readonly storage?: "file" | "memory" | undefined;
  /** On how many servers of a cluster each stream is kept that this broker makes: 1 to 5. @default 1 */
  readonly replicas?: number | undefined;
  /** The most bytes that messages take in a stream that this broker makes: then a publish is refused. @default no bound */
  readonly maxBytes?: number | undefined;
  /** For how long the key of a publish is remembered. @default 300000 */
  readonly keyWindowMs?: number | undefined;
  /** NATS has to answer within: then every promise is settled. @default 2000 */
  readonly timeoutMs?: number | undefined;
  /**
   * For how long a topic that nothing is published to has its position: clients that come back later are told that they missed something. Its last
   * messages take room in the stream for up to twice as long, though nobody is given those older than the topic's `ttlMs`. @default 86400000
   */
  readonly positionMs?: number | undefined;
  /** What this node is called by others. @default a random word */
  readonly node?: string | undefined;
  /** A reason, where a server on another machine is to be used without TLS or without a password. The safe way is `tls://` with a password. @default refused */
  readonly dangerouslyAllowInsecureUrl?: string | undefined;
}

export interface ServerAddress {
  readonly host: string;
  readonly port: number;
}

/** How servers are reached. */
export interface NatsServers {
  readonly addresses: readonly ServerAddress[];
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly token: string | undefined;
  readonly authenticator: Authenticator | undefined;
  /** Undefined: only if the server asks for it. */
  readonly tls: TlsOptions | undefined;
}

/** The same with everything in place. */
export interface ResolvedNatsOptions {
  readonly servers: NatsServers | undefined;
  readonly connection: NatsBrokerOptions["connection"];
  readonly prefix: string;
  readonly jetstream: boolean;
  readonly storage: "file" | "memory";
  readonly replicas: number;
  readonly maxBytes: number;
  readonly keyWindowMs: number;
  readonly timeoutMs: number;
  readonly positionMs: number;
  readonly node: string | undefined;
}

export const natsOptionNames: ReadonlySet<string> = new Set<keyof NatsBrokerOptions>([
  "url",
  "connection",
  "creds",
  "nkey",
  "tls",
  "prefix",
  "jetstream",
  "storage",
  "replicas",
  "maxBytes",
  "keyWindowMs",
  "timeoutMs",
  "positionMs",
  "node",
  "dangerouslyAllowInsecureUrl",
]);

const DEFAULT_PORT = 4222;
const DAY_MS = 86_400_000;

/** @throws OptionError, UsageError */
export function resolveNatsOptions(options: NatsBrokerOptions): ResolvedNatsOptions {
  for (const name of Object.keys(options)) {
    if (!natsOptionNames.has(name)) throw new UsageError(`natsBroker has no option ${name}`);
  }
  const { url, connection, prefix = "hawser", jetstream = true, storage = "file", replicas = 1, maxBytes } = options;
  const { keyWindowMs = 300_000, timeoutMs = 2_000, positionMs = DAY_MS, node } = options;
  if ((url === undefined) === (connection === undefined))
    throw new UsageError("natsBroker needs either url or connection");
  if (connection !== undefined && typeof connection !== "function" && typeof connection.publish !== "function") {
    throw new OptionError(
      "connection",
      connection,
      "a connection of @nats-io/transport-node, or a function that makes one",
    );
  }
  // Streams have it in their names, and subjects as a token.
  if (typeof prefix !== "string" || !/^[\w-]{1,100}$/.test(prefix)) {
    throw new OptionError("prefix", prefix, "1 to 100 letters, digits and the signs - _");
  }
  if (typeof jetstream !== "boolean") throw new OptionError("jetstream", jetstream, "true or false");
  if (storage !== "file" && storage !== "memory") throw new OptionError("storage", storage, '"file" or "memory"');
  checkNumber("replicas", replicas, 1, 5);
  if (maxBytes !== undefined) checkNumber("maxBytes", maxBytes, 1024, 2 ** 50);
  checkNumber("keyWindowMs", keyWindowMs, 100, DAY_MS);
  checkNumber("timeoutMs", timeoutMs, 200, 60_000);
  checkNumber("positionMs", positionMs, 1000, 365 * DAY_MS);
  if (node !== undefined && (typeof node !== "string" || node === "" || Buffer.byteLength(node) > 255)) {
    throw new OptionError("node", node, "a name of 1 to 255 bytes");
  }
  return Object.freeze({
    servers: url === undefined ? undefined : serversOf(options),
    connection,
    prefix,
    jetstream,
    storage,
    replicas,
    maxBytes: maxBytes ?? -1,
    keyWindowMs,
    timeoutMs,
    positionMs,
    node,
  });
}

function checkNumber(name: string, value: unknown, min: number, max: number): void {
  if (!Number.isSafeInteger(value) || (value as number) < min || (value as number) > max) {
    throw new OptionError(name, value, `a whole number from ${min} to ${max}`);
  }
}

const URL_FORMS =
  "nats://host:port or tls://host:port, with user:password@ or token@ in front of the host, several with commas";

/** Messages do not say what was given: there is a password in it. */
function serversOf({ url, creds, nkey, tls, dangerouslyAllowInsecureUrl: reason }: NatsBrokerOptions): NatsServers {
  if (reason !== undefined && (typeof reason !== "string" || reason === "")) {
    throw new OptionError("dangerouslyAllowInsecureUrl", reason, "a reason, as text that is not empty");
  }
  if (typeof url !== "string") throw new OptionError("url", url, URL_FORMS);
  const urls = url.split(",").map(readUrl);
  const addresses = urls.map(({ host, port }) => ({ host, port }));
  const { user, password } = urls.find((each) => each.user !== undefined) ?? {};
  const isTls = tls !== undefined || urls.every(({ scheme }) => scheme === "tls");
  const authenticator = authenticatorOf(creds, nkey);
  const hasCredentials = authenticator !== undefined || user !== undefined || hasCertificate(tls);
  const isNear = addresses.every(({ host }) => host === "localhost" || isLoopback(host));
  if (!isNear && reason === undefined && !(isTls && hasCredentials)) {
    const lacks = isTls ? "a password" : hasCredentials ? "TLS" : "TLS and a password";
    throw new UsageError(
      `url: another machine without ${lacks}; tls://user:password@… is the safe way, dangerouslyAllowInsecureUrl takes a reason`,
    );
  }
  return {
    addresses,
    user: password === undefined ? undefined : user,
    password,
    token: password === undefined ? user : undefined,
    authenticator,
    tls: isTls ? (tls ?? {}) : undefined,
  };
}

interface ServerUrl extends ServerAddress {
  readonly scheme: "nats" | "tls";
  readonly user: string | undefined;
  readonly password: string | undefined;
}

function readUrl(text: string): ServerUrl {
  const found = /^(nats|tls):\/\/(?:([^@/]*)@)?([^@/?#]+)\/?$/.exec(text.trim());
  const fault = (): OptionError => new OptionError("url", "…", URL_FORMS);
  if (found === null) throw fault();
  const [, scheme, credentials, server] = found;
  try {
    const [user, password] = credentials === undefined ? [] : credentials.split(":").map(decodeURIComponent);
    // The scheme is one whose hosts are read as they are.
    const { hostname, port } = new URL(`http://${server}`);
    const host = hostname.replace(/^\[|\]$/g, "");
    const isPort80 = port === "" && server!.endsWith(":80");
    return {
      scheme: scheme as "nats" | "tls",
      host,
      port: isPort80 ? 80 : Number(port || DEFAULT_PORT),
      user,
      password,
    };
  } catch {
    throw fault();
  }
}

function authenticatorOf(creds: unknown, nkey: unknown): Authenticator | undefined {
  if (creds !== undefined && nkey !== undefined) throw new UsageError("natsBroker takes either creds or nkey");
  if (creds !== undefined) {
    if (typeof creds !== "string" || !creds.includes("BEGIN NATS USER JWT")) {
      throw new OptionError("creds", "…", "the text of a .creds file");
    }
    return credsAuthenticator(Buffer.from(creds));
  }
  if (nkey === undefined) return undefined;
  if (!isSeed(nkey)) throw new OptionError("nkey", "…", "the seed of a user's NKey, SU…");
  return nkeyAuthenticator(Buffer.from(nkey));
}

function isSeed(nkey: unknown): nkey is string {
  if (typeof nkey !== "string" || !nkey.startsWith("SU")) return false;
  try {
    nkeys.fromSeed(Buffer.from(nkey));
    return true;
  } catch {
    return false;
  }
}

function hasCertificate(tls: TlsOptions | undefined): boolean {
  return tls?.cert !== undefined || tls?.certFile !== undefined;
}
