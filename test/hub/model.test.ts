// Random programs of what clients, nodes, links and the engine may do. After each of them every client has each message once and in order, or was
// told where some are missing; and after the last fault all are where the engine is. `npm run fuzz -- hub` does the same at length.

import assert from "node:assert/strict";
import { test } from "node:test";
import { fuzzHub } from "./fuzz.js";

const STEPS = 100_000;

test(`${STEPS} steps of clients, nodes and an engine with faults keep the invariants`, async () => {
  const { failure, steps } = await fuzzHub(1, { steps: STEPS });
  assert.equal(failure, undefined, failure);
  assert.ok(steps >= STEPS);
});
