// The tables of docs/performance.md, docs/performance-figures.md and the chart are those of the runs in bench/results. After a new run:
// `npm run docs`.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { chart } from "../../bench/chart.js";
import type { Report } from "../../bench/results.js";
import { figures, ratioTable, type Run, targetsTable } from "../../bench/tables.js";
import { engineTargets, hubTargets, serverTargets, wsTargets } from "../../bench/targets.js";
import { projectRoot } from "../harness/root.js";
import { readDocument } from "./harness/markdown.js";

const runs = ["latest.json", "node24.json", "xeon-node20.json", "xeon-node24.json"].map(read);
const latest = runs[0]!.report;

const parts = [
  { page: "docs/performance.md", name: "ratios", text: ratioTable(latest) },
  { page: "docs/performance.md", name: "targets", text: targetsTable(serverTargets, runs) },
  { page: "docs/performance-figures.md", name: "figures", text: figures(runs[0]!) },
  ...[
    { name: "hub", targets: hubTargets, run: read("hub.json") },
    { name: "engines", targets: engineTargets, run: read("engines.json") },
    { name: "ws", targets: wsTargets, run: read("ws.json") },
  ].flatMap(({ name, targets, run }) => [
    { page: "docs/performance.md", name, text: targetsTable(targets, [run]) },
    { page: "docs/performance-figures.md", name, text: figures(run) },
  ]),
];

for (const { page, name, text } of parts) {
  test(`${page}: the ${name} are those of the runs`, () => {
    const expected = filled(readDocument(page), name, text);
    if (process.env["UPDATE"] === "1") writeFileSync(join(projectRoot, page), expected);
    assert.equal(readDocument(page), expected);
  });
}

test("the chart is that of the latest run", () => {
  assert.equal(readDocument("docs/images/performance.svg"), chart(latest));
});

function read(file: string): Run {
  return { file, report: JSON.parse(readFileSync(join(projectRoot, "bench/results", file), "utf8")) as Report };
}

/** The document with `text` between its marks `<!-- bench: NAME -->` and `<!-- bench: end -->`. */
function filled(document: string, name: string, text: string): string {
  const marks = new RegExp(`(<!-- bench: ${name} -->\\n)[\\s\\S]*?(\\n<!-- bench: end -->)`);
  assert.match(document, marks);
  return document.replace(marks, (_, before: string, after: string) => `${before}\n${text}\n${after}`);
}
