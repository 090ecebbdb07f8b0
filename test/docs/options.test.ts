// docs/options.md is equal to the rules. After a change of theirs: `npm run docs`, which writes the tables anew.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { settings } from "#cli/config/settings.js";
import { optionRules } from "hawser/tools";
import { projectRoot } from "../harness/root.js";
import { codeWords, readDocument, tableAfter } from "./harness/markdown.js";
import { markdownTable, optionTables } from "./harness/option-tables.js";

const FILE = "docs/options.md";
const tables = optionTables();

if (process.env["UPDATE"] === "1") {
  let text = readDocument(FILE);
  for (const [group, rows] of tables) {
    // The first table after the group's heading.
    text = text.replace(
      new RegExp(`(^## ${group}\n[^|]*?\n)(?:\\|.*\n)+`, "m"),
      (_, before: string) => before + markdownTable(rows),
    );
  }
  writeFileSync(join(projectRoot, FILE), text);
}

const page = readDocument(FILE);

for (const [group, rows] of tables) {
  test(`the table of "${group}" says what the rules say`, () => {
    assert.deepEqual(tableAfter(page, group), rows);
  });
}

test("the groups are the page's chapters, in the same order", () => {
  const headings = [...page.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading!);
  assert.deepEqual(
    headings.filter((heading) => tables.has(heading)),
    [...tables.keys()],
  );
});

test("every option is explained below its table, once, in the table's order", () => {
  const explained = [...page.matchAll(/^- ((?:`\w+`(?:, | and )?)+):/gm)].flatMap(([, names]) => codeWords(names!));
  const names = [...tables.values()].flat().flatMap((row) => codeWords(row.Option));
  assert.deepEqual(explained, names);
  assert.equal(new Set(names).size, new Set([...settings.keys(), ...Object.keys(optionRules)]).size);
});
