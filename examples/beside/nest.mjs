// WebSockets beside Nest, and beside a gateway of its own: Nest's WsAdapter ends every upgrade that it does not know, and sees none of those that
// Hawser takes.
// Run: node examples/run.mjs beside/nest      Try: curl localhost:8080 and npx wscat --connect ws://localhost:8080/chat

import "reflect-metadata";
import { Controller, Get, Module } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { WsAdapter } from "@nestjs/platform-ws";
import { SubscribeMessage, WebSocketGateway } from "@nestjs/websockets";
import { createServer } from "hawser";

// In TypeScript these are decorators: @Controller() class Hello { @Get() hello() {…} }
class Hello {
  hello() {
    return "Hello over HTTP\n";
  }
}
decorate(Hello, "hello", Get());
Controller()(Hello);

class Events {
  time() {
    return { event: "time", data: "now" };
  }
}
decorate(Events, "time", SubscribeMessage("time"));
WebSocketGateway({ path: "/events" })(Events);

class App {}
Module({ controllers: [Hello], providers: [Events] })(App);

const app = await NestFactory.create(App, { logger: ["error", "warn"] });
app.useWebSocketAdapter(new WsAdapter(app));

const sockets = createServer({
  path: "/chat",
  open: (client) => client.subscribe("chat"),
  message: (_client, message) => void sockets.publish("chat", message),
});
sockets.attach(app.getHttpServer());

await app.listen(Number(process.env.PORT ?? 8080), "127.0.0.1");
console.log("listening on", app.getHttpServer().address());

async function stop() {
  await sockets.close();
  await app.close();
}
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => void stop());

function decorate(target, method, decorator) {
  decorator(target.prototype, method, Object.getOwnPropertyDescriptor(target.prototype, method));
}
