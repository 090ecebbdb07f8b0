import { constants } from "node:buffer";
import type { IncomingMessage, OutgoingHttpHeaders, Server as HttpServer } from "node:http";
import type { Server as HttpsServer } from "node:https";
import type { ServerOptions as EngineOptions } from "../server/api/options.js";
import type { ResolvedOptions } from "../server/api/resolved-options.js";
import { optionRules } from "../server/options/rules.js";
import { resolveOptions } from "../server/options/resolve.js";
import { OptionError } from "../server/base/usage-error.js";
import { defaultLogger } from "../server/watching/default-logger.js";
import { type PerMessageDeflateOptions, toDeflateOptions } from "./deflate-options.js";
import type { WebSocket } from "./websocket.js";

export type VerifyClientCallbackSync<Request extends IncomingMessage = IncomingMessage> = (info: {
  origin: string;
  secure: boolean;
  req: Request;
}) => boolean;

export type VerifyClientCallbackAsync<Request extends IncomingMessage = IncomingMessage> = (
  info: { origin: string; secure: boolean; req: Request },
  callback: (res: boolean, code?: number, message?: string, headers?: OutgoingHttpHeaders) => void,
) => void;

/** What of the library's own options there is here as well, by the same names. Those in `UNLIMITED` take Infinity, too. */
export const SAFETY = [
  "allowedOrigins", "allowedHosts", "dangerouslyAllowAnyOrigin", "trustProxy", "pongWaitMs", "pingPeriodMs", "writeWaitMs",
  "messageTimeoutMs", "handshakeTimeoutMs", "idleTimeoutMs", "maxAgeMs", "maxBacklogBytes", "maxTotalBacklogBytes",
  "maxTotalIncomingBytes", "overflow", "maxMessagesPerTurn", "maxControlFramesPerSecond", "maxClients", "maxClientsPerAddress",
  "maxHandshakesPerSecond", "maxPendingHandshakes", "headersTimeoutMs", "requestTimeoutMs", "responseTimeoutMs",
  "keepAliveTimeoutMs", "maxHeaderBytes", "portableSockets", "logger", "logLevel", "clock",
] as const; // oxfmt-ignore

type SafetyName = (typeof SAFETY)[number];

/** Those that may be Infinity: no limit. The library's own API takes none. */
const UNLIMITED: readonly SafetyName[] = [
  "pongWaitMs", "pingPeriodMs", "writeWaitMs", "messageTimeoutMs", "handshakeTimeoutMs", "maxBacklogBytes",
  "maxTotalBacklogBytes", "maxTotalIncomingBytes", "maxControlFramesPerSecond", "maxClients", "maxHandshakesPerSecond",
  "maxPendingHandshakes",
]; // oxfmt-ignore

/** A program that was written for `ws` sends what it has in one loop, and asks nobody whether it has left. */
const MAX_BACKLOG_BYTES = 16 * 1024 * 1024;
export const CLOSE_TIMEOUT_MS = 30_000;
/** Largest message, in bytes: the default of the engine. */
export const MAX_PAYLOAD: number = Number(optionRules.maxMessageBytes.default);

/** What `new WebSocketServer` takes: the options of `ws`, and those of the library's own that keep a server safe. */
export interface ServerOptions<
  Socket extends typeof WebSocket = typeof WebSocket,
  Request extends typeof IncomingMessage = typeof IncomingMessage,
