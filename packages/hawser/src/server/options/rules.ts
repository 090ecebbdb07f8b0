import { isToken } from "../../protocol/tokens.js";
import { headerFault } from "../api/headers.js";
import type { ServerOptions } from "../api/options.js";
import { isProxyEntry, UNIX } from "../handshake/address.js";
import { hostAdvice, isHostEntry } from "../handshake/host.js";
import { isOrigin, originAdvice } from "../handshake/origin.js";

/**
 * Every option, as data: what kind of value it takes, its range, its default and one line of help. `resolveOptions` checks
 * against it; the command line derives its flags, `HAWSER_*` variables, config keys and `--help` from it; a test holds
 * docs/options.md against it. The long form of each line is the docstring in `options.ts`.
 */

/** `integer` has a range; `list` is of strings; `function` and `object` exist in the API alone. */
export type OptionKind = "integer" | "boolean" | "string" | "list" | "choice" | "function" | "object";

export type OptionGroup =
  | "Identity"
  | "Deadlines and heartbeat"
  | "Sizes and backlog"
  | "Fairness"
  | "Upgrade"
  | "Compression"
  | "Limits on clients"
  | "HTTP"
  | "Shutdown"
  | "Logging"
  | "Handlers";

export interface OptionRule {
  readonly kind: OptionKind;
  readonly group: OptionGroup;
  /** What it does, one line, no full stop. */
  readonly help: string;
  /** Undefined: there is none, or it follows from another option (`defaultText` says how). */
  readonly default?: number | boolean | string | readonly string[];
  /** The default in words where the value alone would mislead. */
  readonly defaultText?: string;
  readonly unit?: "milliseconds" | "bytes";
  readonly min?: number;
  readonly max?: number;
  readonly choices?: readonly string[];
  /** For strings and lists: what one value looks like, as the end of a sentence, and the check itself. */
  readonly form?: string;
  readonly accepts?: (value: string) => boolean;
  /** What to write in place of a value that was refused, as the end of a sentence, where that can be told. */
  readonly advice?: (value: string) => string | undefined;
  /** For lists of `Name: value`: an object may be given as well. */
  readonly orRecord?: true;
  /** For lists: the one entry that may also stand for a list of itself. */
  readonly orAlone?: string;
  /** For objects: what it has to have. */
  readonly members?: Readonly<Record<string, "function" | "text">>;
}

/** A rule is missing, or one too many, unless the two agree. */
export type OptionName = keyof ServerOptions;

const NONE: readonly string[] = Object.freeze([]);
const DAY_MS = 86_400_000;
const KIB = 1024;
const MIB = 1024 * KIB;

function milliseconds(group: OptionGroup, value: number | undefined, help: string, min = 10): OptionRule {
  return {
    kind: "integer",
    unit: "milliseconds",
    group,
    help,
    min,
    max: DAY_MS,
    ...(value === undefined ? {} : { default: value }),
  };
}

function bytes(group: OptionGroup, value: number, help: string, min: number, max: number): OptionRule {
  return { kind: "integer", unit: "bytes", group, help, default: value, min, max };
}

function count(group: OptionGroup, value: number, help: string, min: number, max: number): OptionRule {
  return { kind: "integer", group, help, default: value, min, max };
}

function handler(group: OptionGroup, help: string): OptionRule {
  return { kind: "function", group, help };
}

