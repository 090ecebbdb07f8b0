// WebSockets beside an HTTP server of node:http. `attach` takes the handshakes; everything else stays with your server.
// Run: node examples/run.mjs node-http      Try: curl localhost:8080 and npx wscat --connect ws://localhost:8080/chat

import { createServer as createHttpServer } from "node:http";
import { closeOnSignals, createServer } from "hawser";

const http = createHttpServer((_request, response) => {
  response.end("Hello over HTTP\n");
});

const sockets = createServer({
  path: "/chat",
  open: (client) => client.subscribe("chat"),
  message: (_client, message) => void sockets.publish("chat", message),
});
sockets.attach(http);

http.listen(Number(process.env["PORT"] ?? 8080), "127.0.0.1", () => {
  console.log("listening on", http.address());
});

closeOnSignals(http, sockets);
