import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import type { AcceptedHandshake } from "../protocol/handshake.js";

/** How long a refused peer may take to read why. */
const LINGER_MS = 2000;

/** The response that ends the handshake (RFC 6455 4.2.2 step 5). */
export function writeAccepted(
  socket: Duplex,
  handshake: AcceptedHandshake,
  subprotocol: string | null,
  extraHeaders: readonly string[],
): void {
  const lines = [
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Accept: ${handshake.accept}`,
    ...(subprotocol === null ? [] : [`Sec-WebSocket-Protocol: ${subprotocol}`]),
    ...(handshake.extensionHeader === null ? [] : [`Sec-WebSocket-Extensions: ${handshake.extensionHeader}`]),
    ...extraHeaders,
  ];
  socket.write(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
}

/**
 * A response on a socket that no `ServerResponse` belongs to; the connection ends with it. What the peer still sends is read and
 * thrown away for a while: a socket closed with bytes unread resets, and the response would be lost with it.
 */
export function writeRefused(
  socket: Duplex,
  status: number,
  headers: Readonly<Record<string, string>>,
  body: string,
): void {
  if (socket.destroyed) return;
  const all: Record<string, string> = {
    Connection: "close",
    "Content-Type": "text/plain; charset=utf-8",
    "Content-Length": String(Buffer.byteLength(body)),
    ...headers,
  };
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "Refused"}`,
    ...Object.entries(all).map(([name, value]) => `${name}: ${value}`),
  ];
  socket.end(`${lines.join("\r\n")}\r\n\r\n${body}`);
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  timer.unref();
  socket.once("close", () => clearTimeout(timer));
}
