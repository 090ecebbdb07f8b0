// @fastify/websocket: routes, hooks that refuse, a duplex stream, and the injection for tests, which has no network.

import assert from "node:assert/strict";
import { once } from "node:events";
import websocket from "@fastify/websocket";
import Fastify from "fastify";
import { createWebSocketStream, WebSocket as Own } from "ws";
import { WebSocket } from "ws-itself";

const app = Fastify();
await app.register(websocket, { options: { maxPayload: 100, clientTracking: true } });
app.addHook("preValidation", async (request, reply) => {
  if (request.query.token === "bad") await reply.code(401).send("no");
});
app.get("/echo/:room", { websocket: true }, (socket, request) => {
  assert.ok(socket instanceof Own);
  socket.on("message", (data, isBinary) => socket.send(isBinary ? data : `${request.params.room}: ${data}`));
});
app.get("/stream", { websocket: true }, (socket) => {
  const stream = createWebSocketStream(socket, { encoding: "utf8" });
  stream.pipe(stream);
});
app.get("/throws", { websocket: true }, () => {
  throw new Error("handler");
});
app.route({ url: "/both", method: "GET", handler: () => "http", wsHandler: (socket) => socket.send("ws") });
const url = (await app.listen({ port: 0 })).replace("http", "ws");

const heard = async (path, data) => {
  const socket = new WebSocket(url + path);
  const message = once(socket, "message");
  if (data !== undefined) socket.on("open", () => socket.send(data));
  const [[bytes]] = [await message];
  socket.close();
  await once(socket, "close");
  return String(bytes);
};
assert.equal(await heard("/echo/tea", "hello"), "tea: hello");
assert.equal(await heard("/stream", "flow"), "flow");
assert.equal(await heard("/both"), "ws");
assert.equal(await (await fetch(`${url.replace("ws", "http")}/both`)).text(), "http");

const failing = async (path) => (await once(new WebSocket(url + path), "error"))[0].message;
assert.equal(await failing("/echo/tea?token=bad"), "Unexpected server response: 401");
// A route that there is not: it is opened, and closed.
const [, response] = await once(
  new WebSocket(`${url}/nowhere`).on("error", () => {}),
  "unexpected-response",
).catch((e) => [, e]);
assert.equal(response.statusCode, 404);
const thrown = new WebSocket(`${url}/throws`).on("error", () => {});
assert.equal((await once(thrown, "close"))[0], 1006);
const long = new WebSocket(`${url}/echo/tea`);
long.on("open", () => long.send("x".repeat(101)));
assert.equal((await once(long, "close"))[0], 1009);

const injected = await app.injectWS("/echo/injected");
injected.send("hello");
assert.equal(String((await once(injected, "message"))[0]), "injected: hello");
injected.terminate();
const open = new WebSocket(`${url}/echo/tea`);
await once(open, "open");
const [[code]] = await Promise.all([once(open, "close"), app.close()]);
assert.equal(code, 1005);
