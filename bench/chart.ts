/** The picture for the README: bars of messages per second. Its colours suit a light page and a dark one. */

import { medianOf, type Report } from "./results.js";
import type { ServerName } from "./server-process.js";

const SHOWN = ["echo-64b-1", "echo-64b-16", "fanout-1000-1", "fanout-1000-16", "fanout-deflate"];
const SERVERS: readonly ServerName[] = ["hawser", "bun", "ws", "crossws", "socketio"];

const WIDTH = 760;
const LABEL_WIDTH = 90;
const VALUE_WIDTH = 110;
const BAR = 16;
const STEP = 20;

export function hasAllOfChart(report: Report): boolean {
  return SHOWN.every((name) => report.workloads.some((workload) => workload.name === name));
}

export function chart(report: Report): string {
  const parts: string[] = [];
  let y = 24;
  for (const { name, title, unit, results } of report.workloads) {
    if (!SHOWN.includes(name)) continue;
    const bars = SERVERS.flatMap((server) => {
      const result = results.find((one) => one.server === server);
      const rate = result === undefined ? undefined : medianOf(result.rounds).rate;
      return rate === undefined ? [] : [{ server, label: result!.label, rate }];
    });
    const longest = Math.max(...bars.map(({ rate }) => rate));
    parts.push(`<text class="title" x="0" y="${y}">${title}: ${pluralOf(unit)} per second</text>`);
    y += 10;
    for (const { server, label, rate } of bars) {
      const width = Math.max(1, Math.round((rate / longest) * (WIDTH - LABEL_WIDTH - VALUE_WIDTH)));
      const base = y + 12;
      parts.push(
        `<text x="${LABEL_WIDTH - 8}" y="${base}" text-anchor="end">${label}</text>`,
        `<rect class="${server === "hawser" ? "ours" : "theirs"}" x="${LABEL_WIDTH}" y="${y}" width="${width}" height="${BAR}" rx="2"/>`,
        `<text x="${LABEL_WIDTH + width + 6}" y="${base}">${Math.round(rate).toLocaleString("en")}</text>`,
      );
      y += STEP;
    }
    y += 26;
  }
  const caption = `Node ${report.node}, Bun ${report.bun}; one core for the server; medians of ${report.rounds} rounds in turns; ${report.date.slice(0, 10)}`;
  parts.push(`<text x="0" y="${y}">${caption}</text>`);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y + 12}" width="${WIDTH}" height="${y + 12}" role="img" aria-label="Messages per second of Hawser and its peers">
<style>
text { font: 12px system-ui, sans-serif; fill: #57606a; }
.title { font-weight: 600; fill: #24292f; }
.ours { fill: #0969da; }
.theirs { fill: #8c959f; }
@media (prefers-color-scheme: dark) {
  text { fill: #8b949e; }
  .title { fill: #e6edf3; }
  .ours { fill: #4493f8; }
  .theirs { fill: #6e7681; }
}
</style>
${parts.join("\n")}
</svg>
`;
}

export function pluralOf(unit: string): string {
  return unit === "delivery" ? "deliveries" : `${unit}s`;
}
