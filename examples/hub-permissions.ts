// Who may do what in a hub: tokens, rules for each topic, a plain client, and taking it away again. docs/permissions.md explains it.
// Run: node examples/run.mjs hub-permissions      Try: curl localhost:8080/token?user=ada, which any page would get after a login

import { randomBytes } from "node:crypto";
import { closeOnSignals, createServer } from "hawser";
import { contract, createHub, HubError } from "hawser/hub";
import { jwt } from "@hawser/jwt";
import { SignJWT } from "jose";
import { z } from "zod";

const secret = process.env["TOKEN_SECRET"] ?? randomBytes(48).toString("base64");

/** Who is in which room: yours is a database. */
const rooms = new Map([["lobby", new Set(["ada", "grace"])]]);

function isIn(user: string, room: string): boolean {
  return rooms.get(room)?.has(user) === true;
}

const minutes = { size: 200, ttlMs: 300_000 };

const hub = createHub({
  contract: contract({
    topics: {
      "room:{id}": { history: minutes, presence: true },
      "inbox:{user}": { history: minutes },
      news: { history: minutes },
    },
    calls: { expel: { input: z.object({ room: z.string(), user: z.string() }) } },
  }),
  authenticate: jwt({ secret }),
  allow: {
    subscribe({ user }, topic) {
      switch (topic.name) {
        case "room:{id}":
          return isIn(user, topic.id); // or a promise of it
        case "inbox:{user}":
          return user === topic.user;
        case "news":
          return true;
      }
    },
    publish: ({ user }, topic) => topic.name === "room:{id}" && isIn(user, topic.id),
    presence: ({ user }, topic) => topic.name === "room:{id}" && isIn(user, topic.id),
  },
  calls: {
    async expel({ room, user }, context) {
      if (context.user.user !== "ada") throw new HubError("forbidden", "only Ada may do that");
      // First what `allow` will say, and then what there is already.
      rooms.get(room)?.delete(user);
      await hub.revoke({ user, topic: `room:${room}` });
    },
  },
});

const server = createServer(
  hub.serverOptions({
    // A bare WebSocket has no token: what it gets is for you to say, and nobody else is asked.
    open: (client) => (client.subprotocol === "" ? hub.join(client, "news") : undefined),
    // What your login does.
    async request({ url = "" }, response) {
      const user = new URL(url, "http://localhost").searchParams.get("user");
      if (user === null) return response.writeHead(404).end();
      const token = new SignJWT().setProtectedHeader({ alg: "HS256" }).setSubject(user).setExpirationTime("10m");
      return response.end(await token.sign(new TextEncoder().encode(secret)));
    },
  }),
);
await server.listen(Number(process.env["PORT"] ?? 8080));
closeOnSignals(server);
