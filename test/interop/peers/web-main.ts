/**
 * Runs web.ts in Node or Bun over standard input and output.
 * Usage: node web-main.js builtin | node web-main.js undici | bun web-main.js builtin
 */
import { channel } from "node:diagnostics_channel";
import { createInterface } from "node:readline";
import type { WebSocket as UndiciSocket } from "undici";
import { type WebHost, type WebSocketLike, webPeer } from "./web.js";

type Command = Parameters<ReturnType<typeof webPeer>>[0];

const emit = (event: object): void => void process.stdout.write(`${JSON.stringify(event)}\n`);

const obey = process.argv[2] === "undici" ? webPeer(await undici()) : webPeer(builtIn());
createInterface({ input: process.stdin })
  .on("line", (line) => obey(JSON.parse(line) as Command))
  .on("close", () => process.exit(0));

/** Bun's WebSocket has a ping method and pong events; Node's has neither. */
type BunSocket = WebSocketLike & {
  ping(payload: string): void;
  addEventListener(type: "pong", listener: (event: { data: Uint8Array }) => void): void;
};

function builtIn(): WebHost<BunSocket> {
  const { WebSocket } = globalThis as unknown as { WebSocket: new (url: string) => BunSocket };
  if (!("ping" in WebSocket.prototype)) return { WebSocket, emit };
  return {
    WebSocket,
    emit,
    ping: (socket, payload) => socket.ping(payload),
    onPong: (socket, heard) => socket.addEventListener("pong", ({ data }) => heard(String(Buffer.from(data)))),
  };
}

async function undici(): Promise<WebHost<UndiciSocket>> {
  const { WebSocket, ping } = await import("undici");
  return {
    WebSocket,
    emit,
    ping: (socket, payload) => ping(socket, Buffer.from(payload)),
    onPong: (socket, heard) =>
      channel("undici:websocket:pong").subscribe((message) => {
        const { websocket, payload } = message as { websocket: unknown; payload: Buffer };
        if (websocket === socket) heard(String(payload));
      }),
  };
}
