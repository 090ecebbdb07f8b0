import type { IncomingMessage, ServerResponse } from "node:http";
import type {
  Http2Server,
  IncomingHttpHeaders,
  ServerHttp2Session,
  ServerHttp2Stream,
  ServerOptions,
} from "node:http2";
import type { Server as HttpsServer } from "node:https";
import type { TLSSocket } from "node:tls";
import type { DeadlineWheel, Timed } from "../base/deadlines.js";
import { cancelStream, endAsSocket } from "../sockets/http2-stream.js";
import { http, loadHttp2 } from "../sockets/node-http.js";
import { asksForWebSocket, ConnectRequest } from "./connect-request.js";
import type { HttpLimits } from "./http.js";
import { respondRefused } from "./response.js";

/** The limits of `ServerOptions` that are HTTP/2's. */
export interface Http2Limits extends HttpLimits {
  readonly maxClientsPerHttp2Session: number;
}

/** What is done about what comes over HTTP/2. */
export interface Http2Port {
  readonly wheel: DeadlineWheel;
  onHandshake(request: ConnectRequest): void;
  onRequest(request: IncomingMessage, response: ServerResponse): void;
  /** A session was ended for what its client did. */
  onError(reason: string, socket: TLSSocket): void;
}

/** Streams that a session may have besides its clients: pages being fetched. */
const SPARE_STREAMS = 32;
/** How long a session that is to end may take to send what it has. */
const LINGER_MS = 2000;

/** Over HTTP/2 what comes to an HTTPS server and has agreed on it; the others go on as before. */
export class Http2Sessions {
  readonly #sessions = new Set<SessionWatch>();

