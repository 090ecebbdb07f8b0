// Follows the prices of hub-prices.ts: the latest of a symbol at once, and again after a lost connection. In a page it is the same code.
// Run: node examples/run.mjs follow-prices      Try: another symbol by SYMBOL=INIT; with hub-prices stopped and started again

import { connect } from "@hawser/client";
import { WebSocket } from "ws";

const url = process.env["URL"] ?? "ws://localhost:8080/";
// Browsers, and Node from 22 on, have a WebSocket of their own.
const live = connect(url, { WebSocket });
const symbol = process.env["SYMBOL"] ?? "ACME";
const prices = live.topic("price:{symbol}", { symbol });

let shown = 0;
/** A page of history and what is live may overtake each other: the newer one counts. */
function show(data: unknown, offset = 0): void {
  if (offset <= shown) return;
  shown = offset;
  console.log(symbol, (data as { price: number }).price);
}

async function showLatest(): Promise<void> {
  shown = 0;
  const { messages } = await prices.history({ max: 1 });
  for (const { data, offset } of messages) show(data, offset);
}

prices.subscribe(
  {
    message: (data, { offset }) => show(data, offset),
    // More than one was missed, and the hub replays all or nothing.
    gap: () => void showLatest().catch(console.error),
    end: ({ code }) => console.error(`the subscription has ended: ${code}`),
  },
  { last: 1 },
);
