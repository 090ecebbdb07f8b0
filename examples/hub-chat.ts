// A chat that misses nothing: a hub whose rooms keep their messages and say who is there. docs/hub.md explains it.
// Run: node examples/run.mjs hub-chat      Try: python3 examples/wire-client.py ws://localhost:8080/ room:lobby ada

import { closeOnSignals, createServer } from "hawser";
import { contract, createHub } from "hawser/hub";

const chat = contract({
  topics: { "room:{id}": { history: { size: 200, ttlMs: 300_000 }, presence: true } },
});

const hub = createHub({
  contract: chat,
  // Here a name is enough for a token; `jwt` of @hawser/jwt takes real ones.
  authenticate: (token) => (token === undefined ? false : { user: token }),
  // Left out, nobody may.
  allow: { subscribe: () => true, publish: () => true, presence: () => true },
});

const server = createServer(hub.serverOptions());
await server.listen(Number(process.env["PORT"] ?? 8080));
closeOnSignals(server);
