// docs/bench.md and docs/connect.md have every flag, and every key of the JSON.

import assert from "node:assert/strict";
import { test } from "node:test";
import { makeReport } from "#cli/bench/report.js";
import { Counters } from "#cli/bench/tally.js";
import type { Plan } from "#cli/bench/plan.js";
import { findTarget } from "#cli/tools/target.js";
import { runCli } from "../harness/run-cli.js";
import { codeWords, readDocument, tableAfter } from "./harness/markdown.js";

for (const command of ["bench", "connect"]) {
  test(`the flags of ${command}`, async () => {
    const { stdout } = await runCli([command, "--help"]);
    const flags = [...stdout.matchAll(/^ {2}(?:-h, )?(--[a-z-]+)/gm)].map(([, flag]) => flag!);
    const documented = tableAfter(readDocument(`docs/${command}.md`), "Flags").flatMap((row) =>
      codeWords(row["Flag"]!),
    );
    assert.deepEqual(documented.toSorted(), flags.filter((flag) => flag !== "--help").toSorted());
    assert.deepEqual(
      stdout.split("\n").filter((line) => line.length > 80 || /\s$/.test(line)),
      [],
      "lines fit a terminal",
    );
  });
}

test("the keys of the report", async () => {
  const counters = new Counters(() => 0);
  const snapshot = counters.snapshot();
  const tally = counters.tally(snapshot, snapshot, { backlog: 0, activeMs: 0, cpuMs: 0 });
  const plan = { target: await findTarget("ws://127.0.0.1:1/", false), load: "echo", rooms: 1, rate: null } as Plan;
  const report = makeReport(plan, [tally], { subprotocol: "", cpuCores: 0, wasInterrupted: false });
  const rows = tableAfter(readDocument("docs/bench.md"), "JSON");
  assert.deepEqual(rows.flatMap((row) => codeWords(row["Key"]!)).toSorted(), Object.keys(report).toSorted());
  const words = rows.flatMap((row) => codeWords(row["What it is"]!));
  for (const part of [report.messages, report.total, report.throughput, report.generator])
    for (const key of Object.keys(part))
      if (!key.endsWith("PerSecond") || key.includes("MB")) assert.ok(words.includes(key), key);
});
