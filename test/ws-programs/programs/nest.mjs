// NestJS on @nestjs/platform-ws: two gateways on one port by their paths, one on a port of its own, and observables as answers.

import "reflect-metadata";
import assert from "node:assert/strict";
import { once } from "node:events";
import { Module } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { WsAdapter } from "@nestjs/platform-ws";
import { SubscribeMessage, WebSocketGateway, WebSocketServer } from "@nestjs/websockets";
import { from, map } from "rxjs";
import { WebSocket as Own } from "ws";
import { WebSocket } from "ws-itself";

class Chat {
  clients = 0;
  handleConnection(client) {
    assert.ok(client instanceof Own);
    this.clients++;
  }
  handleDisconnect() {
    this.clients--;
  }
  echo(_client, data) {
    return { event: "echo", data };
  }
  count() {
    return from([1, 2, 3]).pipe(map((data) => ({ event: "count", data })));
  }
  all(_client, data) {
    for (const client of this.server.clients) client.send(JSON.stringify({ event: "all", data }));
  }
}
class News {
  latest() {
    return { event: "latest", data: "none" };
  }
}
class App {}
const decorate = (Class, options, methods) => {
  for (const name of methods)
    SubscribeMessage(name)(Class.prototype, name, Object.getOwnPropertyDescriptor(Class.prototype, name));
  WebSocketGateway(options)(Class);
};
decorate(Chat, { path: "/chat" }, ["echo", "count", "all"]);
WebSocketServer()(Chat.prototype, "server");
decorate(News, { path: "/news" }, ["latest"]);
Module({ providers: [Chat, News] })(App);

const app = await NestFactory.create(App, { logger: ["error"] });
app.useWebSocketAdapter(new WsAdapter(app));
await app.listen(0, "127.0.0.1");
const url = (await app.getUrl()).replace("http", "ws");

const open = async (path) => {
  const socket = new WebSocket(url + path);
  const seen = [];
  socket.on("message", (data) => seen.push(JSON.parse(data).data));
  await once(socket, "open");
  const ask = async (event, data, answers) => {
    seen.length = 0;
    socket.send(JSON.stringify({ event, data }));
    while (seen.length < answers) await once(socket, "message");
    return [...seen];
  };
  return { socket, ask };
};
const chat = await open("/chat");
const news = await open("/news");
assert.deepEqual(await chat.ask("echo", { text: "hello" }, 1), [{ text: "hello" }]);
assert.deepEqual(await chat.ask("count", null, 3), [1, 2, 3]);
assert.deepEqual(await news.ask("latest", null, 1), ["none"]);
assert.deepEqual(await chat.ask("all", "x", 1), ["x"]);
assert.equal(app.get(Chat).clients, 1);
const [stray] = await once(new WebSocket(`${url}/nowhere`), "error");
assert.match(stray.message, /Unexpected server response: 4\d\d|socket hang up/);
chat.socket.close();
await once(chat.socket, "close");
assert.equal(app.get(Chat).clients, 0);
const closed = once(news.socket, "close");
await app.close();
await closed;
