// The broker on one Redis server that fails in every way a test can bring about.

import { describe } from "node:test";
import { redisBroker } from "@hawser/redis";
import { type EngineUnderFaults, engineFaults } from "../hub/engine-faults.js";
import { TcpProxy } from "../hub/harness/tcp-proxy.js";
import { redis, RedisServer } from "./harness/redis-server.js";

async function begin(): Promise<EngineUnderFaults> {
  // It keeps what it answered: what else is lost is a test of its own.
  const server = await RedisServer.start({ config: ["appendonly yes", "appendfsync always"] });
  const link = await TcpProxy.start(server.port);
  return {
    broker: (node) => redisBroker({ url: `redis://127.0.0.1:${link.port}`, node }),
    link,
    kill: () => server.kill(),
    start: () => server.start(),
    pause: () => server.pause(),
    resume: () => server.resume(),
    restartEmpty: () => server.restartEmpty(),
    backUp: () => server.backUp(),
    restartFromBackup: () => server.restartFromBackup(),
    async close() {
      await link.close();
      await server.close();
    },
  };
}

describe("one server", { skip: redis.missing }, () => {
  engineFaults("a Redis server", begin);
});
