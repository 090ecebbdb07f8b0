// Several WebSocket servers on one HTTP server, each with its own rules: hand each handshake to one of them.
// `handleUpgrade` takes what the `upgrade` event gives and answers it in any case, with 404 where `path` does not fit.
// Run: node examples/run.mjs handle-upgrade      Try: npx wscat --connect ws://localhost:8080/echo

import { createServer as createHttpServer } from "node:http";
import { closeOnSignals, createServer } from "hawser";

const echo = createServer({
  path: "/echo",
  maxMessageBytes: 1024,
  message: (client, message) => client.send(message),
});

const news = createServer({
  path: "/news",
  subprotocols: ["news.v1"],
  open: (client) => client.send("nothing new"),
});

const http = createHttpServer((_request, response) => {
  response.end("Hello over HTTP\n");
});
http.on("upgrade", (request, socket, head) => {
  const server = request.url?.startsWith("/news") ? news : echo;
  server.handleUpgrade(request, socket, head);
});
http.listen(Number(process.env["PORT"] ?? 8080), "127.0.0.1", () => {
  console.log("listening on", http.address());
});

closeOnSignals(http, echo, news);
