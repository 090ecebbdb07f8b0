/** The tables of docs/performance.md and docs/performance-figures.md, made from the reports in bench/results. */

import type { Round } from "./measures.js";
import { medianOf, type Report, type WorkloadReport } from "./results.js";
import type { ServerName } from "./server-process.js";
import { isReached, type Target } from "./targets.js";

/** A report and the name of its file. */
export interface Run {
  readonly file: string;
  readonly report: Report;
}

/** How much more CPU time or memory each other server takes than Hawser. */
export function ratioTable({ workloads }: Report): string {
  const others: readonly ServerName[] = ["socket", "bun", "ws", "crossws", "socketio"];
  const rows = workloads
    .filter((one) => (isTraffic(one) && !/^(hub|engine)-/.test(one.name)) || one.name === "memory-10000")
    .map((one) => {
      const ours = costOf(one, "hawser")!;
      return [
        shortTitle(one),
        ...others.map((server) => {
          const theirs = costOf(one, server);
          return theirs === undefined ? "" : emphasized((theirs / ours).toPrecision(3), theirs < ours);
        }),
      ];
    });
  return markdown(["", ...others.map((server) => labelOf(workloads, server))], rows);
}

/** What the project has set itself, and what each run says: the ratio of the rates / that of the CPU times. */
export function targetsTable(targets: readonly Target[], runs: readonly Run[]): string {
  const rows = targets.map((target) => [
    titleOf(target, runs[0]!.report),
    `${target.atMost ? "<=" : ">="} ${target.wanted}`,
    ...runs.map(({ report }) => {
      const reached = target.read(report);
      if (reached === null) return "";
      const ratios = [reached.byRate, reached.byCpu].filter((ratio) => ratio !== null);
      const met = ratios.filter((ratio) => isReached(target, ratio));
      const text = ratios.map((ratio) => ratio.toPrecision(3)).join(" / ");
      return met.length > 0 && met.length < ratios.length ? `_${text}_` : emphasized(text, met.length === 0);
    }),
  ]);
  const heads = runs.map(({ report }) => `${machineOf(report)}, Node ${majorOf(report)}`);
  return markdown(["", "wanted", ...heads], rows);
}

/** As people say it: `echo, 64 B, 1 in flight, against Bun`, where the target itself has the names that the command takes. */
function titleOf({ title, race }: Target, { workloads }: Report): string {
  const workload = workloads.find(({ name }) => name === race?.workload);
  return race === undefined || workload === undefined
    ? title
    : `${shortTitle(workload)}, against ${labelOf(workloads, race.against)}`;
}

/** Every median of a run. */
export function figures({ file, report }: Run): string {
  const { node, bun, rounds, seconds, date, workloads, bundles } = report;
  const tables = MEASURES.flatMap(({ title, of, cell }) => {
    const table = tableOf(workloads.filter(of), cell);
    return table === "" ? [] : [`${title}:`, table];
  });
  if (bundles !== undefined) {
    const rows = bundles.map(({ name, bytes }) => [name, (bytes / 1000).toFixed(1)]);
    tables.push("Client libraries, minified by esbuild and compressed by gzip -9, in kB:", markdown(["", "kB"], rows));
  }
  return [
    `[${file}](../bench/results/${file}): ${machineOf(report)}, Node ${node}, Bun ${bun}, ${rounds} rounds of ${seconds} s, ${date.slice(0, 10)}.`,
    ...tables,
  ].join("\n\n");
}

interface Measure {
  readonly title: string;
  readonly of: (workload: WorkloadReport) => boolean;
  /** undefined: this server has no such figure. */
  readonly cell: (round: Round) => string | undefined;
}

