import type { ServerResponse } from "node:http";
import type { AcceptedHandshake } from "../../protocol/handshake.js";
import { type ExtraHeaders, headerLines } from "../api/headers.js";
import { type ClientSocket, own, type SocketOwner } from "../sockets/client-socket.js";
import { http } from "../sockets/node-http.js";

/** How long a refused peer may take to read why. */
const LINGER_MS = 2000;

/** The response that ends the handshake (RFC 6455 4.2.2 step 5). */
export function writeAccepted(
  socket: ClientSocket,
  handshake: AcceptedHandshake,
  subprotocol: string | null,
  extraHeaders: readonly string[],
): void {
  let head = handshake.expectsContinue ? "HTTP/1.1 100 Continue\r\n\r\n" : "";
  head +=
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
    `Sec-WebSocket-Accept: ${handshake.accept}\r\n`;
  if (subprotocol !== null) head += `Sec-WebSocket-Protocol: ${subprotocol}\r\n`;
  if (handshake.extensionHeader !== null) head += `Sec-WebSocket-Extensions: ${handshake.extensionHeader}\r\n`;
  for (const line of extraHeaders) head += `${line}\r\n`;
  socket.write(Buffer.from(`${head}\r\n`, "latin1"));
}

/**
 * A response on a socket that no `ServerResponse` belongs to; the connection ends with it. What the peer still sends is read and
 * thrown away for a while: a socket closed with bytes unread resets, and the response would be lost with it.
 */
export function writeRefused(socket: ClientSocket, status: number, headers: ExtraHeaders, body: string): void {
  if (socket.destroyed) return;
  const defaults = {
    Connection: closing(headers),
    "Content-Type": "text/plain; charset=utf-8",
    "Content-Length": String(Buffer.byteLength(body)),
  };
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
