/** One clock for all threads of the process: `performance.now()` begins anew in each, and the system's monotonic clock does not. */

/** Milliseconds since the run's epoch. */
export type Now = () => number;

/** Both clocks are read in a row until nothing came in between, so that threads agree to a few microseconds. */
const CLOSE_ENOUGH_MS = 0.005;
const MOST_TRIES = 1000;

/** @param epoch `process.hrtime.bigint()` of any thread */
export function sharedClock(epoch: bigint): Now {
  let [offset, gap] = [0, Number.POSITIVE_INFINITY];
  for (let tried = 0; tried < MOST_TRIES && gap > CLOSE_ENOUGH_MS; tried++) {
    const before = performance.now();
    const shared = Number(process.hrtime.bigint() - epoch) / 1e6;
    const after = performance.now();
    if (after - before >= gap) continue;
    [offset, gap] = [shared - (before + after) / 2, after - before];
  }
  return () => performance.now() + offset;
}