  constructor(https: HttpsServer, limits: Http2Limits, port: Http2Port) {
    const http2 = loadHttp2().createServer(settingsOf(limits));
    const sockets = new WeakMap<ServerHttp2Session, TLSSocket>();
    let connecting: TLSSocket | null = null;
    http2.on("session", (session) => {
      const socket = connecting!;
      sockets.set(session, socket);
      const watch = new SessionWatch(session, socket, limits, port.wheel, () => this.#sessions.delete(watch));
      this.#sessions.add(watch);
      session.on("stream", (stream, headers) => {
        watch.add(stream);
        if (!asksForWebSocket(headers)) limitRequest(stream, limits);
      });
    });
    http2.on("sessionError", (error: NodeJS.ErrnoException, session) => {
      const socket = sockets.get(session);
      if (socket !== undefined) port.onError(error.code ?? error.name, socket);
    });
    http2.on("request", (request, response) =>
      port.onRequest(request as unknown as IncomingMessage, response as unknown as ServerResponse),
    );
    takeHandshakes(http2, (request) => port.onHandshake(request));
    takeConnections(https, (socket) => {
      connecting = socket;
      http2.emit("connection", socket);
      connecting = null;
    });
  }

  /** How many there are: each is a connection. */
  get size(): number {
    return this.#sessions.size;
  }

  /** No more streams: GOAWAY. Each session ends with the last one that it has. */
  close(): void {
    for (const session of this.#sessions) session.close();
  }

  /** Ends all of them at once. */
  destroy(): void {
    for (const session of this.#sessions) session.destroy();
  }
}

/** Limits on floods. nghttp2 has others by itself: 1,000 answers to pings and settings that wait to be sent, 8 CONTINUATION frames. */
function settingsOf({ maxHeaderBytes, maxClientsPerHttp2Session }: Http2Limits): ServerOptions {
  const options = {
    settings: {
      enableConnectProtocol: true,
      maxConcurrentStreams: maxClientsPerHttp2Session + SPARE_STREAMS,
      maxHeaderListSize: maxHeaderBytes,
      // What one stream may send ahead of a client that is not read: its memory is ours.
      initialWindowSize: 65_535,
      enablePush: false,
    },
    maxSendHeaderBlockLength: 65_536,
    maxSessionInvalidFrames: 100,
    maxSessionRejectedStreams: 100,
    // MiB. It counts what streams have been handed as well, and is far above what honest ones need.
    maxSessionMemory: 10,
    unknownProtocolTimeout: 1000,
    // Streams that a client resets, at once and for each second after (CVE-2023-44487). Node 20 has nghttp2's own: 1,000 and 33.
    streamResetBurst: 500,
    streamResetRate: 33,
  };
  return options;
}

/** An ordinary request has to be here in time, and its response to make progress. */
function limitRequest(stream: ServerHttp2Stream, { requestTimeoutMs, responseTimeoutMs }: HttpLimits): void {
  // From the first tick: a reset that nobody listens for would end the process.
  stream.on("error", ignoreError);
  const late = setTimeout(() => cancelStream(stream), requestTimeoutMs).unref();
  const here = (): void => clearTimeout(late);
  if (stream.endAfterHeaders) here();
  stream.once("end", here).once("close", here);
  stream.setTimeout(responseTimeoutMs, () => cancelStream(stream));
}

/** Has handshakes taken before anybody else sees the stream. What else is a CONNECT is refused. */
function takeHandshakes(http2: Http2Server, take: (request: ConnectRequest) => void): void {
  const listeners = http2.listeners("stream") as ((...args: unknown[]) => void)[];
  http2.removeAllListeners("stream");
  http2.on("stream", (stream, headers, flags, ...rest: unknown[]) => {
    if (asksForWebSocket(headers)) take(new ConnectRequest(stream, headers, rest[0] as string[]));
    else if (headers[":method"] === "CONNECT") refuseConnect(stream, headers);
    else for (const listener of listeners) Reflect.apply(listener, http2, [stream, headers, flags, ...rest]);
  });
}

/** RFC 9220 3: 501 for a protocol that is not known. Without one it is for proxies (RFC 9110 9.3.6): 405, as over HTTP/1.1. */
function refuseConnect(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
  stream.on("error", ignoreError);
  endAsSocket(stream);
  const [status, fields] = headers[":protocol"] === undefined ? [405, { Allow: "GET" }] : [501, {}];
  // With a body: a stream of Node 26 that ends without a write, and is closed then, loses its response.
  respondRefused(stream, status, fields, `${http.STATUS_CODES[status]}\n`);
}

/** Has the connections that have agreed on HTTP/2 go to `take`, and the others where they went before. */
function takeConnections(https: HttpsServer, take: (socket: TLSSocket) => void): void {
  const listeners = https.listeners("secureConnection") as ((socket: TLSSocket) => void)[];
  https.removeAllListeners("secureConnection");
  https.on("secureConnection", (socket) => {
    if (socket.alpnProtocol === "h2") take(socket);
    else for (const listener of listeners) listener.call(https, socket);
  });
}

/**
 * One session and how long it may be without a stream, whatever else its client sends. It lasts as long as its connection: Node lets a
 * session go, ends its side of the connection, and waits for the client to end the other one for as long as that likes.
 */
class SessionWatch implements Timed {
  readonly #session: ServerHttp2Session;
  readonly #socket: TLSSocket;
  readonly #limits: HttpLimits;
  readonly #wheel: DeadlineWheel;
  #streams = 0;
  /** Infinity while it has streams. */
  #dueAt: number;
  #isClosed = false;
  wheelAt = 0;
  wheelPrevious: Timed | null = null;
  wheelNext: Timed | null = null;

  constructor(
    session: ServerHttp2Session,
    socket: TLSSocket,
    limits: HttpLimits,
    wheel: DeadlineWheel,
    onClose: () => void,
  ) {
    this.#session = session;
    this.#socket = socket;
    this.#limits = limits;
    this.#wheel = wheel;
    session.on("error", ignoreError);
    socket.once("close", () => {
      wheel.remove(this);
      onClose();
    });
    this.#dueAt = wheel.time.now + limits.headersTimeoutMs;
    wheel.schedule(this, this.#dueAt);
  }

  add(stream: ServerHttp2Stream): void {
    this.#streams++;
    this.#dueAt = Infinity;
    stream.once("close", () => {
      if (--this.#streams === 0) this.#waitFor(this.#session.closed ? LINGER_MS : this.#limits.keepAliveTimeoutMs);
    });
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#session.close();
    if (this.#streams === 0) this.#waitFor(LINGER_MS);
  }

  destroy(): void {
    this.#dueAt = Infinity;
    this.#session.destroy();
    this.#socket.destroy();
  }

  checkDeadlines(now: number): number {
    if (now < this.#dueAt) return this.#dueAt;
    if (this.#isClosed) this.destroy();
    else this.close();
    return this.#dueAt;
  }

  #waitFor(ms: number): void {
    if (this.#socket.destroyed) return;
    this.#dueAt = this.#wheel.time.now + ms;
    this.#wheel.schedule(this, this.#dueAt);
  }
}

function ignoreError(): void {
  // It closes right after.
}
