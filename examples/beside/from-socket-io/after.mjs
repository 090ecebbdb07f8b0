// The chat of before.mjs on Hawser's hub. docs/migrating-from-socket-io.md goes through it.
// Run: node examples/run.mjs beside/from-socket-io/after

import { closeOnSignals, createServer } from "hawser";
import { contract, createHub } from "hawser/hub";
import { z } from "zod";

const hub = createHub({
  contract: contract({
    topics: { "room:{id}": { message: z.string().max(2000), history: { size: 200, ttlMs: 120_000 } } },
    calls: { time: {} },
  }),
  authenticate: (token) => (token ? { user: token } : false),
  allow: {
    subscribe: ({ user }, { id }) => id !== "staff" || user === "ada",
    publish: ({ user }, { id }) => id !== "staff" || user === "ada",
  },
  calls: { time: () => ({ now: Date.now() }) },
});

const server = createServer(hub.serverOptions());
await server.listen(Number(process.env.PORT ?? 8080));
closeOnSignals(server);
