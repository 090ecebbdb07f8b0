// WebSockets beside Vite in middleware mode, on one port with its hot reload.
// Run: node examples/run.mjs beside/vite      Try: open http://localhost:8080 and npx wscat --connect ws://localhost:8080/chat

import { createServer as createHttpServer } from "node:http";
import { createServer } from "hawser";
import { createServer as createViteServer } from "vite";

const http = createHttpServer();
const vite = await createViteServer({
  root: import.meta.dirname,
  // Without this, Vite's hot reload has a port of its own.
  server: { middlewareMode: { server: http }, ws: { server: http } },
});
http.on("request", vite.middlewares);

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
  await sockets.close();
  await vite.close();
}
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => void stop());
