// Who may connect: a session token in a cookie (browsers) or in the query (everything else) becomes client.data; without a valid
// one the handshake is refused with 401 and no client is made. Pages of other sites are refused with 403 before this is asked.
// Run: node examples/run.mjs authenticate
// Try: npx wscat --connect "ws://localhost:8080/?token=token-of-ada"

import { closeOnSignals, createServer, Refuse, type UpgradeRequest } from "hawser";

interface User {
  name: string;
}

// Stands for a database.
const sessions = new Map<string, User>([
  ["token-of-ada", { name: "Ada" }],
  ["token-of-grace", { name: "Grace" }],
]);

const server = createServer<User>({
  async authenticate(request) {
    // A token in the query is seen by every proxy and its log on the way; where you can, use the cookie.
    const token = cookie(request, "session") ?? request.query.get("token");
    const user = token === null ? undefined : await findUser(token);
    if (user === undefined) throw new Refuse(401, "log in first");
    return user;
  },
  open(client) {
    client.send(`Welcome, ${client.data.name}`);
  },
});

async function findUser(token: string): Promise<User | undefined> {
  return sessions.get(token);
}

function cookie({ headers }: UpgradeRequest, name: string): string | null {
  for (const pair of (headers.cookie ?? "").split(";")) {
    const [key, value] = pair.trim().split("=", 2);
    if (key === name && value !== undefined) return value;
  }
  return null;
}

await server.listen(Number(process.env["PORT"] ?? 8080));
closeOnSignals(server);
