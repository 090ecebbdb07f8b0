/** Latencies in microseconds, in HdrHistogram's form: three digits of each value are kept, from 1 µs to an hour. */
import { decodeFromCompressedBase64, encodeIntoCompressedBase64, Int32Histogram } from "hdr-histogram-js";

export type Latencies = InstanceType<typeof Int32Histogram>;

const LONGEST = 3_600_000_000;

export function makeLatencies(): Latencies {
  return new Int32Histogram(1, LONGEST, 3);
}

export function recordMs(latencies: Latencies, milliseconds: number): void {
  latencies.recordValue(Math.min(LONGEST, Math.max(1, Math.round(milliseconds * 1000))));
}

/** As text, to go from one thread to another. */
export function encode(latencies: Latencies): string {
  return encodeIntoCompressedBase64(latencies);
}

export function merge(encoded: readonly string[]): Latencies {
  const all = makeLatencies();
  for (const text of encoded) {
    const one = decodeFromCompressedBase64(text, 32);
    if (one.totalCount > 0) all.add(one as Latencies);
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
export function percentiles(latencies: Latencies): Percentiles | null {
  if (latencies.totalCount === 0) return null;
  const at = (percent: number): number => latencies.getValueAtPercentile(percent) / 1000;
  return {
    count: latencies.totalCount,
    min: latencies.minNonZeroValue / 1000,
    mean: Math.round(latencies.mean) / 1000,
    p50: at(50),
    p90: at(90),
    p99: at(99),
    p999: at(99.9),
    max: latencies.maxValue / 1000,
  };
}

export interface Bucket {
  readonly fromMs: number;
  readonly toMs: number;
  readonly count: number;
}

/** Buckets that grow as 1, 2, 5, 10 do, from the first that has something to the last. */
export function buckets(latencies: Latencies): Bucket[] {
  const found = new Map<number, Bucket>();
  for (let index = 0; index < latencies.countsArrayLength; index++) {
    const count = latencies.getCountAtIndex(index);
    if (count === 0) continue;
    const [from, to] = bounds(latencies.valueFromIndex(index));
    found.set(from, { fromMs: from / 1000, toMs: to / 1000, count: (found.get(from)?.count ?? 0) + count });
  }
  const all = [...found.values()];
  return all.flatMap((bucket, at) => [bucket, ...emptyBetween(bucket.toMs, all[at + 1]?.fromMs)]);
}

function emptyBetween(fromMs: number, nextMs: number | undefined): Bucket[] {
  if (nextMs === undefined) return [];
  const empty: Bucket[] = [];
  const next = Math.round(nextMs * 1000);
  for (let from = Math.round(fromMs * 1000); from < next;) {
    const [, to] = bounds(from);
    empty.push({ fromMs: from / 1000, toMs: to / 1000, count: 0 });
    from = to;
  }
  return empty;
}

/** The bucket of a value: 1, 2 or 5 times a power of ten, and the next of these. */
function bounds(value: number): [from: number, to: number] {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, value)) + 1e-9);
  const lead = value / power;
  return lead >= 5 ? [5 * power, 10 * power] : lead >= 2 ? [2 * power, 5 * power] : [power, 2 * power];
}
