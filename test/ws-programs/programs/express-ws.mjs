// express-ws, which was written for ws 7.

import assert from "node:assert/strict";
import { once } from "node:events";
import express from "express";
import expressWs from "express-ws";
import { WebSocket } from "ws-itself";

const app = express();
const { getWss } = expressWs(app);
app.use((request, _response, next) => {
  request.testing = "middleware";
  next();
});
app.ws("/echo/:room", (ws, request) => {
  ws.on("message", (message) => ws.send(`${request.testing} ${request.params.room} ${message}`));
});
app.get("/", (_request, response) => void response.send("http"));
const http = app.listen(0, "127.0.0.1");
await once(http, "listening");
const url = `ws://127.0.0.1:${http.address().port}`;

const client = new WebSocket(`${url}/echo/tea`);
await once(client, "open");
client.send("hello");
assert.equal(String((await once(client, "message"))[0]), "middleware tea hello");
assert.equal(getWss().clients.size, 1);
for (const ws of getWss().clients) ws.send("to all");
assert.equal(String((await once(client, "message"))[0]), "to all");
assert.equal(await (await fetch(url.replace("ws", "http"))).text(), "http");
// No route: it is opened, and closed.
const stray = new WebSocket(`${url}/nowhere`).on("error", () => {});
await once(stray, "close");
client.close();
await once(client, "close");
http.close();
