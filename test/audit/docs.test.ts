// docs/audit.md, and what the report's links lead to.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { checks } from "#cli/audit/checks/index.js";
import { practices } from "#cli/audit/index.js";
import { anchors, codeBlocks, codeWords, readDocument, tableAfter } from "../docs/harness/markdown.js";
import { runCli } from "../harness/run-cli.js";
import { projectRoot } from "../harness/root.js";

const page = readDocument("docs/audit.md");

test("every check is in the table, under its practice, in the order of the report", () => {
  const rows = tableAfter(page, "The checks").map((row) => `${row["Practice"]} ${codeWords(row["Check"]!)[0]}`);
  const expected = checks
    .toSorted((a, b) => a.practice - b.practice)
    .map(({ practice, name }) => `${practice} ${name}`);
  assert.deepEqual(rows, expected);
  assert.equal(new Set(checks.map(({ name }) => name)).size, checks.length, "names are used once");
});

test("the links of the report lead somewhere", () => {
  for (const link of [...Object.values(practices), ...checks].flatMap((source) => source.link ?? [])) {
    const [file = "", anchor] = link.split("#");
    assert.ok(existsSync(join(projectRoot, file)), link);
    if (anchor !== undefined) assert.ok(anchors(readDocument(file)).has(anchor), link);
  }
});

// What its advice comes to with Hawser: it stands under the heading that the check links to.
const SAYS: Record<string, RegExp> = {
  "log-ids": /"connect"/,
  "never-reading-client": /`writeWaitMs`/,
  "silent-client": /`pongWaitMs`/,
  heartbeat: /`pingPeriodMs`/,
  "message-size": /`maxMessageBytes`/,
  shutdown: /`shutdownGraceMs`/,
  "log-per-message": /`messagesIn`/,
  "busy-neighbour": /`maxMessagesPerTurn`/,
  "ping-flood": /`maxControlFramesPerSecond`/,
  "message-flood": /`maxMessagesPerTurn`/,
  "bomb-flood": /`maxMessagesPerTurn`/,
  "tiny-messages": /`maxBacklogBytes`/,
  stall: /`pongWaitMs`/,
  memory: /`maxBacklogBytes`/,
  "slow-headers": /`headersTimeoutMs`/,
  "header-size": /`maxHeaderBytes`/,
  origin: /`allowedOrigins`/,
  rebinding: /`allowedHosts`/,
  subprotocol: /`subprotocols`/,
};

test("the links of the report lead to what the advice is about", () => {
  for (const [name, said] of Object.entries(SAYS)) {
    const check = checks.find((one) => one.name === name);
    assert.ok(check, name);
    const [file = "", anchor] = (check.link ?? practices[check.practice].link).split("#");
    const text = readDocument(file);
    const heading = (line: string): boolean => line.startsWith("#") && anchors(line).has(anchor ?? "");
    const lines = text.split("\n");
    const from = anchor === undefined ? 0 : lines.findIndex(heading);
    const to = lines.findIndex((line, at) => at > from && anchor !== undefined && line.startsWith("## "));
    assert.match(lines.slice(from, to < 0 ? undefined : to).join("\n"), said, `${name} → ${file}#${anchor ?? ""}`);
  }
});

test("every flag is in the table", async () => {
  const { stdout } = await runCli(["audit", "--help"]);
  const flags = [...stdout.matchAll(/^ {2}(?:-h, )?(--[a-z-]+)/gm)]
    .map(([, flag]) => flag)
    .filter((flag) => flag !== "--help");
  const documented = tableAfter(page, "Auditing a server").flatMap((row) => codeWords(row["Flag"]!));
  assert.deepEqual(new Set(documented), new Set(flags));
});

test("the reports have every check of the report that the command makes", () => {
  const reports = codeBlocks(page, "console");
  assert.ok(reports.length >= 4, `${reports.length} reports`);
  for (const report of reports) {
    const text = report.replace(/\s+/g, " ");
    // A reason that several checks share stands below, by its number.
    for (const { title } of checks)
      assert.ok(text.includes(`${title}:`) || text.includes(`${title} [`), `${title} in ${report.slice(0, 80)}`);
  }
});
