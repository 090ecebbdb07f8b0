// The broker on one Redis server: what holds for every broker.

import { describe } from "node:test";
import { redisBroker } from "@hawser/redis";
import { sleep } from "../harness/concurrency.js";
import { brokerContract } from "../hub/broker-contract.js";
import { redis, RedisServer } from "./harness/redis-server.js";

describe("on one server", { skip: redis.missing }, () => {
  brokerContract("on Redis", async () => {
    const server = await RedisServer.start();
    return {
      keyWindowMs: 5_000,
      broker: (node) => redisBroker({ url: server.url, node, keyWindowMs: 5_000, timeoutMs: 20_000 }),
      pass: (ms) => sleep(ms),
      close: () => server.close(),
    };
  });
});
