// Live prices, of which the latest value alone is kept. docs/recovery.md explains it; follow-prices.ts is the client.
// Run: node examples/run.mjs hub-prices      Try: node examples/run.mjs follow-prices

import { closeOnSignals, createServer } from "hawser";
import { contract, createHub } from "hawser/hub";
import { z } from "zod";

const hub = createHub({
  contract: contract({
    topics: {
      "price:{symbol}": { message: z.object({ price: z.number() }), history: { size: 1, ttlMs: 86_400_000 } },
    },
  }),
  // Anybody may read, and nobody but the server may publish.
  allow: { subscribe: () => true },
});

const server = createServer(hub.serverOptions());
await server.listen(Number(process.env["PORT"] ?? 8080));

/** Yours come from an exchange. */
const prices = new Map([
  ["ACME", 100],
  ["INIT", 40],
]);

async function trade(): Promise<void> {
  for (const [symbol, price] of prices) {
    const next = Math.round(price * (0.99 + 0.02 * Math.random()) * 100) / 100;
    prices.set(symbol, next);
    await hub.publish(`price:${symbol}`, { price: next });
  }
}
await trade();
const trading = setInterval(() => void trade(), 500);
closeOnSignals(server, { close: () => clearInterval(trading) });
