/** When the next message is due: what is called is given the time, as `now` has it. Each returns how to stop. */

import { Worker } from "node:worker_threads";

export type Pacer = (perSecond: number, due: (at: number) => void) => () => void;

/** In milliseconds, the same in all threads. */
export function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Looks at the clock all the time: to the microsecond, at the price of a core. */
export const spinning: Pacer = (perSecond, due) => {
  const begin = now();
  let isOver = false;
  let count = 0;
  const look = (): void => {
    if (isOver) return;
    for (const end = now(); begin + (count * 1000) / perSecond <= end; count++) due(begin + (count * 1000) / perSecond);
    setImmediate(look);
  };
  look();
  return () => (isOver = true);
};

/** A thread sleeps until then (ticker.ts): for where something that matters shares the generator's cores. */
export const sleeping: Pacer = (perSecond, due) => {
  const over = new Int32Array(new SharedArrayBuffer(4));
  const ticker = new Worker(new URL("ticker.js", import.meta.url), { workerData: { perSecond, over } });
  ticker.on("message", (at: number) => Atomics.load(over, 0) === 0 && due(at));
  return () => {
    Atomics.store(over, 0, 1);
    Atomics.notify(over, 0);
  };
};
