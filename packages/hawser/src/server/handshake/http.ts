import type { IncomingMessage, Server, ServerOptions } from "node:http";
import type { Duplex } from "node:stream";
import type { TlsOptions } from "../api/options.js";
import { http, loadHttps } from "../sockets/node-http.js";
import { writeRefused } from "./response.js";

/** The limits of `ServerOptions` that are HTTP's. */
export interface HttpLimits {
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly responseTimeoutMs: number;
  readonly keepAliveTimeoutMs: number;
  readonly maxHeaderBytes: number;
  readonly maxClients: number;
  readonly maxPendingHandshakes: number;
}

/** The protocols that a server of both speaks, its favourite first (RFC 7301). */
const ALPN_PROTOCOLS = ["h2", "http/1.1"];

/** Connections that may be open besides the clients: pages being fetched, requests being typed in by hand. */
const SPARE_CONNECTIONS = 1024;

/** An HTTP server whose every wait has an end: headers, whole request, response, keep-alive; and whose header size is bounded. */
export function createHttpServer(
  limits: HttpLimits,
  tls: TlsOptions | undefined,
  speaksHttp2: boolean,
  onError: (reason: string, status: number, socket: Duplex) => void,
): Server {
  // The headers are a part of the request, and Node refuses a limit for the part that is above that for the whole.
  const firstTimeoutMs = Math.min(limits.headersTimeoutMs, limits.requestTimeoutMs);
  const settings: ServerOptions = {
    headersTimeout: firstTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    maxHeaderSize: limits.maxHeaderBytes,
    // Node looks for late requests only so often; by itself every 30 s, which would make 15 s mean 45.
    connectionsCheckingInterval: graceOf(limits),
    noDelay: true,
  };
  const server =
    tls === undefined
      ? http.createServer(settings)
      : // The handshake of TLS comes before any header; by itself it may take two minutes.
        loadHttps().createServer({
          ...settings,
          ...tls,
          handshakeTimeout: firstTimeoutMs,
          ...(speaksHttp2 ? { ALPNProtocols: ALPN_PROTOCOLS } : {}),
        });
  // No limit on their number: past Node's own, headers are dropped without a word, and their size is bounded anyway.
  server.maxHeadersCount = 0;
  server.maxConnections = limits.maxClients + limits.maxPendingHandshakes + SPARE_CONNECTIONS;
  // Set per request and not on the server, where it would leave each client with a timer that it has no use for.
  server.on("request", (request: IncomingMessage) => request.socket.setTimeout(limits.responseTimeoutMs));
  // Without a listener Node closes the connection without a word.
  server.on("connect", (_request: IncomingMessage, socket: Duplex) => {
    onError("CONNECT", 405, socket);
    // RFC 9110 15.5.6: with the methods there are. 9.3.6 leaves CONNECT to proxies.
    writeRefused(socket, 405, { Allow: "GET" }, `${http.STATUS_CODES[405]}\n`);
  });
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Duplex) => {
    const status = statusOf(error);
    onError(error.code ?? error.name, status, socket);
    if (isAboutHttp(error) && socket.writable) writeRefused(socket, status, {}, `${http.STATUS_CODES[status]}\n`);
    else socket.destroy();
  });
  return server;
}

/** A small part of the first deadline, by which that may be late. */
export function graceOf({ headersTimeoutMs, requestTimeoutMs }: HttpLimits): number {
  return Math.max(50, Math.min(1000, Math.min(headersTimeoutMs, requestTimeoutMs) / 4));
}

/** What comes from TLS or from the network is not answered: nobody is there who speaks HTTP. */
function isAboutHttp({ code = "" }: NodeJS.ErrnoException): boolean {
  return code.startsWith("HPE_") || code === "ERR_HTTP_REQUEST_TIMEOUT";
}

function statusOf(error: NodeJS.ErrnoException): number {
  switch (error.code) {
    case "HPE_HEADER_OVERFLOW":
      return 431;
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return 408;
    default:
      return 400;
  }
}
