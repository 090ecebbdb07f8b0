import type { Durations } from "hawser";

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

interface Metric {
  readonly name: string;
  readonly help: string;
  readonly type: "gauge" | "counter" | "histogram" | "summary";
  readonly read: () => readonly Sample[];
}

/** Metrics whose numbers are kept elsewhere, and read when somebody asks. */
export class KeptMetrics {
  readonly #metrics: Metric[] = [];

  gauge(name: string, help: string, read: () => number, labels: Sample["labels"] = {}): void {
    this.#metrics.push({ name, help, type: "gauge", read: () => [{ metricName: name, labels, value: read() }] });
  }

  counter(name: string, help: string, read: () => number): void {
    this.#metrics.push({ name, help, type: "counter", read: () => [{ metricName: name, labels: {}, value: read() }] });
  }

  /** @param read all values that the label may have, from the start: a rate of what appears from nothing cannot be seen */
  counters(name: string, help: string, label: string, read: () => Readonly<Record<string, number>>): void {
    this.#metrics.push({ name, help, type: "counter", read: () => labelled(name, label, read()) });
  }

  /** @param read as for `counters` */
  gauges(name: string, help: string, label: string, read: () => Readonly<Record<string, number>>): void {
    this.#metrics.push({ name, help, type: "gauge", read: () => labelled(name, label, read()) });
  }

  /** @param read the durations by the label's value */
  histograms(name: string, help: string, label: string, read: () => Readonly<Record<string, Durations>>): void {
    const samples = (): Sample[] =>
      Object.entries(read()).flatMap(([value, durations]) => bucketsOf(name, durations, { [label]: value }));
    this.#metrics.push({ name, help, type: "histogram", read: samples });
  }

  histogram(name: string, help: string, read: () => Durations): void {
    this.#metrics.push({ name, help, type: "histogram", read: () => bucketsOf(name, read(), {}) });
  }

  summary(name: string, help: string, read: () => Quantiles): void {
    const samples = (): Sample[] => {
      const { values, sum, count } = read();
      return [
        ...values.map(([quantile, value]) => ({ metricName: name, labels: { quantile }, value })),
        { metricName: `${name}_sum`, labels: {}, value: sum },
        { metricName: `${name}_count`, labels: {}, value: count },
      ];
    };
    this.#metrics.push({ name, help, type: "summary", read: samples });
  }

  /** The text format of Prometheus, version 0.0.4. */
  text(): string {
    return this.#metrics.map((metric) => `${familyText(metric)}\n`).join("\n");
  }
}

function labelled(name: string, label: string, values: Readonly<Record<string, number>>): Sample[] {
  return Object.entries(values).map(([text, value]) => ({ metricName: name, labels: { [label]: text }, value }));
}

function familyText({ name, help, type, read }: Metric): string {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...read().map(sampleText)].join("\n");
}

/** Labels and help are texts of ours: nothing in them but a quotation mark would have to be escaped, as in JSON. */
function sampleText({ metricName, labels, value }: Sample): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}=${JSON.stringify(String(text))}`);
  return `${metricName}${pairs.length === 0 ? "" : `{${pairs.join()}}`} ${value}`;
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
