// Messages that are checked against a schema, with zod; any other library of the kind does as well. What is no JSON closes its client:
// `message.json()` throws, and Hawser knows that this is the client's fault.
// Run: node examples/run.mjs recipes/schema
// Try: npx wscat --connect ws://localhost:8080 --execute '{"type":"say","text":"hello"}'

import { closeOnSignals, createServer } from "hawser";
import { z } from "zod";

const Command = z.discriminatedUnion("type", [
  z.object({ type: z.literal("name"), name: z.string().min(1).max(40) }),
  z.object({ type: z.literal("say"), text: z.string().max(1000) }),
]);

const server = createServer({
  data: () => ({ name: "somebody" }),
  open: (client) => client.subscribe("lobby"),
  message(client, message) {
    const { success, data: command, error } = Command.safeParse(message.json());
    if (!success) return void client.send(JSON.stringify({ type: "error", message: z.prettifyError(error) }));
    // From here on TypeScript knows what it is.
    switch (command.type) {
      case "name":
        client.data.name = command.name;
        return;
      case "say":
        server.publish("lobby", JSON.stringify({ type: "said", name: client.data.name, text: command.text }));
    }
  },
});

await server.listen(Number(process.env["PORT"] ?? 8080));
closeOnSignals(server);
