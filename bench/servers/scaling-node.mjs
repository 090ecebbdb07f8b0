// One node and more of them: hubs of Hawser on the engine that nodes share, or on their own memory. The first publishes when it is told to.

import { createHub } from "../../packages/hawser/dist/hub/index.js";
import { createServer } from "../../packages/hawser/dist/index.js";
import { announce, options } from "./control.mjs";

const silent = { debug() {}, info() {}, warn() {}, error() {} };

async function brokerOf(url) {
  if (url === undefined) return undefined;
  if (url.startsWith("nats:")) return (await import("../../packages/nats/dist/index.js")).natsBroker({ url });
  return (await import("../../packages/redis/dist/index.js")).redisBroker({ url });
}

async function startNode() {
  const hub = createHub({
    broker: await brokerOf(options.engine),
    defaultTopic: { history: { size: 100, ttlMs: 300_000 } },
    allow: { subscribe: () => true },
    limits: { requestsPerSecond: 1_000_000 },
    logger: silent,
  });
  await hub.ready;
  const server = createServer(hub.serverOptions({ logLevel: "silent" }));
  return { hub, port: (await server.listen(0)).port };
}

const { hub, port } = await startNode();

announce(port, {
  /** A node beside the first one. */
  another: async () => ({ port: (await startNode()).port }),
  /** Publishes, topic after topic; so many are under way at a time. */
  async publish({ topics, count, bytes, inFlight }) {
    const message = "x".repeat(bytes);
    let next = 0;
    const lane = async () => {
      while (next < count) await hub.publish(topics[next++ % topics.length], message);
    };
    await Promise.all(Array.from({ length: inFlight }, lane));
    return {};
  },
});
