import type { ServerResponse } from "node:http";
import type { OutgoingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { AcceptedHandshake, AcceptedOffer } from "../../protocol/handshake.js";
import { type ExtraHeaders, headerLines } from "../api/headers.js";
import { type ClientSocket, own, type SocketOwner } from "../sockets/client-socket.js";
import { http } from "../sockets/node-http.js";

/** How long a refused peer may take to read why. */
const LINGER_MS = 2000;

/** The head of the response that ends the handshake (RFC 6455 4.2.2 step 5), line by line. */
export function acceptedHead(
  handshake: AcceptedOffer | AcceptedHandshake,
  subprotocol: string | null,
  extraHeaders: readonly string[],
): string[] {
  // RFC 8441 5: over HTTP/2 a 200, and no Sec-WebSocket-Accept.
  const lines =
    "accept" in handshake
      ? [
          "HTTP/1.1 101 Switching Protocols",
          "Upgrade: websocket",
          "Connection: Upgrade",
          `Sec-WebSocket-Accept: ${handshake.accept}`,
        ]
      : ["HTTP/2 200"];
  if (subprotocol !== null) lines.push(`Sec-WebSocket-Protocol: ${subprotocol}`);
  if (handshake.extensionHeader !== null) lines.push(`Sec-WebSocket-Extensions: ${handshake.extensionHeader}`);
  lines.push(...extraHeaders);
  return lines;
}

export function writeAccepted(socket: ClientSocket, { expectsContinue }: AcceptedHandshake, lines: string[]): void {
  const before = expectsContinue ? "HTTP/1.1 100 Continue\r\n\r\n" : "";
  socket.write(Buffer.from(`${before}${lines.join("\r\n")}\r\n\r\n`, "latin1"));
}

/** The same on a stream of HTTP/2. @throws what `node:http2` throws for headers that it does not send */
export function respondAccepted(stream: ServerHttp2Stream, lines: readonly string[]): void {
  stream.respond({ ":status": 200, ...fieldsOf(lines.slice(1)) });
}

/** A refusal there. It ends the stream alone, and what the peer still sends on it is thrown away. */
export function respondRefused(stream: ServerHttp2Stream, status: number, headers: ExtraHeaders, body: string): void {
  if (stream.destroyed || stream.closed) return;
  own(stream, new Lingering(stream), null);
  try {
    stream.respond({ ":status": status, ...fieldsOf(headerLines(defaultsFor(body), headers)) });
  } catch {
    // A header of the application's that node:http2 does not send.
    stream.respond({ ":status": status, ...fieldsOf(headerLines(defaultsFor(body), {})) });
  }
  stream.end(body);
  stream.resume();
}

/** RFC 9113 8.2.2: an endpoint "MUST NOT generate an HTTP/2 message containing connection-specific header fields". */
const OF_CONNECTION = new Set(["connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade"]);

function fieldsOf(lines: readonly string[]): OutgoingHttpHeaders {
  const fields: Record<string, string[]> = {};
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).toLowerCase();
    if (!OF_CONNECTION.has(name)) (fields[name] ??= []).push(line.slice(colon + 1).trim());
  }
  // One value alone as it is: of many fields node:http2 takes no list.
  return Object.fromEntries(
    Object.entries(fields).map(([name, values]) => [name, values.length === 1 ? values[0] : values]),
  );
}

function defaultsFor(body: string): ExtraHeaders {
  return { "Content-Type": "text/plain; charset=utf-8", "Content-Length": String(Buffer.byteLength(body)) };
}

/**
 * A response on a socket that no `ServerResponse` belongs to; the connection ends with it. What the peer still sends is read and
 * thrown away for a while: a socket closed with bytes unread resets, and the response would be lost with it.
 */
export function writeRefused(socket: ClientSocket, status: number, headers: ExtraHeaders, body: string): void {
  if (socket.destroyed) return;
  const defaults = { Connection: closing(headers), ...defaultsFor(body) };
  const lines = [`HTTP/1.1 ${status} ${http.STATUS_CODES[status] ?? "Refused"}`, ...headerLines(defaults, headers)];
  own(socket, new Lingering(socket), null);
  socket.write(Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), Buffer.from(body)]));
  socket.end();
  socket.resume();
}

/** The same where node:http has made a `ServerResponse`. */
export function answerRefused(response: ServerResponse, status: number, headers: ExtraHeaders, body: string): void {
  response.writeHead(status, {
    ...headers,
    Connection: closing(headers),
    "Content-Type": "text/plain; charset=utf-8",
  });
  response.end(body);
}

/** The same where node:http2 has. */
export function answerRefusedStream(
  response: ServerResponse,
  status: number,
  headers: ExtraHeaders,
  body: string,
): void {
  const fields = fieldsOf(headerLines(defaultsFor(body), headers));
  for (const [name, value] of Object.entries(fields)) response.setHeader(name, value!);
  response.writeHead(status).end(body);
}

/** The `Connection` of an answer that is its last. RFC 9110 7.8: "A sender of Upgrade MUST also send an "Upgrade" connection option". */
function closing(headers: ExtraHeaders): string {
  return "Upgrade" in headers ? "Upgrade, close" : "close";
}

/** A connection whose refusal has been written. */
class Lingering implements SocketOwner {
  readonly #timer: NodeJS.Timeout;

  constructor(socket: ClientSocket) {
    this.#timer = setTimeout(() => socket.destroy(), LINGER_MS).unref();
  }

  onData(): void {}
  onDrain(): void {}
  onEnd(): void {}

  onClosed(): void {
    clearTimeout(this.#timer);
  }
}
