// WebSockets beside crossws on one port: crossws answers every upgrade that it sees, and sees none of those that Hawser takes.
// Run: node examples/run.mjs beside/crossws      Try: curl localhost:8080 and npx wscat --connect ws://localhost:8080/chat

import { createServer as createHttpServer } from "node:http";
import crossws from "crossws/adapters/node";
import { createServer } from "hawser";

const http = createHttpServer((_request, response) => void response.end("Hello over HTTP\n"));

const theirs = crossws({
  hooks: {
    message: (peer, message) => void peer.send(`crossws: ${message.text()}`),
  },
});
http.on("upgrade", (request, socket, head) => void theirs.handleUpgrade(request, socket, head));

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
  theirs.closeAll(1001);
  await sockets.close();
}
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => void stop());
