/** Latencies in microseconds, in an HdrHistogram of Node's: three digits of each value are kept, from 1 µs to an hour. */
import { createHistogram, type RecordableHistogram } from "node:perf_hooks";

/** Can go from one thread to another as it is. */
export interface Latencies {
  readonly values: RecordableHistogram;
  /** How many lie from each bound to the next: of its own counts the histogram tells percentiles alone. */
  readonly counts: number[];
}

const LONGEST = 3_600_000_000;
/** 1, 2 and 5 times each power of ten, to one that is beyond the longest. */
const BOUNDS = Array.from({ length: 30 }, (_, at) => [1, 2, 5][at % 3]! * 10 ** Math.floor(at / 3));

export function makeLatencies(): Latencies {
  return { values: createHistogram({ lowest: 1, highest: LONGEST, figures: 3 }), counts: BOUNDS.map(() => 0) };
}

export function recordMs({ values, counts }: Latencies, milliseconds: number): void {
  const value = Math.min(LONGEST, Math.max(1, Math.round(milliseconds * 1000)));
  values.record(value);
  let at = 0;
  while (value >= BOUNDS[at + 1]!) at++;
  counts[at]!++;
}

export function merge(latencies: readonly Latencies[]): Latencies {
  const all = makeLatencies();
  for (const { values, counts } of latencies) {
    all.values.add(values);
    for (const [at, count] of counts.entries()) all.counts[at]! += count;
  }
  return all;
}

export interface Percentiles {
  readonly count: number;
  /** All in milliseconds. */
  readonly min: number;
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** Null: there is nothing to say. */
export function percentiles({ values }: Latencies): Percentiles | null {
  if (values.count === 0) return null;
  const at = (percent: number): number => values.percentile(percent) / 1000;
  return {
    count: values.count,
    min: values.min / 1000,
    mean: Math.round(values.mean) / 1000,
    p50: at(50),
    p90: at(90),
    p99: at(99),
    p999: at(99.9),
    max: values.max / 1000,
  };
}

export interface Bucket {
  readonly fromMs: number;
  readonly toMs: number;
  readonly count: number;
}

/** Buckets that grow as 1, 2, 5, 10 do, from the first that has something to the last. */
export function buckets({ counts }: Latencies): Bucket[] {
  const isFilled = (count: number): boolean => count > 0;
  const first = counts.findIndex(isFilled);
  return counts
    .map((count, at) => ({ fromMs: BOUNDS[at]! / 1000, toMs: BOUNDS[at + 1]! / 1000, count }))
    .slice(first < 0 ? counts.length : first, counts.findLastIndex(isFilled) + 1);
}
