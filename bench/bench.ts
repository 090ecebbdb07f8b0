/**
 * `npm run bench`: Hawser and its peers, side by side on this machine.
 *
 * Each server is a process of its own on the last core (servers/*.mjs, set up as its documentation recommends); the load comes from
 * threads on the other cores (generator.ts), which send frames encoded beforehand and count bytes instead of decoding. For each
 * workload (workloads.ts) all servers are started, and then measured in turns, A B C A B C, so that whatever else the machine does
 * hits all alike; what is reported is the median of the rounds. Besides the rate there is the server's own CPU time per message: it
 * shows a difference even where the generator is the limit, which is said where it happens.
 *
 *   npm run bench -- --quick                 a shorter look, within three minutes: one round, fewer workloads and clients
 *   npm run bench -- --only echo-64b         the workload of this name, or those that begin so; may be repeated
 *   npm run bench -- --only hub              the hub, against Hawser without one and against Socket.IO
 *   npm run bench -- --only engine           two nodes on Redis and on NATS, where the system has them
 *   npm run bench -- --servers hawser,ws     these servers alone
 *   npm run bench -- --rounds 5 --seconds 2  how often and how long
 *   npm run bench -- --node PATH             another Node for the servers
 *   npm run bench -- --list                  the workloads and the servers
 */

import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { execFileSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Engine, type EngineName, isInstalled } from "./engines.js";
import { measureBundles } from "./bundles.js";
import { chart, hasAllOfChart } from "./chart.js";
import { Load } from "./load.js";
import type { Bench, Round, Subject } from "./measures.js";
import { bundleTable, tableOf, targetTable } from "./report.js";
import type { Report, WorkloadReport } from "./results.js";
import {
  type Binaries,
  cores,
  findBun,
  isPinned,
  pinGenerator,
  ServerProcess,
  serverKinds,
  type ServerName,
  serverNames,
  usualServers,
} from "./server-process.js";
import { type Workload, workloads } from "./workloads.js";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
/** --quick starts no workload and no second round later than this; the longest takes some 20 seconds. */
const QUICK_BUDGET_MS = 140_000;
/** Not a matter of servers, and chosen as a workload is. */
const BUNDLES = "hub-bundle";

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string", multiple: true, default: [] },
    servers: { type: "string" },
    rounds: { type: "string" },
    seconds: { type: "string" },
    node: { type: "string", default: process.execPath },
    out: { type: "string" },
    list: { type: "boolean", default: false },
  },
});
const { quick } = values;
const rounds = Number(values.rounds ?? (quick ? 1 : 5));
const seconds = Number(values.seconds ?? (quick ? 0.4 : 1.5));
const binaries: Binaries = { node: values.node, bun: findBun() };
const wantedServers = (values.servers?.split(",") ?? usualServers) as ServerName[];
for (const name of wantedServers)
  if (!serverNames.includes(name)) fail(`no server "${name}": ${serverNames.join(", ")}`);

const known = workloads(quick);
const isWanted = (name: string): boolean =>
  values.only.length === 0 ||
  values.only.some((part) => (known.some((one) => one.name === part) ? name === part : name.startsWith(part)));
const chosen = known.filter(({ name }) => isWanted(name));
const wantsBundles = isWanted(BUNDLES);
if (chosen.length === 0 && !wantsBundles) fail(`no workload "${values.only.join(", ")}"; see --list`);
if (values.list) {
  for (const { name, title } of chosen) console.log(`${name.padEnd(22)} ${title}`);
  if (wantsBundles) console.log(`${BUNDLES.padEnd(22)} what a page has to load for a client library`);
  console.log(`servers: ${serverNames.join(", ")}`);
  process.exit();
}

pinGenerator();
const load = new Load(Math.max(1, Math.min(4, cores - 1)));
const bench: Bench = { load, seconds, warmUpSeconds: seconds / 2 };
const running = new Set<ServerProcess>();
const engines = new Map<EngineName, Promise<Engine>>();
const began = performance.now();
const report: Report = {
  date: new Date().toISOString(),
  machine: `${cores} × ${cpus()[0]?.model.trim() ?? "unknown"}`,
  isPinned,
  threads: load.threads,
  node: version(binaries.node),
  bun: binaries.bun === null ? "none" : version(binaries.bun),
  rounds,
  seconds,
  workloads: [],
};

