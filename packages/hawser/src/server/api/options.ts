import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock } from "../base/clock.js";
import type { Message } from "../sending/message.js";
import type { OverflowPolicy } from "../sending/overflow.js";
import type { Disconnect } from "./causes.js";
import type { Client, HandlerName, HandlerResult } from "./client.js";
import type { ExtraHeaders } from "./headers.js";
import type { Logger, LogLevel } from "./logger.js";
import type { RefusalReason } from "./refusal.js";
import type { UpgradeRequest } from "./upgrade-request.js";

/**
 * All optional, and undefined is the same as left out. Durations are in milliseconds, sizes in bytes. Checked by `createServer`, which
 * throws `OptionError`.
 */
export interface ServerOptions<Data = undefined> {
  /** Makes the id of a new client; has to be unique among those connected. @default crypto.randomUUID() */
  generateId?: ((request: UpgradeRequest) => string) | undefined;
  /**
   * IP addresses and CIDR ranges of the proxies in front, or `"unix"` for whoever connects to a Unix socket. Only a connection from one of
   * them has its `X-Forwarded-For` believed, read from the right up to the first address that is no proxy of ours. @default [] (nobody)
   */
  trustProxy?: readonly string[] | "unix" | undefined;

  /**
   * Read timeout: a client of which nothing was heard for so long, an answer to a ping among it, is gone. As all deadlines, in time that
   * the process ran: a turn of the event loop counts as 250 ms at most. 10 ms to a day. @default 60000
   */
  pongWaitMs?: number | undefined;
  /** Time between two pings to a client; below `pongWaitMs`. @default 9/10 of pongWaitMs: 54000 */
  pingPeriodMs?: number | undefined;
  /** Write timeout: bytes are queued and the client took none for so long. @default 10000 */
  writeWaitMs?: number | undefined;
  /** From a message's first byte to its last. The read timeout alone lets a message dribble in for ever. @default 60000 */
  messageTimeoutMs?: number | undefined;
  /** `authenticate` has to finish within; else 503. @default 10000 */
  handshakeTimeoutMs?: number | undefined;
  /** The peer has to answer our close frame within; then the connection is cut. @default 5000 */
  closeTimeoutMs?: number | undefined;
  /** Closes a client (1000) that has neither sent nor been sent a message for so long. @default 0 (never) */
  idleTimeoutMs?: number | undefined;
  /** Closes a client (1001) that is so old, less up to a tenth at random so that they do not all come back at once. @default 0 (never) */
  maxAgeMs?: number | undefined;

  /** Largest message taken, counted after decompression too; a longer one gets 1009 before its payload is buffered. @default 524288 */
  maxMessageBytes?: number | undefined;
  /**
   * Most bytes that wait in memory for one slow client, what keeping a message costs included. A single message larger than that is
   * still taken when none waits. @default 1048576
   */
  maxBacklogBytes?: number | undefined;
  /**
   * Most bytes that wait in memory for all slow clients together; what waits for several counts once. Past that, whoever holds most gives
   * way, by its overflow policy. @default 268435456
   */
  maxTotalBacklogBytes?: number | undefined;
  /**
   * Most bytes of memory taken by what has come from all clients in part, or waits for their handlers. Past that, whoever holds most is
   * closed (1013). @default 128 MiB, or twice maxMessageBytes where that is more
   */
  maxTotalIncomingBytes?: number | undefined;
  /** What happens to a client past its backlog. @default "close" (with 1013) */
  overflow?: OverflowPolicy | undefined;
  /** Use sockets through Node's documented API alone, which takes more CPU time and memory; see docs/performance.md. @default false */
  portableSockets?: boolean | undefined;

  /**
   * Messages handled for one client before the others have their turn, which comes sooner after long messages and slow handlers; see
   * docs/options.md. @default 512
   */
  maxMessagesPerTurn?: number | undefined;
  /** Pings answered each in one second; more are answered together, and ten times as many close the client (1008). @default 100 */
  maxControlFramesPerSecond?: number | undefined;

  /** The only path that takes WebSockets. @default every path */
  path?: string | undefined;
  /**
   * Origins whose pages may connect, besides the server's own (RFC 6455 10.2); others get 403. Applications have origins as well:
   * `chrome-extension://…`, `capacitor://localhost`, `app://…`. The word `"null"` lets in whatever has none of its own, a sandboxed
   * frame that any site makes among it. @default []
   */
  allowedOrigins?: readonly string[] | undefined;
  /**
   * Host names by which pages may reach the server, with or without a port; `.example.com` is that name and all below it. Others get 421.
   * IP addresses and `localhost` are always taken. It is no limit on clients that are no browsers, nor on pages of `allowedOrigins`.
   * @default [] (any; but a server that listens on a loopback address takes only what a proxy of `trustProxy` forwards)
   */
  allowedHosts?: readonly string[] | undefined;
  /** Lets pages of any site connect with their visitor's cookies. Takes the reason why that is safe here. */
  dangerouslyAllowAnyOrigin?: string | undefined;
  /** Subprotocols the server speaks, best first (RFC 6455 1.9). @default [] */
  subprotocols?: readonly string[] | undefined;
  /** Extra headers of the 101 response, `{ "Set-Cookie": ["a=1", "b=2"] }` or `["Name: value"]`. @default none */
  responseHeaders?: ExtraHeaders | readonly string[] | undefined;
  /**
   * Decides who may connect; what it returns becomes `client.data`. Return `false` to refuse with 401, or throw `new Refuse(403)` for
   * another status; any other error gives 500. Nothing else refuses: `undefined`, `null`, 0 and "" are data like any other.
   * `signal` aborts when the client goes away or `handshakeTimeoutMs` is over.
   */
  authenticate?:
    | ((request: UpgradeRequest, context: { signal: AbortSignal }) => Data | false | Promise<Data | false>)
    | undefined;
  /**
   * Makes the first value of `client.data` for each client, where nobody has to be asked who may connect: `() => ({ count: 0 })`. Excludes
   * `authenticate`, whose result is the data. @default undefined
   */
  data?: ((request: UpgradeRequest) => Data) | undefined;
  /** The body of a refused handshake's response. @default one line that says why */
  refusalBody?: ((refusal: { status: number; reason: RefusalReason; message: string }) => string) | undefined;

