// What a hub keeps takes at most twice what its books say, by the heap.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { MemoryEngine } from "#hawser/hub/brokers/memory-engine.js";
import { turns } from "../harness/rig.js";
import { StepClock } from "../harness/step-clock.js";
import { byName, everything, startHub } from "./harness/hub-rig.js";

const HISTORY = { size: 1_000_000, ttlMs: 600_000 };
const COUNT = 20_000;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

function memory(): number {
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

test("small messages, and keys, in the memory engine", () => {
  for (const key of [() => undefined, (n: number) => `key ${n}`]) {
    const engine = new MemoryEngine(new StepClock(), { topicBytes: 2 ** 30, bytes: 2 ** 30, topicKeys: COUNT });
    const before = memory();
    for (let n = 0; n < COUNT; n++) {
      engine.publish("room", Buffer.allocUnsafeSlow(1), { binary: true, ...HISTORY, key: key(n) });
    }
    const growth = memory() - before;
    assert.ok(growth < 1.2 * engine.bytes + 1e6, `${growth} bytes, and ${engine.bytes} in the books`);
  }
});

test("small messages, and long names, that are kept for replays to clients of both kinds", async (t) => {
  const { connect, plain, hub } = await startHub(t, {
    authenticate: byName,
    allow: everything,
    defaultTopic: { history: HISTORY },
    limits: { historyBytes: 2 ** 30 },
  });
  const [ada, { peer, client }] = [await connect("ada", [["room"], ["r".repeat(250)]]), await plain()];
  await ada.answer(3);
  for (const { socket } of [ada, peer]) socket.removeAllListeners("message");
  for (const topic of ["room", "r".repeat(250)]) {
    await hub.join(client, topic);
    const [before, books] = [memory(), hub.stats.historyBytes];
    for (let n = 0; n < COUNT; n++) {
      await hub.publish(topic, 1);
      if (n % 100 === 0) await turns(1);
    }
    const growth = memory() - before;
    const kept = hub.stats.historyBytes - books;
    // The engine has 2 MiB of its own.
    assert.ok(growth < 2 * kept + 4e6, `${growth} bytes, and ${kept} in the books`);
  }
});
