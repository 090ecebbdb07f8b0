/** The text format of Prometheus, read back. */
export interface Family {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: readonly Sample[];
}

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Metrics by name, each with its lines. @throws Error for a line that is neither of the format nor of the metric above it */
export function readExposition(text: string): Map<string, Family> {
  const families = new Map<string, Family & { samples: Sample[] }>();
  let help = "";
  let current: (Family & { samples: Sample[] }) | undefined;
  for (const line of text.split("\n").filter((each) => each !== "")) {
    const [, keyword, name = "", rest = ""] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (keyword === "HELP") help = rest;
    else if (keyword === "TYPE") families.set(name, (current = { name, type: rest, help, samples: [] }));
    else {
      const sample = readSample(line);
      if (current === undefined || !sample.name.startsWith(current.name)) throw new Error(`a stray line: ${line}`);
      current.samples.push(sample);
    }
  }
  return families;
}

/** The value of one sample. @throws Error when there is none, or more than one */
export function valueOf(families: Map<string, Family>, name: string, labels: Record<string, string> = {}): number {
  const family = [...families.values()].find((one) => one.samples.some((sample) => sample.name === name));
  const found = (family?.samples ?? []).filter(
    (sample) =>
      sample.name === name && Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
  );
  if (found.length !== 1) throw new Error(`${found.length} samples ${name} ${JSON.stringify(labels)}`);
  return found[0]!.value;
}

function readSample(line: string): Sample {
  const [, name, inner = "", value] = /^([a-z][a-z0-9_]*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
  if (name === undefined) throw new Error(`not of the format: ${line}`);
  const labels = [...inner.matchAll(/(\w+)="([^"]*)"/g)].map(([, label, of]) => [label!, of!] as const);
  return { name, labels: Object.fromEntries(labels), value: Number(value) };
}
