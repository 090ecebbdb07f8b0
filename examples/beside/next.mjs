// WebSockets beside Next: a custom server, whose upgrades Hawser decides about before Next does. Hot reload works.
// Run: node examples/run.mjs beside/next      Try: open http://localhost:8080 and npx wscat --connect ws://localhost:8080/chat

import { createServer as createHttpServer } from "node:http";
import { createServer } from "hawser";
import next from "next";

const app = next({ dev: process.env.NODE_ENV !== "production", dir: import.meta.dirname });
const handle = app.getRequestHandler();
const http = createHttpServer((request, response) => void handle(request, response));

const sockets = createServer({
  path: "/chat",
  open: (client) => client.subscribe("chat"),
  message: (_client, message) => void sockets.publish("chat", message),
});
sockets.attach(http);

await app.prepare();
http.listen(Number(process.env.PORT ?? 8080), "127.0.0.1", () => {
  console.log("listening on", http.address());
});

async function stop() {
  await sockets.close();
  // Next may be compiling.
  process.exit();
}
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => void stop());
