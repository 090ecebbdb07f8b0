// The chat of before.ts on Hawser. What went away is there by default: the origin check, error listeners, heartbeat, limits on
// messages and on what waits for a slow client, and the shutdown. docs/migrating-from-ws.md goes through it.
// Run: node examples/run.mjs from-ws/after

import { closeOnSignals, createServer } from "hawser";

const server = createServer<string>({
  authenticate: ({ query }) => query.get("name") ?? "somebody",
  open(client) {
    client.subscribe("chat");
  },
  message(client, message) {
    if (message.isBinary) client.close(1003);
    else server.publish("chat", `${client.data}: ${message.text()}`, { except: client });
  },
});

await server.listen(Number(process.env["PORT"] ?? 8080));
closeOnSignals(server);
