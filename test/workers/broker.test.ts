// The broker of workers: what holds for every broker, with the engine in another process.

import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { EngineAddress } from "#hawser/workers/channel/engine-listener.js";
import { WorkerBroker } from "#hawser/workers/channel/worker-broker.js";
import { brokerContract } from "../hub/broker-contract.js";
import type { EngineOrder } from "./harness/engine-process.js";

const PROGRAM = fileURLToPath(new URL("harness/engine-process.js", import.meta.url));

brokerContract("of workers, the engine in another process", async () => {
  const engine = fork(PROGRAM);
  const [{ address }] = (await once(engine, "message")) as [{ address: EngineAddress }];
  const ask = async (order: EngineOrder): Promise<object> => {
    engine.send(order);
    return ((await once(engine, "message")) as [object])[0];
  };
  return {
    keyWindowMs: 300_000,
    broker: (node) => new WorkerBroker(address, node),
    pass: async (ms) => void (await ask({ pass: ms })),
    async close() {
      const exit = once(engine, "exit");
      assert.deepEqual(await ask({ close: true }), { timers: 0 });
      await exit;
      assert.equal(existsSync(address.path), false);
    },
  };
});
