// WebSockets beside Express: `listen` returns the HTTP server, and that is what Hawser attaches to.
// Run: node examples/run.mjs express      Try: curl localhost:8080 and npx wscat --connect ws://localhost:8080/chat

import express from "express";
import { closeOnSignals, createServer } from "hawser";

const app = express();
app.get("/", (_request, response) => void response.send("Hello over HTTP\n"));

const http = app.listen(Number(process.env["PORT"] ?? 8080), "127.0.0.1", () => {
  console.log("listening on", http.address());
});

const sockets = createServer({
  path: "/chat",
  open: (client) => client.subscribe("chat"),
  message: (_client, message) => void sockets.publish("chat", message),
});
sockets.attach(http);

closeOnSignals(http, sockets);
