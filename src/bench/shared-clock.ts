/** One clock for all threads of the process: `performance.now()` begins anew in each, and the system's monotonic clock does not. */

/** Milliseconds since the run's epoch. */
export type Now = () => number;

/** @param epoch `process.hrtime.bigint()` of any thread */
export function sharedClock(epoch: bigint): Now {
  const offset = Number(process.hrtime.bigint() - epoch) / 1e6 - performance.now();
  return () => performance.now() + offset;
}
