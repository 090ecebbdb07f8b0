import { type IntervalHistogram, monitorEventLoopDelay } from "node:perf_hooks";
import type { Quantiles } from "./kept.js";

/** How often Node looks at the time. What it reports is the time between two looks, and not how late the second was. */
const RESOLUTION_MS = 10;

/** The shortest stretch of time that quantiles are about; a scrape that comes sooner sees the one before as well. */
const WINDOW_MS = 10_000;

const QUANTILES = [0.5, 0.9, 0.99, 1];

/** How late the event loop comes to what is due: what every client waits for when a handler does not let go of it. */
export class EventLoopDelay {
  readonly #monitor: IntervalHistogram;
  readonly #now: () => number;
  #windowSince: number;
  #before: readonly number[] = QUANTILES.map(() => 0);
  #sum = 0;
  #count = 0;

  constructor(now: () => number, monitor: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS })) {
    this.#now = now;
    this.#monitor = monitor;
    this.#windowSince = now();
    monitor.enable();
  }

  /** In seconds, since the last call or for the last WINDOW_MS at least. Sum and count are totals. */
  read(): Quantiles {
    const { count } = this.#monitor;
    const current = QUANTILES.map((quantile) =>
      count === 0 ? 0 : lateSeconds(quantile === 1 ? this.#monitor.max : this.#monitor.percentile(quantile * 100)),
    );
    const sum = count === 0 ? 0 : count * lateSeconds(this.#monitor.mean);
    const totals = { sum: this.#sum + sum, count: this.#count + count };
    if (this.#now() - this.#windowSince < WINDOW_MS) {
      // Two that scrape by turns must not take each other's worst moments away.
      const both = current.map((value, index) => Math.max(value, this.#before[index]!));
      return { values: withQuantiles(both), ...totals };
    }
    this.#windowSince = this.#now();
    this.#before = current;
    this.#sum = totals.sum;
    this.#count = totals.count;
    this.#monitor.reset();
    return { values: withQuantiles(current), ...totals };
  }

  stop(): void {
    this.#monitor.disable();
  }
}

function withQuantiles(values: readonly number[]): Quantiles["values"] {
  return QUANTILES.map((quantile, index) => [quantile, values[index]!]);
}

function lateSeconds(nanoseconds: number): number {
  return Math.max(0, nanoseconds / 1e9 - RESOLUTION_MS / 1e3);
}
