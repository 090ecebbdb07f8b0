/** A server and clients of hawser/ws or of `ws`, by the API that both have. */
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import * as hawser from "#hawser/ws/index.js";
import * as ws from "ws";
import { LogBook } from "../harness/rig.js";

/** What a program imports. That hawser/ws can stand here is a test of its types. */
export type Library = Pick<typeof ws, "WebSocket" | "WebSocketServer" | "createWebSocketStream">;

export const libraries: Readonly<Record<"hawser/ws" | "ws", Library>> = {
  "hawser/ws": hawser as unknown as Library,
  ws,
};

export interface Pair {
  readonly wss: ws.WebSocketServer;
  readonly url: string;
  readonly port: number;
  /** The server's end of each client, in order, with the request that it came with. */
  readonly accepted: { socket: ws.WebSocket; request: IncomingMessage }[];
  /** A client that is open, and the server's end of it. */
  connect(options?: ws.ClientOptions): Promise<{ client: ws.WebSocket; socket: ws.WebSocket }>;
  /** A client that has not connected yet. */
  dial(options?: ws.ClientOptions, protocols?: string[]): ws.WebSocket;
}

/** @param options besides those of `ws`, those of hawser/ws alone, where that is the server */
export async function startPair(
  test: TestContext,
  server: Library,
  client: Library,
  options: ws.ServerOptions & Omit<hawser.ServerOptions, keyof ws.ServerOptions> = {},
): Promise<Pair> {
  const own = server === libraries["hawser/ws"] ? { logger: new LogBook() } : {};
  const wss = new server.WebSocketServer({ port: 0, host: "127.0.0.1", ...own, ...options });
  const accepted: Pair["accepted"] = [];
  wss.on("connection", (socket, request) => accepted.push({ socket, request }));
  await once(wss, "listening");
  const { port } = wss.address() as AddressInfo;
  const url = `ws://127.0.0.1:${port}/`;
  const clients: ws.WebSocket[] = [];
  test.after(async () => {
    for (const one of [...clients, ...accepted.map(({ socket }) => socket)]) one.terminate();
    await new Promise((closed) => wss.close(closed));
  });
  const dial = (given?: ws.ClientOptions, protocols: string[] = []): ws.WebSocket => {
    const dialled = new client.WebSocket(url, protocols, { perMessageDeflate: false, ...given });
    dialled.on("error", () => {});
    clients.push(dialled);
    return dialled;
  };
  return {
    wss,
    url,
    port,
    accepted,
    dial,
    async connect(given) {
      const opened = dial(given);
      const before = accepted.length;
      await once(opened, "open");
      if (accepted.length === before) await once(wss, "connection");
      return { client: opened, socket: accepted[before]!.socket };
    },
  };
}

/** A blob whose bytes come when they are told to, or fail to. */
export class SlowBlob extends Blob {
  settle: (error: Error | null) => void = () => {};

  override arrayBuffer(): Promise<ArrayBuffer> {
    return new Promise((done, fail) => {
      this.settle = (error) => (error === null ? done(new ArrayBuffer(4)) : fail(error));
    });
  }
}

/** What a socket emits, as lines. */
export function record(socket: ws.WebSocket): string[] {
  const lines: string[] = [];
  socket.on("message", (data, isBinary) => {
    const bytes = Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data as ArrayBuffer);
    lines.push(
      `message ${isBinary ? "binary" : "text"} ${bytes.length > 64 ? bytes.length : bytes.toString("latin1")}`,
    );
  });
  socket.on("ping", (data) => lines.push(`ping ${data.toString()}`));
  socket.on("pong", (data) => lines.push(`pong ${data.toString()}`));
  socket.on("error", (error: Error & { code?: string }) => lines.push(`error ${error.code} ${error.message}`));
  socket.on("close", (code, reason) => lines.push(`close ${code} ${reason.toString()} ${socket.readyState}`));
  return lines;
}

/** Not `once`, which an `error` rejects. */
export async function closed(...sockets: ws.WebSocket[]): Promise<void> {
  for (const socket of sockets) {
    if (socket.readyState !== socket.CLOSED) await new Promise((done) => socket.once("close", done));
  }
}
