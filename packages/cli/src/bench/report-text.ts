/** A report as a table for people. */
import { availableParallelism } from "node:os";
import { printable } from "hawser/tools";
import type { Bucket, Percentiles } from "./histogram.js";
import { BUSY_LIMIT, closeText, type Report } from "./report.js";

const LABEL = 14;
const WIDEST_BAR = 40;

export function reportText(report: Report): string {
  const rows: [label: string, text: string][] = [
    ["target", `${report.url}${report.subprotocol === "" ? "" : `, subprotocol ${report.subprotocol}`}`],
    ["load", loadText(report)],
    ["time", timeText(report)],
    ...messageRows(report),
    [report.load === "storm" ? "handshake" : "latency", latencyText(report)],
    ...distribution(report.histogram).map((line, at): [string, string] => [at === 0 ? "distribution" : "", line]),
    ["connections", connectionsText(report)],
    ["closes", countsText(report.closes.map((close) => [closeText(close), close.count]))],
    ["errors", countsText(report.errors.map(({ kind, count }) => [kind, count]))],
    ["generator", generatorText(report)],
  ];
  return rows.map(([label, text]) => `${label.padEnd(LABEL)}${printable(text)}\n`).join("");
}

function loadText({ load, connections, rooms, rate, inFlight, messageBytes, messageType }: Report): string {
  const places = `${count(connections)} ${connections === 1 ? "connection" : "connections"}`;
  const inRooms = rooms === 1 ? "" : ` in ${count(rooms)} rooms`;
  if (load === "storm")
    return `storm, ${places} at a time${rate === null ? "" : `, ${amount(rate)}/s on schedule (open loop)`}`;
  const per = load === "fanout" ? "per room" : "each";
  const pace = rate === null ? `${count(inFlight ?? 0)} in flight ${per}` : `${amount(rate)}/s on schedule (open loop)`;
  return `${load}, ${places}${inRooms}, ${pace}, ${count(messageBytes)} bytes of ${messageType === "text" ? "text" : "binary"}`;
}

function timeText({ seconds, warmUpSeconds, wasInterrupted }: Report): string {
  const warmUp = warmUpSeconds === 0 ? "" : `, after ${amount(warmUpSeconds)} s of warm-up`;
  return `${amount(seconds)} s${warmUp}${wasInterrupted ? "; interrupted" : ""}`;
}

function messageRows({ load, messages, total, throughput, backlog, rate }: Report): [string, string][] {
  const { sent, received, sentPerSecond, receivedPerSecond, unanswered } = messages;
  const rows: [string, string][] =
    load === "storm"
      ? [["handshakes", `${count(received)}, ${amount(receivedPerSecond)}/s`]]
      : [
          ["sent", `${count(sent)}, ${amount(sentPerSecond)}/s, ${amount(throughput.sentMBPerSecond)} MB/s`],
          [
            "received",
            `${count(received)}, ${amount(receivedPerSecond)}/s, ${amount(throughput.receivedMBPerSecond)} MB/s`,
          ],
        ];
  if (unanswered > 0) rows.push(["unanswered", `${count(unanswered)}, each counted with the time it waited`]);
  if (total.missing !== null && total.missing > 0)
    rows.push(["missing", `${count(total.missing)} deliveries to listeners`]);
  if (backlog !== null && rate !== null) rows.push(["backlog", backlogText(backlog, rate)]);
  return rows;
}

function backlogText(backlog: number, rate: number): string {
  if (backlog === 0) return "none at the end";
  return `${count(backlog)} at the end, ${milliseconds((backlog / rate) * 1000)} of the schedule`;
}

function latencyText({ latencyMs, load, messageBytes }: Report): string {
  if (latencyMs !== null) return percentileText(latencyMs);
  return load === "fanout" && messageBytes < 16 ? "not measured: it takes --size 16 or more" : "nothing was measured";
}

function percentileText({ p50, p90, p99, p999, max }: Percentiles): string {
  const parts: [string, number][] = [
    ["p50", p50],
    ["p90", p90],
    ["p99", p99],
    ["p99.9", p999],
    ["max", max],
  ];
  return parts.map(([name, value]) => `${name} ${milliseconds(value)}`).join("  ");
}

function distribution(histogram: readonly Bucket[]): string[] {
  const total = histogram.reduce((sum, bucket) => sum + bucket.count, 0);
  const most = Math.max(...histogram.map((bucket) => bucket.count));
  const bounds = histogram.map(({ fromMs, toMs }) => [milliseconds(fromMs), milliseconds(toMs)] as const);
  const width = Math.max(...bounds.flat().map((text) => text.length));
  return histogram.map((bucket, at) => {
    const [from = "", to = ""] = bounds[at] ?? [];
    const share = `${((bucket.count / total) * 100).toFixed(2)} %`.padStart(8);
    const bar = "#".repeat(bucket.count === 0 ? 0 : Math.max(1, Math.round((bucket.count / most) * WIDEST_BAR)));
    return `${from.padStart(width)} to ${to.padStart(width)} ${share} ${bar}`.trimEnd();
  });
}

function connectionsText({ opened, connections, load, handshakeMs }: Report): string {
  if (load === "storm") return `${count(opened)} opened and closed`;
  const handshake = handshakeMs === null ? "" : `; handshake ${percentileText(handshakeMs)}`;
  return `${count(opened)} of ${count(connections)} opened${handshake}`;
}

function countsText(counts: readonly (readonly [name: string, count: number])[]): string {
  if (counts.length === 0) return "none";
  return counts.map(([name, number]) => `${count(number)} × ${name}`).join("; ");
}

function generatorText({ threads, generator: { busy, cpuCores, lagMs, isLimit } }: Report): string {
  const size = `${threads} ${threads === 1 ? "thread" : "threads"}, busiest ${Math.round(busy * 100)} % of a core, ${amount(cpuCores)} cores in all`;
  const lag = lagMs === null ? "" : `, sent late by p99 ${milliseconds(lagMs.p99)}`;
  return `${size}${lag}${isLimit ? `; ${limitText(busy, threads)}` : ""}`;
}

function limitText(busy: number, threads: number): string {
  if (busy <= BUSY_LIMIT)
    return "it was late itself: this machine has too much to do, and latency has some of that in it";
  const more = threads < availableParallelism() ? "more --threads, or " : "";
  return `it was at its own limit, and the server may do better: ${more}a machine of its own`;
}

/** 1,234 */
function count(value: number): string {
  return value.toLocaleString("en-US");
}

/** Three digits that mean something. */
function amount(value: number): string {
  return value.toLocaleString("en-US", { maximumFractionDigits: value >= 100 ? 0 : value >= 10 ? 1 : 2 });
}

function milliseconds(value: number): string {
  if (value >= 10_000) return `${amount(value / 1000)} s`;
  return value < 1 ? `${Math.round(value * 1000)} µs` : `${amount(value)} ms`;
}
