// WebSockets beside Socket.IO on one port: each has its path.
// Run: node examples/run.mjs beside/socket-io      Try: curl localhost:8080 and npx wscat --connect ws://localhost:8080/chat

import { createServer as createHttpServer } from "node:http";
import { createServer } from "hawser";
import { Server } from "socket.io";

const http = createHttpServer((_request, response) => void response.end("Hello over HTTP\n"));

const io = new Server(http);
io.on("connection", (socket) => {
  socket.on("echo", (text, answer) => answer(text));
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
  await sockets.close();
  // This closes the HTTP server as well.
  await io.close();
}
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => void stop());
