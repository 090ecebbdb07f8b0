// Two hubs of Hawser in this process, each with a server of its own: two nodes on one engine, which is the memory of the process unless there
// is another one. With a contract and history, as docs/hub.md shows; everybody may do everything, and a client may ask as often as the load
// generator does.

import { contract, createHub } from "../../packages/hawser/dist/hub/index.js";
import { MemoryBroker } from "../../packages/hawser/dist/hub/brokers/memory.js";
import { MemoryEngine } from "../../packages/hawser/dist/hub/brokers/memory-engine.js";
import { createServer, systemClock } from "../../packages/hawser/dist/index.js";
import { announce, options, publishing } from "./control.mjs";

const HISTORY = { size: 100, ttlMs: 300_000 };
/** With the default of 64 MiB there would be nothing to replay for ten thousand topics of 20 messages. */
const historyBytes = 2 ** 30;
const topics = contract({
  topics: { "room:{id}": { history: HISTORY }, "crowd:{id}": { history: HISTORY, presence: true } },
});
const silent = { debug() {}, info() {}, warn() {}, error() {} };
const makeBroker = await brokerMaker(options.engine);

async function brokerMaker(url) {
  if (url === undefined) {
    const engine = new MemoryEngine(systemClock, { bytes: historyBytes });
    return () => new MemoryBroker(engine);
  }
  if (url.startsWith("nats:")) {
    const { natsBroker } = await import("../../packages/nats/dist/index.js");
    return () => natsBroker({ url, storage: "memory" });
  }
  const { redisBroker } = await import("../../packages/redis/dist/index.js");
  return () => redisBroker({ url });
}

async function startNode() {
  const broker = makeBroker();
  const asked = { reads: 0 };
  const read = broker.read.bind(broker);
  broker.read = (...question) => {
    asked.reads++;
    return read(...question);
  };
  const hub = createHub({
    contract: topics,
    broker,
    authenticate: (token = "guest") => ({ user: token }),
    allow: { subscribe: () => true, publish: () => true, presence: () => true },
    limits: { requestsPerSecond: 1_000_000, historyBytes },
    logger: silent,
  });
  await hub.ready;
  const server = createServer(hub.serverOptions({ logLevel: "silent", compression: options.compression }));
  return { hub, broker, asked, port: (await server.listen(0)).port };
}

const [first, second] = [await startNode(), await startNode()];

announce(first.port, {
  second: () => ({ port: second.port }),
  sessions: () => ({ first: first.hub.stats.sessions, second: second.hub.stats.sessions }),
  reads: () => ({ first: first.asked.reads, second: second.asked.reads }),
  /** How long it takes from now until the engine was lost, is back, and no topic is in doubt any more. */
  async recovery() {
    const begun = performance.now();
    const until = async (isSo) => {
      while (!isSo(first.hub.state, first.hub.stats.suspects)) await new Promise((resolve) => setTimeout(resolve, 5));
    };
    await until((state, suspects) => state !== "up" || suspects > 0);
    await until((state, suspects) => state === "up" && suspects === 0);
    return { milliseconds: performance.now() - begun };
  },
  /** Where topics are. */
  positions: async (names) => Object.fromEntries(await first.broker.heads(names)),
  flood: publishing(() => first.hub.publish("room:0", "x".repeat(64))),
  async publish({ names, count, bytes }) {
    const message = "x".repeat(bytes);
    for (let i = 0; i < count; i++) {
      for (let at = 0; at < names.length; at += 100) await first.hub.broadcast(names.slice(at, at + 100), message);
    }
    return {};
  },
});
