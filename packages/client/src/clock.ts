/** The time, and a timer. */
export interface Clock {
  /** In milliseconds. Never goes back. */
  readonly now: () => number;
  /** @returns what calls it off */
  readonly after: (ms: number, run: () => void) => () => void;
}

/** The longest time that setTimeout takes. */
const LONGEST_MS = 2 ** 31 - 1;

/**
 * `Date.now` counts the time that a machine sleeps, which `performance.now` does not everywhere. When it is set back, time stands still
 * for a moment instead.
 */
export function systemClock(): Clock {
  let last = 0;
  let behind = 0;
  return {
    now() {
      const now = Date.now();
      behind = Math.max(behind, last - now);
      last = now + behind;
      return last;
    },
    after(ms, run) {
      const timer = setTimeout(run, Math.min(ms, LONGEST_MS));
      return () => clearTimeout(timer);
    },
  };
}
