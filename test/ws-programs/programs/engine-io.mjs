// Engine.IO: what Socket.IO stands on. The upgrade, the heartbeat, the headers that it sets, and `allowRequest` which refuses.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { Socket } from "engine.io-client";
import { attach } from "engine.io";

const http = createServer();
const server = attach(http, {
  pingInterval: 50,
  pingTimeout: 5_000,
  cookie: { name: "io" },
  allowRequest: (request, decide) => decide(null, !request.url.includes("no=1")),
});
server.on("headers", (headers) => (headers["x-engine"] = "1"));
http.listen(0, "127.0.0.1");
await once(http, "listening");
const url = `ws://127.0.0.1:${http.address().port}`;

server.on("connection", (socket) => socket.on("message", (data) => socket.send(data)));

const client = new Socket(url, { transports: ["polling", "websocket"] });
const [transport] = await once(client, "upgrade");
assert.equal(transport.name, "websocket");
for (const data of ["utf8 — string", new Uint8Array([0, 255])]) {
  client.send(data);
  const [back] = await once(client, "message");
  assert.deepEqual(typeof back === "string" ? back : new Uint8Array(back), data);
}
await once(client, "heartbeat");
await once(client, "heartbeat");
const closed = once(client, "close");
server.clients[client.id].close();
assert.equal((await closed)[0], "transport close");

const refused = new Socket(`${url}?no=1`, { transports: ["websocket"] });
const [error] = await once(refused, "error");
assert.equal(error.message, "websocket error");
server.close();
http.close();