> extends Pick<EngineOptions, SafetyName> {
  host?: string | undefined;
  port?: number | undefined;
  /** Connections that may wait to be accepted. @default 511 */
  backlog?: number | undefined;
  server?: HttpServer<Request> | HttpsServer<Request> | undefined;
  noServer?: boolean | undefined;
  /** The only path that takes WebSockets. @default every path */
  path?: string | undefined;
  verifyClient?:
    | VerifyClientCallbackAsync<InstanceType<Request>>
    | VerifyClientCallbackSync<InstanceType<Request>>
    | undefined;
  /** Chooses the subprotocol. @default the client's favourite */
  handleProtocols?: ((protocols: Set<string>, request: InstanceType<Request>) => string | false) | undefined;
  /** Whether there is `clients`. @default true */
  clientTracking?: boolean | undefined;
  /** @default false */
  perMessageDeflate?: boolean | PerMessageDeflateOptions | undefined;
  /** Largest message in bytes; 0: no limit. @default 524288 */
  maxPayload?: number | undefined;
  /** How long a client may take to answer a close frame, in milliseconds. @default 30000 */
  closeTimeout?: number | undefined;
  /** @default true */
  allowSynchronousEvents?: boolean | undefined;
  /** @default true */
  autoPong?: boolean | undefined;
  /** Without effect: what fragments and chunks cost is bounded in bytes. */
  maxBufferedChunks?: number | undefined;
  maxFragments?: number | undefined;
  /** Without effect: see maxControlFramesPerSecond. */
  maxPendingAutoPongs?: number | undefined;
  /** Without effect: text is always checked. */
  skipUTF8Validation?: boolean | undefined;
  /** The class of the clients, one that extends `WebSocket`. */
  WebSocket?: Socket | undefined;
  /** A pino logger or one of that shape. @default pino, JSON lines to standard error */
  logger?: EngineOptions["logger"];
  /** @default "warn" */
  logLevel?: EngineOptions["logLevel"];
  /** What no `error` listener hears, and what a listener throws, is thrown: most often that ends the process. @default false */
  throwUnhandled?: boolean | undefined;
}

/** The engine's options of those of `ws`. @throws OptionError for one of the library's own that cannot be */
export function engineOptions(
  given: ServerOptions,
  handlers: Pick<EngineOptions<object>, "authenticate" | "open" | "refusalBody" | "request">,
): ResolvedOptions<object> {
  const own: Record<string, unknown> = {};
  const unlimited: Record<string, unknown> = {};
  for (const name of SAFETY) {
    const value = given[name];
    if (value === Infinity && UNLIMITED.includes(name)) unlimited[name] = Infinity;
    else if (value !== undefined) own[name] = value;
  }
  if (given.pongWaitMs === Infinity) unlimited["pingPeriodMs"] = Infinity;
  if (given.maxBacklogBytes === Infinity) unlimited["maxTotalBacklogBytes"] ??= own["maxTotalBacklogBytes"] ?? Infinity;
  const { closeTimeout = CLOSE_TIMEOUT_MS } = given;
  // As `ws` has it, digits do as well.
  const asked: unknown = given.maxPayload;
  if (asked !== undefined) {
    const maxPayload = Number(asked);
    if (Number.isNaN(maxPayload)) throw new OptionError("maxPayload", asked, "a number of bytes");
    // 0 and less are no limit.
    const maxMessageBytes = maxPayload > 0 ? maxPayload : constants.MAX_LENGTH;
    unlimited["maxMessageBytes"] = maxMessageBytes;
    if (given.maxTotalIncomingBytes === undefined)
      unlimited["maxTotalIncomingBytes"] = Math.max(128 * 1024 * 1024, 2 * maxMessageBytes);
  }
  const resolved = resolveOptions<object>({
    maxBacklogBytes: MAX_BACKLOG_BYTES,
    logLevel: "warn",
    ...own,
    ...compressionOf(given.perMessageDeflate),
    ...handlers,
  });
  // Not to standard output: that is the program's.
  const logger = resolved.logger ?? defaultLogger(resolved.logLevel, "stderr");
  return Object.freeze({ ...resolved, ...unlimited, logger, closeTimeoutMs: closeTimeout });
}

function compressionOf(given: boolean | PerMessageDeflateOptions | undefined): EngineOptions<object> {
  if (!given) return {};
  const options = toDeflateOptions(given === true ? {} : given);
  return {
    compression: true,
    compressionContextTakeover: options.contextTakeover,
    compressionLevel: options.level,
    compressionMemLevel: options.memLevel,
    compressionThresholdBytes: options.thresholdBytes,
    compressionServerWindowBits: options.serverMaxWindowBits,
    compressionClientWindowBits: options.clientMaxWindowBits,
  };
}