export const optionRules: Readonly<Record<OptionName, OptionRule>> = {
  generateId: handler("Identity", "makes the id of a new client"),
  trustProxy: {
    kind: "list",
    group: "Identity",
    help: "a proxy whose X-Forwarded-For is believed",
    default: NONE,
    form: 'an IP address, a CIDR range such as 10.0.0.0/8, but not of all addresses, or "unix" for a Unix socket',
    accepts: isProxyEntry,
    orAlone: UNIX,
  },

  pongWaitMs: milliseconds("Deadlines and heartbeat", 60_000, "read timeout: a client not heard for so long is gone"),
  pingPeriodMs: {
    ...milliseconds("Deadlines and heartbeat", undefined, "time between pings; below pongWaitMs"),
    defaultText: "9/10 of pongWaitMs",
  },
  writeWaitMs: milliseconds(
    "Deadlines and heartbeat",
    10_000,
    "write timeout: bytes queued and no progress for so long",
  ),
  messageTimeoutMs: milliseconds("Deadlines and heartbeat", 60_000, "from a message's first byte to its last"),
  handshakeTimeoutMs: milliseconds("Deadlines and heartbeat", 10_000, "authenticate has to finish within"),
  closeTimeoutMs: milliseconds("Deadlines and heartbeat", 5_000, "the peer has to answer a close frame within"),
  idleTimeoutMs: milliseconds("Deadlines and heartbeat", 0, "close a client without messages for so long; 0: never", 0),
  maxAgeMs: milliseconds("Deadlines and heartbeat", 0, "close a client that is so old, less up to 10 %; 0: never", 0),

  maxMessageBytes: bytes(
    "Sizes and backlog",
    512 * KIB,
    "largest message taken, after decompression too",
    1,
    1024 * MIB,
  ),
  maxBacklogBytes: bytes("Sizes and backlog", MIB, "most bytes that wait for one slow client", KIB, 1024 * MIB),
  maxTotalBacklogBytes: bytes(
    "Sizes and backlog",
    256 * MIB,
    "most bytes that wait for all slow clients",
    KIB,
    65_536 * MIB,
  ),
  maxTotalIncomingBytes: {
    kind: "integer",
    unit: "bytes",
    group: "Sizes and backlog",
    help: "most bytes of messages that have come in part, of all clients",
    min: KIB,
    max: 65_536 * MIB,
    defaultText: "134217728, or twice maxMessageBytes",
  },
  overflow: {
    kind: "choice",
    group: "Sizes and backlog",
    help: "what happens to a client past its backlog",
    default: "close",
    choices: ["close", "drop-newest", "drop-oldest", "latest-per-key"],
  },
  portableSockets: {
    kind: "boolean",
    group: "Sizes and backlog",
    help: "use sockets through Node's documented API alone, slower",
    default: false,
  },

  maxMessagesPerTurn: count(
    "Fairness",
    512,
    "messages handled for one client before others have their turn",
    1,
    1_000_000,
  ),
  maxControlFramesPerSecond: count(
    "Fairness",
    100,
    "pings answered each; ten times as many close the client",
    1,
    1_000_000,
  ),

  path: {
    kind: "string",
    group: "Upgrade",
    help: "the only path that takes WebSockets",
    defaultText: "every path",
    form: 'a path that begins with "/"',
    accepts: (value) => /^\/[^\s?#]*$/.test(value),
  },
  allowedOrigins: {
    kind: "list",
    group: "Upgrade",
    help: "an origin whose pages may connect, besides the server's own",
    default: NONE,
    form: 'an origin such as https://example.com, or "null"; for all of them see dangerouslyAllowAnyOrigin',
    accepts: isOrigin,
    advice: originAdvice,
  },
  allowedHosts: {
    kind: "list",
    group: "Upgrade",
    help: "a host name by which pages may reach the server, besides localhost and IP addresses",
    default: NONE,
    defaultText: "any, or on a loopback address its own",
    form: "a host name such as chat.example.com or chat.example.com:8443, or .example.com for it and all below it",
    accepts: isHostEntry,
    advice: hostAdvice,
  },
  dangerouslyAllowAnyOrigin: {
    kind: "string",
    group: "Upgrade",
    help: "the reason why pages of any site may connect (cross-site hijacking)",
    form: "the reason, in words",
    accepts: (value) => value.trim().length >= 3,
  },
  subprotocols: {
    kind: "list",
    group: "Upgrade",
    help: "a subprotocol the server speaks, best first",
    default: NONE,
    form: "a token (RFC 9110 5.6.2)",
    accepts: isToken,
  },
  responseHeaders: {
    kind: "list",
    group: "Upgrade",
    help: 'an extra header of the 101 response, "Name: value"',
    default: NONE,
    form: '"Name: value" without control characters, and none that the handshake sets itself',
    accepts: isResponseHeader,
    orRecord: true,
  },
  authenticate: handler("Upgrade", "decides who may connect and makes client.data"),
  data: handler("Upgrade", "makes the first value of client.data, without authenticate"),
  refusalBody: handler("Upgrade", "the body of a refused handshake's response"),

  compression: {
    kind: "boolean",
    group: "Compression",
    help: "negotiate permessage-deflate (RFC 7692)",
    default: false,
  },
  compressionContextTakeover: {
    kind: "boolean",
    group: "Compression",
    help: "keep the window between messages: smaller, and up to 64 KiB more memory a client",
    default: false,
  },
  compressionLevel: count("Compression", 3, "zlib's level, 1 fastest to 9 smallest", 1, 9),
  compressionMemLevel: count("Compression", 8, "zlib's memory level", 1, 9),
  compressionThresholdBytes: bytes("Compression", KIB, "shorter messages go uncompressed", 0, 1024 * MIB),
  compressionServerWindowBits: count("Compression", 15, "log2 of our largest window", 8, 15),
  compressionClientWindowBits: count(
    "Compression",
    15,
    "log2 of the client's largest window, where it lets us choose",
    8,
    15,
  ),

  maxClients: count("Limits on clients", 65_536, "clients in all; more get 503", 1, 10_000_000),
  maxClientsPerAddress: {
    ...count(
      "Limits on clients",
      0,
      "clients of one address (IPv6: one /64); more get 429; 0: no limit",
      0,
      10_000_000,
    ),
  },
  maxClientsPerHttp2Session: count("Limits on clients", 64, "clients of one HTTP/2 connection; more get 429", 1, 1_000),
  maxHandshakesPerSecond: count("Limits on clients", 10_000, "new clients a second; more get 503", 1, 10_000_000),
  maxPendingHandshakes: count(
    "Limits on clients",
    1_024,
    "handshakes that wait for authenticate; more get 503",
    1,
    1_000_000,
  ),

  headersTimeoutMs: milliseconds("HTTP", 15_000, "a request's headers have to be here within"),
  requestTimeoutMs: milliseconds("HTTP", 15_000, "a whole request has to be here within"),
  responseTimeoutMs: milliseconds("HTTP", 15_000, "a response that makes no progress for so long is cut"),
  keepAliveTimeoutMs: milliseconds("HTTP", 60_000, "an idle HTTP connection is closed after"),
  maxHeaderBytes: bytes("HTTP", 16 * KIB, "largest request head; more gets 431", KIB, MIB),
  tls: {
    kind: "object",
    group: "HTTP",
    help: "certificate and key: serve wss://",
    members: { cert: "text", key: "text" },
  },
  http2: { kind: "boolean", group: "HTTP", help: "WebSockets over HTTP/2 as well (RFC 8441)", default: false },
  request: handler("HTTP", "answers plain HTTP requests on the same port"),

  shutdownGraceMs: milliseconds("Shutdown", 5_000, "clients still there so long after the shutdown began are cut", 0),

  logger: {
    kind: "object",
    group: "Logging",
    help: "a pino logger, or one of that shape",
    members: { debug: "function", info: "function", warn: "function", error: "function" },
  },
  logLevel: {
    kind: "choice",
    group: "Logging",
    help: "lowest level that is logged",
    default: "info",
    choices: ["trace", "debug", "info", "warn", "error", "fatal", "silent"],
  },
  clock: {
    kind: "object",
    group: "Handlers",
    help: "the time, for tests",
    members: { now: "function", every: "function" },
  },

  open: handler("Handlers", "a client has connected"),
  message: handler("Handlers", "a message has arrived"),
  drain: handler("Handlers", "a slow client has taken its whole backlog"),
  close: handler("Handlers", "a client is gone, and why"),
};

function isResponseHeader(value: string): boolean {
  const colon = value.indexOf(":");
  return colon > 0 && headerFault(value.slice(0, colon), value.slice(colon + 1)) === null;
}
