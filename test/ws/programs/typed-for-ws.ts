// Written for `ws`, with its types. typed-for-hawser.ts is the same with another import.
import WebSocket, { createWebSocketStream, WebSocketServer } from "ws";
import type { RawData, ServerOptions } from "ws";
import { createServer, type IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";

export class Named extends WebSocket {
  nickname = "";
}

export const options: ServerOptions<typeof Named> = {
  noServer: true,
  clientTracking: true,
  WebSocket: Named,
  perMessageDeflate: { threshold: 1024, zlibDeflateOptions: { level: 3 }, serverNoContextTakeover: true },
  maxPayload: 1024,
  verifyClient: (info: { origin: string; secure: boolean; req: IncomingMessage }) => info.req.url !== "/no",
  handleProtocols: (protocols: Set<string>, request: IncomingMessage) =>
    request.url === "/" ? [...protocols][0]! : false,
};

export function start(): { wss: WebSocketServer; close: () => void } {
  const server = createServer();
  const wss = new WebSocketServer({ noServer: true });
  const heartbeat = function (this: WebSocket): void {
    alive.add(this);
  };
  const alive = new Set<WebSocket>();
  server.on("upgrade", (request, socket, head) => {
    wss.handleUpgrade(request, socket, head, (ws) => wss.emit("connection", ws, request));
  });
  wss.on("connection", (ws, request) => {
    const path: string | undefined = request.url;
    ws.binaryType = "nodebuffer";
    ws.on("pong", heartbeat);
    ws.on("error", (error) => ws.close(1011, error.message));
    ws.on("message", function (data: RawData, isBinary: boolean) {
      for (const client of wss.clients) {
        if (client.readyState === WebSocket.OPEN && client !== this) client.send(data, { binary: isBinary });
      }
    });
    ws.on("close", (code, reason) => void [code.toFixed(), reason.toString(), path]);
    ws.send("text", (error?: Error) => void error);
    ws.ping(Buffer.from("x"), false, (error: Error) => void error);
    const stream: Duplex = createWebSocketStream(ws, { encoding: "utf8" });
    stream.on("error", () => {});
  });
  wss.on("headers", (headers, request) => headers.push(`X-Url: ${request.url}`));
  wss.on("wsClientError", (error, socket) => socket.end(error.message));
  wss.on("listening", () => void wss.address());
  wss.once("close", () => alive.clear());
  return { wss, close: () => wss.close((error) => void error) };
}

export function dial(url: string): WebSocket {
  const client: WebSocket = new WebSocket(url, ["a"], {
    headers: { cookie: "a=b" },
    handshakeTimeout: 1000,
    followRedirects: true,
    rejectUnauthorized: false,
    perMessageDeflate: false,
  });
  const state: 0 | 1 | 2 | 3 = client.readyState;
  client.onopen = (event) => event.target.send(`${event.type} ${state}`);
  client.onmessage = (event: WebSocket.MessageEvent) => {
    if (typeof event.data === "string") client.send(event.data.length);
    else if (Buffer.isBuffer(event.data)) client.send(event.data);
  };
  client.onclose = ({ code, reason, wasClean }) => void [code, reason, wasClean];
  client.addEventListener("error", (event: WebSocket.ErrorEvent) => void event.message, { once: true });
  client.on("unexpected-response", (request, response) => void [request.path, response.statusCode]);
  client.on("upgrade", (response: IncomingMessage) => void response.headers);
  client.on("redirect", (to, request) => request.removeHeader(to));
  client.once("open", () => client.pause());
  const given: WebSocket.ClientOptions = { origin: "https://example.com" };
  const server: WebSocketServer = new WebSocketServer({ noServer: true, path: given.origin });
  server.close();
  return client;
}
