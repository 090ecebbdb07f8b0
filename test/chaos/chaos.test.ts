// Nodes, engines and clients that fail at random, for a few seconds each: `npm run chaos` does it for longer.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { need } from "../interop/harness/system.js";
import { reportText, runChaos } from "./chaos.js";
import type { EngineName } from "./engines.js";

const { missing: noRedis } = await need("redis-server");
const { missing: noNats } = await need("nats-server");
const ENGINES: [EngineName, false | string][] = [
  ["redis", noRedis],
  ["nats", noNats],
  ["cluster", noRedis],
  ["workers", false],
];
/** Few of each: there are other tests beside it. */
const size = { clients: 20, wire: 10, plain: 5, publishers: 4, topics: 6, rate: 10 };

// They wait for most of their time.
describe("chaos: every message is accounted for", { concurrency: true }, () => {
  for (const [engine, skip] of ENGINES) {
    test(engine, { skip }, async () => {
      const seed = Math.floor(Math.random() * 2 ** 31);
      const report = await runChaos({ engine, seconds: 5, seed, size });
      assert.equal(report.faults.length, 0, reportText(report));
      assert.ok(report.delivered > 0 && report.acknowledged > 0, reportText(report));
    });
  }
});
