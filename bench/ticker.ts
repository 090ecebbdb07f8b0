/** A thread that does nothing but sleep until the next message is due, and say so. */

import { parentPort, workerData } from "node:worker_threads";
import { now } from "./pacers.js";

export interface Ticks {
  readonly perSecond: number;
  /** 1 once nobody listens any longer. */
  readonly over: Int32Array<SharedArrayBuffer>;
}

/** The system's timers are some 50 microseconds late, which is no server's doing. More than this is not forgiven: it would hide a stall. */
const LATE_MS = 0.5;

const { perSecond, over } = workerData as Ticks;
const begin = now();
for (let count = 0; Atomics.load(over, 0) === 0; count++) {
  const due = begin + (count * 1000) / perSecond;
  const early = due - now();
  if (early > 0) Atomics.wait(over, 0, 0, early);
  parentPort!.postMessage(Math.min(Math.max(due, now()), due + LATE_MS));
}
