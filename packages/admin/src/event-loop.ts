import { type IntervalHistogram, monitorEventLoopDelay } from "node:perf_hooks";

/** How late the event loop was, in milliseconds, since it was asked last. */
export interface Lag {
  readonly mean: number;
  readonly max: number;
}

/** A look this often: what blocks for longer is seen, and fifty looks a second cost nothing to speak of. */
const RESOLUTION_MS = 20;

export class EventLoopLag {
  readonly #histogram: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });

  start(): void {
    this.#histogram.enable();
  }

  /** What Node measures is the time between two looks. */
  take(): Lag {
    const { mean, max, count } = this.#histogram;
    this.#histogram.reset();
    return count === 0 ? { mean: 0, max: 0 } : { mean: late(mean), max: late(max) };
  }

  stop(): void {
    this.#histogram.disable();
  }
}

function late(nanoseconds: number): number {
  return Math.max(0, Math.round((nanoseconds / 1e6 - RESOLUTION_MS) * 10) / 10);
}
