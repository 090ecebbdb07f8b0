// A server on `ws` that keeps the ten practices, with deadlines of a second or so, but for the faults that it is started with:
//
//   node fault-server-main.js PORT [FAULT,FAULT...]
//
// It echoes, but for two faults that show where messages go to others.

import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocket, WebSocketServer } from "ws";
import type { Fault } from "./faults.js";

const [port = "0", names = ""] = process.argv.slice(2);
const own = new Set(names.split(",").filter((name) => name !== "") as Fault[]);
const is = (...faults: Fault[]): boolean => faults.some((fault) => own.has(fault));

const PING_MS = 400;
const SILENT_MS = 2500;
/** With so much queued for a client it is not read any more. */
const QUEUED_BYTES = 64 * 1024;
/**
 * Whoever sends so many empty messages is cut where there is a fault. Without one the kernel's buffers have to fill first, which is
 * half a million messages and most of the time that an audit computes.
 */
const EMPTY_MESSAGES = own.size === 0 ? Infinity : is("tiny-backlog") ? 15_000 : 1000;

const http = createServer(
  {
    headersTimeout: is("slow-headers") ? 0 : 2000,
    requestTimeout: is("slow-headers") ? 0 : 2000,
    connectionsCheckingInterval: 200,
    maxHeaderSize: is("large-headers") ? 4 * 2 ** 20 : 16_384,
  },
  (_, response) => response.writeHead(426).end(),
);
const server = new WebSocketServer({
  noServer: true,
  maxPayload: is("no-size-limit") ? 0 : 100_000,
  skipUTF8Validation: is("bad-utf8"),
  perMessageDeflate: true,
  handleProtocols: () => false,
});

interface Client {
  readonly id: string;
  readonly socket: WebSocket;
  heardAt: number;
  /** Pings since then. */
  unanswered: number;
  emptyMessages: number;
}

const clients = new Set<Client>();
/** What a queue may cost for each message, whatever its length is. */
const entries: Buffer[] = [];
/** For the faults that keep clients by their address: those relay messages and do not echo. */
const byAddress = new Map<string, WebSocket>();
let count = 0;

http.on("upgrade", (request: IncomingMessage, socket, head) => {
  socket.on("error", () => {});
  const { origin, host, upgrade } = request.headers;
  // As the same request is answered without an upgrade, by the handler above.
  if (upgrade?.toLowerCase() !== "websocket" && !is("refuses-h2c"))
    return void socket.end("HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n");
  const isKnown = is("trusts-host") || /^(localhost|127\.0\.0\.1)(:\d+)?$/.test(host ?? "");
  const isOwn = origin === undefined || (isKnown && origin === `http://${host}`);
  if (!isOwn && !is("any-origin")) return void socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
  if (is("any-version")) request.headers["sec-websocket-version"] = "13";
  server.handleUpgrade(request, socket, head, (client) => onClient(client, request));
  if (is("answers-twice") && head.includes("Sec-WebSocket-Key"))
    socket.write("HTTP/1.1 101 Switching Protocols\r\n\r\n");
});

function onClient(socket: WebSocket, request: IncomingMessage): void {
  const { remoteAddress = "", remotePort = 0 } = request.socket;
  const id = is("address-ids", "address-kicks", "address-replies") ? remoteAddress : `client-${++count}`;
  const client: Client = { id, socket, heardAt: performance.now(), unanswered: 0, emptyMessages: 0 };
  if (is("address-kicks")) {
    for (const other of clients) if (other.id === id) other.socket.close(4000, "connected again");
  }
  clients.add(client);
  const address = is("port-map") ? `${remoteAddress}:${remotePort}` : remoteAddress;
  byAddress.set(address, socket);
  log("info", "connect", { id, remoteAddress, remotePort, clients: clients.size });
  const heard = (): void => {
    client.heardAt = performance.now();
    client.unanswered = 0;
  };
  if (!is("crashes")) socket.on("error", () => {});
  socket.on("pong", heard);
  socket.on("ping", heard);
  socket.on("message", (data: Buffer, isBinary) => {
    heard();
    if (data.length === 0 && ++client.emptyMessages > EMPTY_MESSAGES) {
      socket.terminate();
      return;
    }
    if (is("logs-messages")) log("info", "message", { id, bytes: data.length });
    if (is("blocks")) block(4);
    if (is("no-turns")) block(1);
    if (is("slow-inflate") && data.length > 50_000) block(800);
    if (is("throws")) JSON.parse(data.toString());
    if (is("address-map", "port-map")) {
      for (const [key, other] of byAddress) if (key !== address) other.send(data, { binary: isBinary });
      return;
    }
    // As a map from addresses to clients would have it: the latest one.
    const receiver = is("address-replies") ? [...clients].findLast((other) => other.id === id)?.socket : socket;
    receiver?.send(data, { binary: isBinary }, () => {
      if (socket.isPaused && socket.bufferedAmount < QUEUED_BYTES / 2) socket.resume();
    });
    if (is("tiny-backlog") && data.length === 0) entries.push(Buffer.alloc(16_384, 1));
    else if (socket.bufferedAmount > QUEUED_BYTES) socket.pause();
  });
  socket.on("close", (code) => {
    clients.delete(client);
    // Whoever has it by then.
    setTimeout(() => byAddress.delete(address), 100);
    log(is("logs-errors") ? "error" : "info", "disconnect", { id, code, clients: clients.size });
  });
}

/** A handler that keeps the whole process to itself. */
function block(ms: number): void {
  for (const until = performance.now() + ms; performance.now() < until;);
}

setInterval(() => {
  for (const client of clients) {
    const { socket, heardAt } = client;
    // By the pings that ran out: time passes for a process that is stopped, too.
    const isSilent = is("stall-cuts")
      ? performance.now() - heardAt > SILENT_MS
      : client.unanswered >= SILENT_MS / PING_MS;
    if (!is("never-drops") && isSilent) socket.terminate();
    else if (socket.readyState === WebSocket.OPEN) {
      client.unanswered++;
      if (!is("no-pings")) socket.ping();
    }
  }
}, PING_MS);

function log(level: string, event: string, fields: Record<string, unknown>): void {
  if (is("plain-log")) console.log(`${event}: ${String(fields["id"])}`);
  else if (!is("no-log")) console.log(JSON.stringify({ level, time: Date.now(), event, ...fields }));
}

if (!is("unhandled-sigterm")) {
  process.on("SIGTERM", () => {
    http.close();
    http.closeAllConnections();
    for (const { socket } of clients) {
      if (is("shutdown-cuts")) socket.terminate();
      else socket.close(1001, "going away");
    }
    setTimeout(() => process.exit(is("exit-code") ? 1 : 0), 300);
  });
}

http.listen(Number(port), "127.0.0.1", () => log("info", "listening", { port: (http.address() as AddressInfo).port }));
