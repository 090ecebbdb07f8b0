// Presence: who is in a room. A room is the path; someone with two tabs open is there once, and has left when both are closed.
// Run: node examples/run.mjs recipes/presence      Try: npx wscat --connect "ws://localhost:8080/lobby?name=ada" (and another name)

import { type Client, closeOnSignals, createServer } from "hawser";

/** By room, the connections of each name. */
const rooms = new Map<string, Map<string, number>>();

const server = createServer({
  // Your own check of who it is goes here.
  authenticate: (request) => ({ name: request.query.get("name") ?? "somebody" }),
  open(client) {
    const { path, data } = client;
    const present = rooms.get(path) ?? new Map<string, number>();
    rooms.set(path, present);
    const connections = present.get(data.name) ?? 0;
    present.set(data.name, connections + 1);
    client.subscribe(path);
    client.send(JSON.stringify({ type: "present", names: [...present.keys()] }));
    if (connections === 0) announce(path, { type: "joined", name: data.name }, client);
  },
  close(client) {
    const { path, data } = client;
    const present = rooms.get(path)!;
    const connections = present.get(data.name)! - 1;
    if (connections > 0) return void present.set(data.name, connections);
    present.delete(data.name);
    if (present.size === 0) rooms.delete(path);
    announce(path, { type: "left", name: data.name });
  },
});

function announce(room: string, event: object, except?: Client<{ name: string }>): void {
  server.publish(room, JSON.stringify(event), { except });
}

await server.listen(Number(process.env["PORT"] ?? 8080));
closeOnSignals(server);