console.log(
  `Servers on Node ${report.node} and Bun ${report.bun}; ${report.machine}; ` +
    (isPinned ? "servers on a core of their own" : "processes not pinned") +
    `; medians of ${rounds} rounds of ${seconds} s, taken in turns`,
);
for (const workload of chosen) {
  if (isOutOfTime()) {
    console.log(`\n${workload.title}: left out, --quick has no time left`);
    continue;
  }
  const result = await run(workload);
  report.workloads.push(result);
  console.log(`\n${tableOf(result)}`);
}
if (wantsBundles) {
  report.bundles = await measureBundles();
  console.log(`\n${bundleTable(report.bundles)}`);
}
console.log(`\n${targetTable(report)}`);
// The documents are made of whole runs: a partial one replaces none of them.
const isWhole = !quick && values.only.length === 0 && values.servers === undefined;
const out = values.out ?? join(root, isWhole ? "bench/results/latest.json" : "build/bench/partial.json");
mkdirSync(dirname(out), { recursive: true });
writeFileSync(out, `${JSON.stringify(report, null, 2)}\n`);
// Nor the chart that the README shows.
if (isWhole && hasAllOfChart(report)) {
  mkdirSync(join(root, "docs/images"), { recursive: true });
  writeFileSync(join(root, "docs/images/performance.svg"), chart(report));
}
console.log(`\n${Math.round((performance.now() - began) / 1000)} s; all figures: ${out}`);
await load.terminate();

async function run(workload: Workload): Promise<WorkloadReport> {
  const names = workload.servers.filter((name) => wantedServers.includes(name) && canStart(name));
  const failed = new Map<ServerName, string>();
  const results = new Map<ServerName, Round[]>(names.map((name) => [name, []]));
  const compression = workload.settings?.compression ?? false;
  const start = async (name: ServerName): Promise<Subject> => {
    const engine = await engineOf(name);
    const settings = engine === null ? {} : { engine: engine.url };
    const server = await ServerProcess.start(name, { ...workload.settings, ...settings }, binaries);
    running.add(server);
    return { name, server, compression, engine };
  };
  const subjects = workload.fresh ? [] : await Promise.all(names.map(start));
  const times = workload.rounds === undefined ? rounds : Math.min(rounds, quick ? 1 : workload.rounds);
  for (let round = 0; round < times && (round === 0 || !isOutOfTime()); round++) {
    for (const name of names) {
      if (failed.has(name)) continue;
      progress(`${workload.name}, round ${round + 1} of ${times}: ${serverKinds[name].label}`);
      try {
        const subject = subjects.find((one) => one.name === name) ?? (await start(name));
        results.get(name)!.push(await workload.measure(bench, subject, subjects));
      } catch (error) {
        failed.set(name, (error as Error).message);
      }
      if (workload.fresh) await stopAll();
    }
  }
  progress("");
  await stopAll();
  for (const engine of engines.values()) await (await engine).stop();
  engines.clear();
  return {
    name: workload.name,
    title: workload.title,
    unit: workload.unit,
    ...(workload.base === undefined ? {} : { base: workload.base }),
    results: names.map((name) => ({
      server: name,
      label: serverKinds[name].label,
      failed: failed.get(name) ?? null,
      rounds: results.get(name)!,
    })),
  };
}

function canStart(name: ServerName): boolean {
  const { runtime, engine } = serverKinds[name];
  return (runtime === "node" || binaries.bun !== null) && (engine === null || isInstalled(engine));
}

/** The servers of a workload share it. */
async function engineOf(name: ServerName): Promise<Engine | null> {
  const kind = serverKinds[name].engine;
  if (kind === null) return null;
  const engine = engines.get(kind) ?? Engine.start(kind);
  engines.set(kind, engine);
  return engine;
}

async function stopAll(): Promise<void> {
  await Promise.all([...running].map((server) => server.stop()));
  running.clear();
}

function isOutOfTime(): boolean {
  return quick && performance.now() - began > QUICK_BUDGET_MS;
}

function progress(line: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}`);
}

function version(binary: string): string {
  return execFileSync(binary, ["--version"], { encoding: "utf8" }).trim().replace(/^v/, "");
}

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}
