/** The tables of figures and ratios. */

import { pluralOf } from "./chart.js";
import type { Round } from "./measures.js";
import { type Bundle, medianOf, type Report, type WorkloadReport } from "./results.js";
import { isReached, targets } from "./targets.js";

/** One column of a table; it is left out where no server has the figure. */
interface Column {
  /** @param base what the others are compared with */
  readonly head: (unit: string, base: string) => string;
  readonly cell: (round: Round, base: Round | undefined) => string | undefined;
}

const microseconds: (value: number | undefined) => string | undefined = (value) =>
  value === undefined ? undefined : value < 100 ? value.toFixed(2) : String(Math.round(value));

const milliseconds: (value: number | undefined) => string | undefined = (value) =>
  value === undefined ? undefined : (value / 1000).toFixed(value < 10_000 ? 1 : 0);

const kilobytes: (value: number) => string = (value) => (value / 1000).toFixed(1);

const columns: readonly Column[] = [
  {
    head: (unit) => `${pluralOf(unit)}/s`,
    cell: ({ rate }) => (rate === undefined ? undefined : Math.round(rate).toLocaleString("en")),
  },
  {
    head: (_unit, base) => `${base} ÷ it`,
    cell: ({ rate }, base) => (!rate || !base?.rate ? undefined : (base.rate / rate).toFixed(2)),
  },
  {
    head: (unit) => `server CPU µs per ${unit}`,
    cell: ({ cpu }) => (cpu === undefined || cpu === Infinity ? undefined : cpu.toFixed(cpu < 10 ? 3 : 1)),
  },
  {
    head: (_unit, base) => `it ÷ ${base}`,
    cell: ({ cpu }, base) =>
      cpu === undefined || cpu === Infinity || !base?.cpu ? undefined : (cpu / base.cpu).toFixed(2),
  },
  {
    head: () => "in the kernel",
    cell: ({ kernelShare }) => (kernelShare === undefined ? undefined : `${(kernelShare * 100).toFixed(0)} %`),
  },
  { head: () => "p50 µs", cell: ({ p50 }) => microseconds(p50) },
  { head: () => "p99 µs", cell: ({ p99 }) => microseconds(p99) },
  { head: () => "p99.9 µs", cell: ({ p999 }) => microseconds(p999) },
  { head: () => "median wait, ms", cell: ({ waitMedian }) => milliseconds(waitMedian) },
  { head: () => "longest wait, ms", cell: ({ waitWorst }) => milliseconds(waitWorst) },
  { head: () => "RSS MB", cell: ({ rss }) => (rss === undefined ? undefined : (rss / 1e6).toFixed(0)) },
  {
    head: () => "peak RSS MB",
    cell: ({ peakRss }) => (peakRss === undefined ? undefined : (peakRss / 1e6).toFixed(0)),
  },
  { head: () => "reads of the engine", cell: ({ reads }) => reads?.toLocaleString("en") },
  { head: () => "changes in 5 s", cell: ({ changes }) => changes?.toFixed(1) },
  { head: () => "recovery ms", cell: ({ recovery }) => recovery?.toFixed(0) },
  { head: () => "frames per client", cell: ({ frames }) => frames?.toFixed(2) },
  { head: () => "most frames", cell: ({ mostFrames }) => mostFrames?.toFixed(0) },
  { head: () => "bytes per client", cell: ({ bytesPerClient }) => bytesPerClient?.toFixed(0) },
  {
    head: () => "RSS KB per client",
    cell: ({ rssPerClient }) => (rssPerClient === undefined ? undefined : (rssPerClient / 1000).toFixed(1)),
  },
  {
    head: () => "heap KB per client",
    cell: ({ heapPerClient }) => (heapPerClient === undefined ? undefined : (heapPerClient / 1000).toFixed(1)),
  },
  {
    head: () => "server core",
    cell: ({ serverLoad }) =>
      serverLoad === undefined ? undefined : `${(serverLoad * 100).toFixed(serverLoad < 0.1 ? 2 : 0)} %`,
  },
  {
    head: () => "generator core",
    cell: ({ generatorLoad }) => (generatorLoad === undefined ? undefined : `${(generatorLoad * 100).toFixed(0)} %`),
  },
];

export function tableOf({ title, unit, results, base: baseServer = "hawser" }: WorkloadReport): string {
  const compared = results.find(({ server }) => server === baseServer);
  const base = compared === undefined || compared.rounds.length === 0 ? undefined : medianOf(compared.rounds);
  const measured = results.filter(({ rounds }) => rounds.length > 0);
  const medians = measured.map(({ rounds }) => medianOf(rounds));
  const shown = columns.filter(({ cell }) => medians.some((median) => cell(median, base) !== undefined));
  const rows = [
    ["", ...shown.map(({ head }) => head(unit, compared?.label ?? ""))],
    ...measured.map(({ label }, at) => [label, ...shown.map(({ cell }) => cell(medians[at]!, base) ?? "-")]),
  ];
  const notes = [
    ...results.flatMap(({ label, failed }) => (failed === null ? [] : [`${label} failed: ${failed}`])),
    ...[generatorBound, starved].flatMap((note) => {
      const named = measured.filter((_one, at) => note.applies(medians[at]!)).map(({ label }) => label);
      return named.length === 0
        ? []
        : [`${named.join(", ")}: ${note.text}; compare the server's CPU time, not the rate`];
    }),
  ];
  return [title, ...align(rows).map((line) => `  ${line}`), ...notes.map((note) => `  (${note})`)].join("\n");
}

interface Note {
  readonly text: string;
  applies(round: Round): boolean;
}

const generatorBound: Note = {
  text: "the generator was the limit",
  applies: ({ generatorLoad = 0, serverLoad = 1 }) => generatorLoad > 0.9 && serverLoad < 0.9,
};

/** In a closed loop one of the two is always busy, unless it does not get its core. */
const starved: Note = {
  text: "neither server nor generator had a whole core, other programs ran",
  applies: ({ generatorLoad = 1, serverLoad = 1 }) => generatorLoad < 0.8 && serverLoad < 0.8,
};

export function bundleTable(bundles: readonly Bundle[]): string {
  const rows = [
    ["client libraries, minified", "kB by gzip -9"],
    ...bundles.map(({ name, bytes }) => [name, kilobytes(bytes)]),
  ];
  return align(rows).join("\n");
}

/** What the project has set itself, and what this run says of it. */
export function targetTable(report: Report): string {
  const rows = [["target", "wanted", "by rate", "by CPU time", ""]];
  for (const target of targets) {
    const reached = target.read(report);
    if (reached === null) continue;
    const { byRate, byCpu } = reached;
    const isMet = isReached(target, byRate);
    const isMetByCpu = byCpu !== null && isReached(target, byCpu);
    rows.push([
      target.title,
      `${target.atMost ? "<=" : ">="} ${target.wanted}`,
      byRate.toFixed(2),
      byCpu === null ? "" : byCpu.toFixed(2),
      isMet ? "met" : isMetByCpu ? "met by CPU time alone" : "not met",
    ]);
  }
  return rows.length === 1 ? "" : align(rows).join("\n");
}

function align(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join("  ")
      .trimEnd(),
  );
}