const MEASURES: readonly Measure[] = [
  {
    title: "CPU time of the server for each message, delivery or client, in µs, and the kernel's share",
    of: isTraffic,
    cell: cpuText,
  },
  {
    title: "Messages, deliveries, handshakes or clients per second",
    of: isTraffic,
    cell: ({ rate }) => (rate === undefined ? undefined : Math.round(rate).toLocaleString("en")),
  },
  {
    title: "p50 / p99 / p99.9 in milliseconds: of a batch where 16 are in flight, of a whole fan-out, of a handshake",
    of: (one) => isTraffic(one) || /^(engine-)?latency$/.test(one.name),
    cell: ({ p50, p99, p999 }) =>
      p50 === undefined ? undefined : [p50, p99, p999].map((value) => digits(value! / 1000)).join(" / "),
  },
  {
    title: "How long a bystander waits for its answer, median / longest, in milliseconds",
    of: ({ name }) => name.startsWith("bystander"),
    cell: ({ waitMedian, waitWorst }) =>
      waitMedian === undefined ? undefined : `${digits(waitMedian / 1000)} / ${digits(waitWorst! / 1000)}`,
  },
  {
    title: "Resident memory of an idle client, in KB, and what of it is heap",
    of: ({ name }) => /^(hub-)?memory/.test(name),
    cell: ({ rssPerClient, heapPerClient }) =>
      rssPerClient === undefined ? undefined : `${digits(rssPerClient / 1000)} (${digits(heapPerClient! / 1000)})`,
  },
  {
    title: "How much of a core the server had / the load generator",
    of: ({ name }) => /^(hub|engine)-(publish|resume)/.test(name),
    cell: ({ serverLoad, generatorLoad }) =>
      serverLoad === undefined || generatorLoad === undefined
        ? undefined
        : `${(serverLoad * 100).toFixed(0)} % / ${(generatorLoad * 100).toFixed(0)} %`,
  },
  {
    title:
      "Reads of the engine while all come back, and the most resident memory of the server, the first connections and publishing included",
    of: ({ name }) => name.startsWith("hub-resume"),
    cell: ({ reads, peakRss }) =>
      reads === undefined ? undefined : `${reads.toLocaleString("en")}; ${(peakRss! / 1e6).toFixed(0)} MB`,
  },
  {
    title: "Frames for a client, mean / most, and bytes, its own answers among them",
    of: ({ name }) => name === "hub-presence",
    cell: ({ frames, mostFrames, bytesPerClient }) =>
      frames === undefined ? undefined : `${frames.toFixed(2)} / ${mostFrames} (${bytesPerClient!.toFixed(0)} B)`,
  },
  {
    title: "CPU time of a ping and its pong, in µs, and of all of them, in % of a core",
    of: ({ name }) => name.startsWith("heartbeat"),
    cell: ({ cpu, serverLoad }) => (cpu === undefined ? undefined : `${digits(cpu)} (${digits(serverLoad! * 100)} %)`),
  },
  {
    title: "CPU time for each delivery by the number of subscribers, in µs, and the kernel's share",
    of: ({ name }) => name.startsWith("scaling"),
    cell: cpuText,
  },
];

function isTraffic({ name }: WorkloadReport): boolean {
  return /^(echo|fanout|rooms|storm|hub-(publish|resume)|engine-(publish|first|both|resume))/.test(name);
}

function cpuText({ cpu, kernelShare }: Round): string | undefined {
  if (cpu === undefined) return undefined;
  return kernelShare === undefined ? digits(cpu) : `${digits(cpu)} (${(kernelShare * 100).toFixed(0)} %)`;
}

function costOf({ results }: WorkloadReport, server: ServerName): number | undefined {
  const rounds = results.find((one) => one.server === server)?.rounds ?? [];
  const { cpu, rssPerClient } = medianOf(rounds);
  return cpu ?? rssPerClient;
}

function tableOf(workloads: readonly WorkloadReport[], cell: Measure["cell"]): string {
  const servers = [...new Set(workloads.flatMap(({ results }) => results.map(({ server }) => server)))];
  const rows = workloads.map((one) => [
    shortTitle(one),
    ...servers.map((server) => {
      const rounds = one.results.find((result) => result.server === server)?.rounds ?? [];
      return cell(medianOf(rounds)) ?? "";
    }),
  ]);
  return rows.length === 0 ? "" : markdown(["", ...servers.map((server) => labelOf(workloads, server))], rows);
}

/** Without the number of clients. */
function shortTitle({ title }: WorkloadReport): string {
  return title.replace(/, \d+ clients$/, "");
}

function labelOf(workloads: readonly WorkloadReport[], server: ServerName): string {
  return workloads.flatMap(({ results }) => results).find((one) => one.server === server)!.label;
}

function machineOf({ machine }: Report): string {
  return machine.includes("Xeon") ? "Xeon" : machine.includes("EPYC") ? "EPYC" : machine;
}

function majorOf({ node }: Report): string {
  return node.split(".", 1)[0]!;
}

function digits(value: number): string {
  return value < 100 ? value.toPrecision(3) : value.toFixed(0);
}

function emphasized(text: string, isBold: boolean): string {
  return isBold ? `**${text}**` : text;
}

/** Numbers to the right, and columns as wide as the formatter makes them. */
function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((name, column) => Math.max(4, name.length, ...rows.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, at) => (at === 0 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!))).join(" | ")} |`;
  const rule = widths.map((width, at) => (at === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`));
  return [line(head), line(rule), ...rows.map(line)].join("\n");
}
