// WebSockets beside Hono on Node: `serve` of @hono/node-server returns the HTTP server that Hawser attaches to.
// Run: node examples/run.mjs hono      Try: curl localhost:8080 and npx wscat --connect ws://localhost:8080/chat

import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { closeOnSignals, createServer } from "hawser";

const app = new Hono();
app.get("/", (context) => context.text("Hello over HTTP\n"));

const http = serve(
  { fetch: app.fetch, port: Number(process.env["PORT"] ?? 8080), hostname: "127.0.0.1" },
  (address) => {
    console.log("listening on", address);
  },
);

const sockets = createServer({
  path: "/chat",
  open: (client) => client.subscribe("chat"),
  message: (_client, message) => void sockets.publish("chat", message),
});
// The type of `serve` also covers HTTP/2, whose servers know no upgrade.
sockets.attach(http);

closeOnSignals(http, sockets);
