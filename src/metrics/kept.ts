import { Counter, Gauge, type Metric, type Registry } from "prom-client";
import type { Durations } from "../index.js";

/** Quantiles of something, with how often it was seen and the sum of it. */
export interface Quantiles {
  /** Quantile and value; 1 is the largest of all. */
  readonly values: readonly (readonly [quantile: number, value: number])[];
  readonly sum: number;
  readonly count: number;
}

/** One line of a metric: `name{labels} value`. */
interface Sample {
  readonly metricName: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

/** Puts metrics into a registry whose numbers are kept elsewhere, and read when somebody asks. */
export class KeptMetrics {
  readonly #registry: Registry;

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  gauge(name: string, help: string, read: () => number): void {
    const registers = [this.#registry];
    const gauge: Gauge = new Gauge({ name, help, registers, collect: (): void => gauge.set(read()) });
  }

  counter(name: string, help: string, read: () => number): void {
    const counter: Counter = new Counter({
      name,
      help,
      registers: [this.#registry],
      collect(): void {
        counter.reset();
        counter.inc(read());
      },
    });
  }

  /** @param read all values that the label may have, from the start: a rate of what appears from nothing cannot be seen */
  counters(name: string, help: string, label: string, read: () => Readonly<Record<string, number>>): void {
    const counter: Counter = new Counter({
      name,
      help,
      labelNames: [label],
      registers: [this.#registry],
      collect(): void {
        counter.reset();
        for (const [value, total] of Object.entries(read())) counter.inc({ [label]: value }, total);
      },
    });
  }

  /** @param read the durations by the label's value */
  histograms(name: string, help: string, label: string, read: () => Readonly<Record<string, Durations>>): void {
    this.#add(name, help, "histogram", () =>
      Object.entries(read()).flatMap(([value, durations]) => bucketsOf(name, durations, { [label]: value })),
    );
  }

  histogram(name: string, help: string, read: () => Durations): void {
    this.#add(name, help, "histogram", () => bucketsOf(name, read(), {}));
  }

  summary(name: string, help: string, read: () => Quantiles): void {
    this.#add(name, help, "summary", () => {
      const { values, sum, count } = read();
      return [
        ...values.map(([quantile, value]) => ({ metricName: name, labels: { quantile }, value })),
        { metricName: `${name}_sum`, labels: {}, value: sum },
        { metricName: `${name}_count`, labels: {}, value: count },
      ];
    });
  }

  /** The library's own histograms and summaries count what passes through them. To a registry, a metric is whatever has `get`. */
  #add(name: string, help: string, type: "histogram" | "summary", read: () => readonly Sample[]): void {
    const metric = { name, help, type, get: () => Promise.resolve({ name, help, type, values: read() }) };
    this.#registry.registerMetric(metric as unknown as Metric);
  }
}

/** Each bucket holds those below it as well, and all is in seconds. */
function bucketsOf(name: string, durations: Durations, labels: Sample["labels"]): Sample[] {
  const { boundsMs, counts, sumMs } = durations;
  let below = 0;
  const buckets = counts.map((count, bucket) => {
    below += count;
    const bound = boundsMs[bucket];
    const le = bound === undefined ? "+Inf" : bound / 1000;
    return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: below };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: sumMs / 1000 },
    { metricName: `${name}_count`, labels, value: below },
  ];
}
