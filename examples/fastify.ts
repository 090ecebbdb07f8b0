// WebSockets beside Fastify: Hawser attaches to `app.server`, and closes with the app.
// Run: node examples/run.mjs fastify      Try: curl localhost:8080 and npx wscat --connect ws://localhost:8080/chat

import { fastify } from "fastify";
import { closeOnSignals, createServer } from "hawser";

const app = fastify();
app.get("/", async () => "Hello over HTTP\n");

const sockets = createServer({
  path: "/chat",
  open: (client) => client.subscribe("chat"),
  message: (_client, message) => void sockets.publish("chat", message),
});
sockets.attach(app.server);
// app.close() waits for every connection: the WebSockets have to go first.
app.addHook("preClose", async () => void (await sockets.close()));

await app.listen({ port: Number(process.env["PORT"] ?? 8080), host: "127.0.0.1" });
console.log("listening on", app.server.address());

closeOnSignals(app);
