// A limit of messages for each user, over all connections of that user. Who sends faster is read more slowly: the handler returns a promise,
// and until it is settled Hawser reads no more of this client. Nothing is lost, and nothing piles up.
// Run: node examples/run.mjs recipes/message-limit      Try: npx wscat --connect "ws://localhost:8080/?user=ada"

import { setTimeout as sleep } from "node:timers/promises";
import { closeOnSignals, createServer } from "hawser";

const PER_SECOND = 20;
const AT_ONCE = 10;

class Budget {
  connections = 0;
  #paidUntil = 0;

  /** Pays for one message. @returns how long to wait before it is handled, in milliseconds */
  pay(now = performance.now()): number {
    this.#paidUntil = Math.max(this.#paidUntil, now - (AT_ONCE * 1000) / PER_SECOND) + 1000 / PER_SECOND;
    return Math.max(0, this.#paidUntil - now);
  }
}

const budgets = new Map<string, Budget>();

const server = createServer({
  // Your own check of who it is goes here.
  authenticate: (request) => ({ user: request.query.get("user") ?? "nobody" }),
  open({ data }) {
    const budget = budgets.get(data.user) ?? new Budget();
    budgets.set(data.user, budget);
    budget.connections++;
  },
  async message(client, message) {
    const waitMs = budgets.get(client.data.user)!.pay();
    // Or, not to wait for anybody: return client.close(1008, "too many messages");
    if (waitMs > 0) await sleep(waitMs);
    client.send(message);
  },
  close({ data }) {
    if (--budgets.get(data.user)!.connections === 0) budgets.delete(data.user);
  },
});

await server.listen(Number(process.env["PORT"] ?? 8080));
closeOnSignals(server);
