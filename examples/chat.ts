// A chat room in ten lines: what a client sends goes to everyone else.
// Run: node examples/run.mjs chat      Try: npx wscat --connect ws://localhost:8080 (twice)

import { closeOnSignals, createServer } from "hawser";

const server = createServer({
  open(client) {
    client.subscribe("lobby");
  },
  message(client, message) {
    server.publish("lobby", message, { except: client });
  },
});
await server.listen(Number(process.env["PORT"] ?? 8080));
closeOnSignals(server);
