/** Metrics of several processes as those of one: counters and histograms are added up, gauges as it makes sense. */

interface Family {
  readonly help: string;
  readonly type: string;
  /** By name and labels, as they stand in the text. */
  readonly samples: Map<string, number>;
}

/** By name, in the order in which they stand in the text. */
export type Families = Map<string, Family>;

/** What `createMetrics` writes. A line that is none of its kind is left out. */
export function parseMetrics(text: string): Families {
  const families: Families = new Map();
  let help = "";
  let family: Family | undefined;
  for (const line of text.split("\n")) {
    const comment = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line);
    if (comment?.[1] === "HELP") help = line;
    else if (comment !== null) {
      family = { help, type: comment[3]!, samples: new Map() };
      families.set(comment[2]!, family);
    } else {
      const [, sample, value] = /^([^#\s].*) (\S+)$/.exec(line) ?? [];
      if (sample !== undefined) family?.samples.set(sample, Number(value));
    }
  }
  return families;
}

/** Whether its values only ever grow: then those of a process that is gone still count. */
const isTotal = (type: string, sample: string): boolean =>
  type === "counter" || type === "histogram" || (type === "summary" && !/\{.*quantile=/.test(sample));

type Fold = (one: number, other: number) => number;
const add: Fold = (one, other) => one + other;

function foldOf(name: string, type: string, sample: string): Fold {
  if (isTotal(type, sample)) return add;
  // Quantiles cannot be had from quantiles: the worst of them is true of one process at least.
  if (type === "summary") return Math.max;
  // What is one thing of each, and not a part of a whole.
  if (name.endsWith("_info")) return Math.max;
  if (/_(up|start_time_seconds)$/.test(name)) return Math.min;
  return add;
}

/** Adds the second to the first. */
export function mergeInto(all: Families, others: Families): void {
  for (const [name, { help, type, samples }] of others) {
    const family = all.get(name) ?? { help, type, samples: new Map<string, number>() };
    all.set(name, family);
    for (const [sample, value] of samples) {
      const before = family.samples.get(sample);
      family.samples.set(sample, before === undefined ? value : foldOf(name, type, sample)(before, value));
    }
  }
}

/** What is left of a process that is gone. */
export function totalsOf(families: Families): Families {
  const totals: Families = new Map();
  for (const [name, { help, type, samples }] of families) {
    const kept = [...samples].filter(([sample]) => isTotal(type, sample));
    if (kept.length > 0) totals.set(name, { help, type, samples: new Map(kept) });
  }
  return totals;
}

export function metricsText(families: Families): string {
  const texts = Array.from(families, ([name, { help, type, samples }]) =>
    [help, `# TYPE ${name} ${type}`, ...Array.from(samples, ([sample, value]) => `${sample} ${value}`)].join("\n"),
  );
  return `${texts.join("\n\n")}\n`;
}
