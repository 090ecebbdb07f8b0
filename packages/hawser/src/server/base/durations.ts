/** Durations, counted by how long they were: a few integers, whatever their number. */
export interface Durations {
  /** Upper bounds of the buckets in milliseconds, each included; above the last one is a bucket more. */
  readonly boundsMs: readonly number[];
  /** How many fell into each bucket; one more than there are bounds. */
  readonly counts: readonly number[];
  /** All of them together, in milliseconds. */
  readonly sumMs: number;
  /** How many there were. */
  readonly count: number;
}

export class DurationCounter implements Durations {
  readonly boundsMs: readonly number[];
  readonly counts: number[];
  sumMs = 0;

  constructor(boundsMs: readonly number[]) {
    this.boundsMs = boundsMs;
    this.counts = Array.from({ length: boundsMs.length + 1 }, () => 0);
  }

  get count(): number {
    return this.counts.reduce((sum, count) => sum + count, 0);
  }

  add(ms: number): void {
    const { boundsMs, counts } = this;
    let bucket = 0;
    while (bucket < boundsMs.length && ms > boundsMs[bucket]!) bucket++;
    counts[bucket]!++;
    this.sumMs += ms;
  }
}
