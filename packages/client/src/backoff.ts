const FIRST_MS = 1_000;
const LONGEST_MS = 20_000;

/**
 * How long to wait before the next attempt, after so many in a row that came to nothing. The time is drawn from the whole range, and the
 * range is capped before that: clients that lost the same server do not come back together, however long it was away.
 */
export function backoff(failures: number, random: () => number): number {
  return random() * Math.min(LONGEST_MS, FIRST_MS * 2 ** failures);
}
