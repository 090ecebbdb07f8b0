import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { http } from "../sockets/node-http.js";
import { addressAt } from "./address.js";

/** A handshake that came as a stream of HTTP/2: an extended CONNECT with `:protocol` websocket (RFC 8441). */
export class ConnectRequest {
  readonly method = "CONNECT";
  readonly httpVersion = "2.0";
  /** `:path` */
  readonly url: string;
  /** `:authority` */
  readonly authority: string | undefined;
  /** Without the pseudo-headers. */
  readonly rawHeaders: string[];
  readonly stream: ServerHttp2Stream;
  /** IP address of the one who connected; empty when it is gone. */
  readonly peerAddress: string;
  readonly #headers: IncomingHttpHeaders;
  #message: IncomingMessage | null = null;

  /** @param rawHeaders all of them as the `stream` event has them: name, value, name, value */
  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, rawHeaders: readonly string[]) {
    this.stream = stream;
    this.url = headers[":path"] ?? "";
    this.authority = headers[":authority"] ?? headers.host;
    this.rawHeaders = fieldsOf(rawHeaders);
    this.#headers = headers;
    this.peerAddress = addressAt(socketOf(stream));
  }

  /** It as node:http would have it, with `:authority` as its Host. Always the same one. */
  get message(): IncomingMessage {
    return (this.#message ??= this.#toMessage());
  }

  #toMessage(): IncomingMessage {
    const message = new http.IncomingMessage(undefined as unknown as Socket);
    const { stream, authority, rawHeaders } = this;
    Object.defineProperty(message, "socket", { get: () => socketOf(stream), configurable: true });
    message.method = this.method;
    message.url = this.url;
    message.httpVersion = this.httpVersion;
    message.httpVersionMajor = 2;
    message.httpVersionMinor = 0;
    const fields = Object.entries(this.#headers).filter(([name]) => !name.startsWith(":"));
    const host = authority === undefined ? {} : { host: authority };
    message.headers = { ...Object.fromEntries(fields), ...host };
    message.rawHeaders =
      authority === undefined || "host" in this.#headers ? rawHeaders : ["host", authority, ...rawHeaders];
    // What follows the head belongs to the WebSocket: the request has no body.
    message.complete = true;
    message.push(null);
    return message;
  }
}

/** Whether a stream of HTTP/2 begins a WebSocket (RFC 8441 4). */
export function asksForWebSocket(headers: IncomingHttpHeaders): boolean {
  return headers[":method"] === "CONNECT" && headers[":protocol"] === "websocket";
}

function fieldsOf(rawHeaders: readonly string[]): string[] {
  const fields: string[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    if (!rawHeaders[i]!.startsWith(":")) fields.push(rawHeaders[i]!, rawHeaders[i + 1]!);
  }
  return fields;
}

/** The connection that the stream is a part of; null once that is gone. */
function socketOf({ session }: ServerHttp2Stream): Socket | null {
  try {
    return session?.socket ?? null;
  } catch {
    // ERR_HTTP2_SOCKET_UNBOUND
    return null;
  }
}
