// tRPC's WebSocket handler: a query, a subscription that the client stops, keep-alive, and the broadcast that asks clients to reconnect.

import assert from "node:assert/strict";
import { on, once } from "node:events";
import { EventEmitter } from "node:events";
import { createTRPCClient, createWSClient, wsLink } from "@trpc/client";
import { initTRPC } from "@trpc/server";
import { applyWSSHandler } from "@trpc/server/adapters/ws";
import { WebSocketServer } from "ws";
import { WebSocket } from "ws-itself";

const events = new EventEmitter();
const t = initTRPC.create();
const router = t.router({
  greet: t.procedure.input((name) => String(name)).query(({ input }) => `hello ${input}`),
  ticks: t.procedure.subscription(async function* ({ signal }) {
    events.emit("subscribed");
    for await (const [tick] of on(events, "tick", { signal })) yield tick;
  }),
});

const wss = new WebSocketServer({ port: 0, host: "127.0.0.1" });
await once(wss, "listening");
const handler = applyWSSHandler({ wss, router, keepAlive: { enabled: true, pingMs: 20, pongWaitMs: 5_000 } });
let opened = 0;
const ws = createWSClient({
  url: `ws://127.0.0.1:${wss.address().port}`,
  WebSocket,
  onOpen: () => opened++,
  retryDelayMs: () => 0,
});
const client = createTRPCClient({ links: [wsLink({ client: ws })] });

assert.equal(await client.greet.query("ada"), "hello ada");
const seen = [];
const subscribed = once(events, "subscribed");
const finished = new Promise((resolve, reject) => {
  const subscription = client.ticks.subscribe(undefined, {
    onData(tick) {
      if (seen.push(tick) === 3) subscription.unsubscribe();
    },
    onComplete: resolve,
    onError: reject,
  });
});
await subscribed;
for (let tick = 0; tick < 3; tick++) events.emit("tick", tick);
await finished;
assert.deepEqual(seen, [0, 1, 2]);

handler.broadcastReconnectNotification();
while (opened < 2) await new Promise(setImmediate);
assert.equal(await client.greet.query("grace"), "hello grace");
await ws.close();
await new Promise((resolve) => wss.close(resolve));
