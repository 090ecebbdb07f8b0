// Publishes to the Redis at this URL, and prints how many bytes of each publish outlive the young generation. A process of its own: node:test keeps
// some of each promise.
import { redisBroker } from "@hawser/redis";
import { keptBy } from "../../harness/heap.js";

const [ROUNDS, EACH] = [10, 1_000];
const broker = redisBroker({ url: process.argv[2]!, timeoutMs: 20_000 });
await broker.start({ state() {}, message() {}, told() {}, foreign() {} });
const bytes = Buffer.from('"one"');
const round = async (): Promise<void> => {
  for (let n = 0; n < EACH; n++) await broker.publish("topic", bytes, { binary: false, size: 100, ttlMs: 600_000 });
};
for (let n = 0; n < 3; n++) await round();
console.log(((await keptBy(ROUNDS, round)) / ROUNDS / EACH).toFixed(1));
await broker.close();
