/**
 * Runs web.js in Node or Bun over standard input and output.
 * Usage: node web-main.mjs builtin | node web-main.mjs undici | bun web-main.mjs builtin
 */
import { channel } from "node:diagnostics_channel";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

const peer = (0, eval)(readFileSync(new URL("web.js", import.meta.url), "utf8"));
const emit = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);

const { WebSocket, ping } = process.argv[2] === "undici" ? await undici() : builtIn();
const obey = peer({ WebSocket, emit, ping });
createInterface({ input: process.stdin })
  .on("line", (line) => obey(JSON.parse(line)))
  .on("close", () => process.exit(0));

function builtIn() {
  const { WebSocket } = globalThis;
  // Bun's WebSocket has a ping method; Node's has not.
  return { WebSocket, ping: WebSocket.prototype.ping && ((socket, payload) => socket.ping(payload)) };
}

async function undici() {
  const { WebSocket, ping } = await import("undici");
  channel("undici:websocket:pong").subscribe(({ websocket, payload }) => {
    const pong = new Event("pong");
    pong.data = payload;
    websocket.dispatchEvent(pong);
  });
  return { WebSocket, ping: (socket, payload) => ping(socket, Buffer.from(payload)) };
}