  /** Negotiates permessage-deflate (RFC 7692). @default false */
  compression?: boolean | undefined;
  /** Keeps the window between messages: smaller, for up to 64 KiB more memory a client and no sharing in `publish`. @default false */
  compressionContextTakeover?: boolean | undefined;
  /** zlib's level, 1 (fastest) to 9 (smallest). @default 3 */
  compressionLevel?: number | undefined;
  /** zlib's memory level, 1 to 9. @default 8 */
  compressionMemLevel?: number | undefined;
  /** Shorter messages go uncompressed. @default 1024 */
  compressionThresholdBytes?: number | undefined;
  /** log2 of the largest window we compress with, 8 to 15 (RFC 7692 7.1.2.1). @default 15 */
  compressionServerWindowBits?: number | undefined;
  /** log2 of the largest window the client may compress with, where it lets us choose, 8 to 15 (RFC 7692 7.1.2.2). @default 15 */
  compressionClientWindowBits?: number | undefined;

  /** Clients in all; more get 503. @default 65536 */
  maxClients?: number | undefined;
  /** Clients of one address, an IPv6 address standing for its /64; more get 429. @default 0 (no limit: a NAT or a proxy is one address) */
  maxClientsPerAddress?: number | undefined;
  /** Clients of one HTTP/2 connection; more get 429. It may have 32 streams besides. @default 64 */
  maxClientsPerHttp2Session?: number | undefined;
  /** New clients a second; more get 503. @default 10000 */
  maxHandshakesPerSecond?: number | undefined;
  /** Handshakes that wait for `authenticate`; more get 503. @default 1024 */
  maxPendingHandshakes?: number | undefined;

  /** A request's headers have to be here within. @default 15000 */
  headersTimeoutMs?: number | undefined;
  /** A whole request has to be here within. @default 15000 */
  requestTimeoutMs?: number | undefined;
  /** A response that makes no progress for so long is cut. @default 15000 */
  responseTimeoutMs?: number | undefined;
  /** An idle HTTP connection is closed after. @default 60000 */
  keepAliveTimeoutMs?: number | undefined;
  /** Largest request head; more gets 431. @default 16384 */
  maxHeaderBytes?: number | undefined;
  /** Certificate and key in PEM: `listen` serves `wss://`. Replaced while running by `server.setTls`. */
  tls?: TlsOptions | undefined;
  /**
   * WebSockets over HTTP/2 (RFC 8441) besides those over HTTP/1.1: on the port of `listen`, which needs `tls` then, and on servers of
   * `node:http2` that are attached; see docs/http2.md. @default false
   */
  http2?: boolean | undefined;
  /** Answers plain HTTP requests on the same port. @default 426 Upgrade Required */
  request?: ((request: IncomingMessage, response: ServerResponse) => unknown) | undefined;

  /** How long a shutdown waits before it cuts the clients that are left. @default 5000 */
  shutdownGraceMs?: number | undefined;

  /** A pino logger or one of that shape. @default pino, JSON lines to standard output */
  logger?: Logger | undefined;
  /** Lowest level that is logged, where Hawser makes the logger. @default "info" */
  logLevel?: LogLevel | undefined;
  /** The time, for tests. @default the system's */
  clock?: Clock | undefined;

  /** A client has connected. Its messages wait until this has finished. */
  open?: Handler<Data, [request: UpgradeRequest]> | undefined;
  /** A message has arrived. One after another for each client, in order. */
  message?: Handler<Data, [message: Message]> | undefined;
  /** A client that was behind has taken its whole backlog. */
  drain?: Handler<Data, []> | undefined;
  /** A client is gone. Called once for each client whose `open` was called, after its last handler has finished. */
  close?: Handler<Data, [disconnect: Disconnect]> | undefined;
}

/** The handlers among them. */
export type Handlers<Data> = Pick<ServerOptions<Data>, HandlerName>;

/**
 * `client.data` has the type that `authenticate` or `data` gives it, wherever the handler stands. Were the parameter a `Client<Data>`,
 * TypeScript would settle what `Data` is when it meets the first handler, by what stands above it alone; the bound of a type parameter it
 * looks at no sooner than the handler's body. That is also why the handlers are the last members: it infers from members in this order.
 */
export type Handler<Data, Rest extends unknown[]> = <Held extends { readonly data: Data }>(
  client: Client<Held["data"]>,
  ...rest: Rest
) => HandlerResult;

export interface TlsOptions {
  cert: string | Buffer;
  key: string | Buffer;
  passphrase?: string | undefined;
}
