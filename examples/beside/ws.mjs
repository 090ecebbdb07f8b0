// WebSockets beside `ws` on one port, while a server moves from one to the other path by path.
// Run: node examples/run.mjs beside/ws      Try: curl localhost:8080 and npx wscat --connect ws://localhost:8080/chat

import { createServer as createHttpServer } from "node:http";
import { createServer } from "hawser";
import { WebSocketServer } from "ws";

const http = createHttpServer((_request, response) => void response.end("Hello over HTTP\n"));

// Without `path`: with one it answers 400 to the others that it sees.
const theirs = new WebSocketServer({ server: http });
theirs.on("connection", (socket) => {
  socket.on("error", console.error);
  socket.on("message", (data) => socket.send(`ws: ${data}`));
});

const sockets = createServer({
  path: "/chat",
  open: (client) => client.subscribe("chat"),
  message: (_client, message) => void sockets.publish("chat", message),
});
sockets.attach(http);

http.listen(Number(process.env.PORT ?? 8080), "127.0.0.1", () => {
  console.log("listening on", http.address());
});

async function stop() {
  http.close();
  theirs.close();
  for (const socket of theirs.clients) socket.close(1001);
  await sockets.close();
}
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => void stop());
