// Notifications that a backend in another language sends by HTTP: docs/hub-http.md. The backend is notify.py.
// Run: node examples/run.mjs hub-notifications
// Try: HUB_KEY=a-key-for-trying-this-out python3 examples/notify.py ada "Your parcel is here"

import { closeOnSignals, createServer } from "hawser";
import { contract, createHub } from "hawser/hub";
import { z } from "zod";

const hub = createHub({
  contract: contract({
    topics: {
      // For a day: a laptop that was asleep gets what it missed, and a page that is loaded anew begins with `last: 50`.
      "inbox:{user}": {
        message: z.object({ title: z.string(), at: z.iso.datetime() }),
        history: { size: 50, ttlMs: 86_400_000 },
      },
    },
  }),
  // Here a name is enough for a token; `jwt` of @hawser/jwt takes real ones.
  authenticate: (token) => (token === undefined ? false : { user: token }),
  // Everybody reads their own inbox, and only the backend writes.
  allow: { subscribe: ({ user }, topic) => topic.user === user },
});

// A key of your own: openssl rand -base64 24. This backend may publish, and nothing else.
const key = process.env["HUB_KEY"] ?? "a-key-for-trying-this-out";
const api = hub.http({ key: { key, may: ["publish"] } });

const server = createServer(
  hub.serverOptions({
    request: (request, response) => api(request, response) || response.writeHead(404).end(),
  }),
);
await server.listen(Number(process.env["PORT"] ?? 8080));
closeOnSignals(server);
