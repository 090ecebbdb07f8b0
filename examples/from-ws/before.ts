// A chat on `ws` as it runs in production: whoever is here sees what everyone else writes. Most of it is not the chat.
// after.ts is the same on Hawser.
// Run: node examples/run.mjs from-ws/before

import { createServer } from "node:http";
import { WebSocket, WebSocketServer } from "ws";

interface Chatter extends WebSocket {
  name: string;
  isAlive: boolean;
}

const PING_PERIOD_MS = 30_000;
const MAX_BUFFERED_BYTES = 1024 * 1024;
const GRACE_MS = 5000;

const http = createServer((_request, response) => {
  response.writeHead(426).end();
});
const sockets = new WebSocketServer({ noServer: true, maxPayload: 512 * 1024 });

http.on("upgrade", (request, socket, head) => {
  // Without a listener a reset during the handshake would end the process.
  socket.on("error", () => {});
  // Without this check the pages of any site may connect, with the cookies of whoever looks at them.
  const { origin, host } = request.headers;
  if (origin !== undefined && !(URL.canParse(origin) && new URL(origin).host === host)) {
    socket.end("HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    return;
  }
  sockets.handleUpgrade(request, socket, head, (client) => sockets.emit("connection", client, request));
});

sockets.on("connection", (socket, request) => {
  const client = socket as Chatter;
  client.name = new URL(request.url ?? "/", "ws://localhost").searchParams.get("name") ?? "somebody";
  client.isAlive = true;
  // Without a listener a malformed frame would end the process.
  client.on("error", () => {});
  client.on("pong", () => (client.isAlive = true));
  client.on("message", (data: Buffer, isBinary) => {
    if (isBinary) {
      client.close(1003);
      return;
    }
    publish(`${client.name}: ${data.toString()}`, client);
  });
});

function publish(text: string, except: WebSocket): void {
  for (const client of sockets.clients) {
    if (client === except || client.readyState !== WebSocket.OPEN) continue;
    // Without this check what a stalled client does not take stays in memory.
    if (client.bufferedAmount > MAX_BUFFERED_BYTES) client.terminate();
    else client.send(text);
  }
}

const heartbeat = setInterval(() => {
  for (const client of sockets.clients as Set<Chatter>) {
    if (!client.isAlive) {
      client.terminate();
      continue;
    }
    client.isAlive = false;
    client.ping();
  }
}, PING_PERIOD_MS);

http.listen(Number(process.env["PORT"] ?? 8080), "127.0.0.1", () => {
  console.log("listening on", http.address());
});

function stop(): void {
  clearInterval(heartbeat);
  http.close();
  for (const client of sockets.clients) client.close(1001, "server shutting down");
  setTimeout(() => sockets.clients.forEach((client) => client.terminate()), GRACE_MS).unref();
}
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, stop);
