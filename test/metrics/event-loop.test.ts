import assert from "node:assert/strict";
import type { IntervalHistogram } from "node:perf_hooks";
import { describe, it } from "node:test";
import { EventLoopDelay } from "#admin/metrics/event-loop.js";

const SECOND = 1000;

/** A monitor that has seen what the test says, in milliseconds between two looks, of which 10 are as they should be. */
class Monitor {
  seen: number[] = [];
  isOn = false;

  get count(): number {
    return this.seen.length;
  }
  get max(): number {
    return Math.max(...this.seen) * 1e6;
  }
  get mean(): number {
    return (this.seen.reduce((sum, ms) => sum + ms, 0) / this.seen.length) * 1e6;
  }
  percentile(percentage: number): number {
    const sorted = this.seen.toSorted((a, b) => a - b);
    return sorted[Math.ceil((percentage / 100) * sorted.length) - 1]! * 1e6;
  }
  enable(): boolean {
    return (this.isOn = true);
  }
  disable(): boolean {
    return (this.isOn = false);
  }
  reset(): void {
    this.seen = [];
  }
}

function start(): { delay: EventLoopDelay; monitor: Monitor; pass: (ms: number) => void } {
  const monitor = new Monitor();
  let now = 0;
  const delay = new EventLoopDelay(() => now, monitor as unknown as IntervalHistogram);
  return { delay, monitor, pass: (ms) => void (now += ms) };
}

const worstMs = (delay: EventLoopDelay): number => Math.round(delay.read().values.at(-1)![1] * 1000);

describe("event loop delay", () => {
  it("is what was late, and not the time between two looks", () => {
    const { delay, monitor } = start();
    monitor.seen = [10, 10, 10, 30];
    const { values, sum, count } = delay.read();
    assert.deepEqual(
      values.map(([quantile, seconds]) => [quantile, Math.round(seconds * 1000)]),
      [
        [0.5, 0],
        [0.9, 20],
        [0.99, 20],
        [1, 20],
      ],
    );
    assert.equal(Math.round(sum * 1000), 20);
    assert.equal(count, 4);
  });

  it("is 0 before anything was seen, and never below", () => {
    const { delay, monitor } = start();
    assert.deepEqual(delay.read(), {
      values: [0.5, 0.9, 0.99, 1].map((quantile) => [quantile, 0]),
      sum: 0,
      count: 0,
    });
    monitor.seen = [9.9];
    assert.equal(delay.read().values[0]![1], 0);
  });

  it("begins again with each scrape", () => {
    const { delay, monitor, pass } = start();
    monitor.seen = [110];
    pass(15 * SECOND);
    assert.equal(worstMs(delay), 100);
    monitor.seen = [20];
    pass(15 * SECOND);
    assert.equal(worstMs(delay), 10);
  });

  it("shows the worst moment to each of two that scrape by turns", () => {
    const { delay, monitor, pass } = start();
    pass(15 * SECOND);
    delay.read();
    monitor.seen = [110];
    pass(7 * SECOND);
    assert.equal(worstMs(delay), 100, "the other one");
    pass(8 * SECOND);
    assert.equal(worstMs(delay), 100, "the first one");
    monitor.seen = [10];
    pass(7 * SECOND);
    assert.equal(worstMs(delay), 100, "the other one again, whose stretch of time is not over");
    pass(8 * SECOND);
    assert.equal(worstMs(delay), 0);
  });

  it("has sums and counts that only grow", () => {
    const { delay, monitor, pass } = start();
    const totals: [sum: number, count: number][] = [];
    for (let scrape = 0; scrape < 4; scrape++) {
      monitor.seen.push(20, 20);
      pass(6 * SECOND);
      const { sum, count } = delay.read();
      totals.push([Math.round(sum * 1000), count]);
    }
    assert.deepEqual(totals, [
      [20, 2],
      [40, 4],
      [60, 6],
      [80, 8],
    ]);
  });

  it("is not measured any more after stop", () => {
    const { delay, monitor } = start();
    assert.ok(monitor.isOn);
    delay.stop();
    assert.ok(!monitor.isOn);
  });
});
