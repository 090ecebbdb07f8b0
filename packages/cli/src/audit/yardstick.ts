/** The thread of machine.ts: does the same piece of work again and again, and counts. */
import { workerData } from "node:worker_threads";
import type { Yardstick } from "./machine.js";

/** About a millisecond: short enough that some run without interruption on a busy machine too. */
const STEPS = 1_000_000;

const { pieces, fastestMs } = workerData as Yardstick;

function work(): number {
  let value = 1;
  for (let step = 0; step < STEPS; step++) value = (Math.imul(value, 1_664_525) + 1_013_904_223) | 0;
  return value;
}

for (;;) {
  const since = performance.now();
  const value = work();
  const took = performance.now() - since;
  // What is looked at is not optimised away.
  if (value !== 0 && (fastestMs[0] === 0 || took < fastestMs[0]!)) fastestMs[0] = took;
  Atomics.add(pieces, 0, 1);
}
