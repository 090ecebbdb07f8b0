// webpack-dev-server: its page's socket is told of the build, and of the next one after a file was changed.

import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import webpack from "webpack";
import WebpackDevServer from "webpack-dev-server";
import { WebSocket } from "ws-itself";

const context = mkdtempSync(join(tmpdir(), "hawser-webpack-"));
const entry = join(context, "index.js");
writeFileSync(entry, "console.log(1);");
const compiler = webpack({ mode: "development", context, entry, infrastructureLogging: { level: "error" } });
const server = new WebpackDevServer({ port: 0, host: "127.0.0.1", open: false, hot: true, static: false }, compiler);
await server.start();
const { port } = server.server.address();

const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, { headers: { origin: `http://127.0.0.1:${port}` } });
const messages = [];
socket.on("message", (data) => messages.push(JSON.parse(data)));
const has = async (type, from = 0) => {
  while (!messages.slice(from).some((message) => message.type === type)) await once(socket, "message");
};
await has("hash");
await has("ok");
const { length } = messages;
writeFileSync(entry, "console.log(2);");
await has("invalid", length);
await has("ok", length);
assert.notEqual(
  messages.findLast(({ type }) => type === "hash").data,
  messages.find(({ type }) => type === "hash").data,
);
const closed = once(socket, "close");
await server.stop();
await closed;
rmSync(context, { recursive: true });
