/** The tables of figures and ratios. */

import { pluralOf } from "./chart.js";
import type { Round } from "./measures.js";
import { medianOf, type Report, type WorkloadReport } from "./results.js";
import { targets } from "./targets.js";

/** One column of a table; it is left out where no server has the figure. */
interface Column {
  readonly head: (unit: string) => string;
  readonly cell: (round: Round, hawser: Round | undefined) => string | undefined;
}

const microseconds: (value: number | undefined) => string | undefined = (value) =>
  value === undefined ? undefined : value < 100 ? value.toFixed(2) : String(Math.round(value));

const milliseconds: (value: number | undefined) => string | undefined = (value) =>
  value === undefined ? undefined : (value / 1000).toFixed(value < 10_000 ? 1 : 0);

const columns: readonly Column[] = [
  {
    head: (unit) => `${pluralOf(unit)}/s`,
    cell: ({ rate }) => (rate === undefined ? undefined : Math.round(rate).toLocaleString("en")),
  },
  {
    head: () => "Hawser ÷ it",
    cell: ({ rate }, hawser) => (rate === undefined || !hawser?.rate ? undefined : (hawser.rate / rate).toFixed(2)),
  },
  {
    head: (unit) => `server CPU µs per ${unit}`,
    cell: ({ cpu }) => (cpu === undefined ? undefined : cpu.toFixed(cpu < 10 ? 3 : 1)),
  },
  {
    head: () => "it ÷ Hawser",
    cell: ({ cpu }, hawser) => (cpu === undefined || !hawser?.cpu ? undefined : (cpu / hawser.cpu).toFixed(2)),
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

export function tableOf({ title, unit, results }: WorkloadReport): string {
  const hawser = results.find(({ server }) => server === "hawser");
  const base = hawser === undefined || hawser.rounds.length === 0 ? undefined : medianOf(hawser.rounds);
  const measured = results.filter(({ rounds }) => rounds.length > 0);
  const medians = measured.map(({ rounds }) => medianOf(rounds));
  const shown = columns.filter(({ cell }) => medians.some((median) => cell(median, base) !== undefined));
  const rows = [
    ["", ...shown.map(({ head }) => head(unit))],
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

/** What the project has set itself, and what this run says of it. */
export function targetTable(report: Report): string {
  const rows = [["target", "wanted", "by rate", "by CPU time", ""]];
  for (const target of targets) {
    const reached = target.read(report);
    if (reached === null) continue;
    const { byRate, byCpu } = reached;
    const isMet = target.atMost ? byRate <= target.wanted : byRate >= target.wanted;
    const isMetByCpu = byCpu !== null && byCpu >= target.wanted;
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
