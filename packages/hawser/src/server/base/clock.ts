/** What knows of no client: the time, deadlines, ids, errors of use, text that is safe to show. */
/** The time, as an argument: the server never reads a clock of its own, so tests step through minutes at once. */
export interface Clock {
  /** Whole milliseconds since some fixed point; never goes back. Whole, since V8 keeps small integers in place and boxes the rest. */
  now(): number;
  /** Calls `callback` every `periodMs` until the returned function is called. */
  every(periodMs: number, callback: () => void): () => void;
}

/** The system's time, which a server has unless it is given another. */
export const systemClock: Clock = {
  now: () => Math.trunc(performance.now()),
  every(periodMs, callback) {
    const timer = setInterval(callback, periodMs);
    return () => clearInterval(timer);
  },
};
