// docs/diagnostics.md is equal to the tables in the code. That they are equal to what a server says, test/server/diagnostics.test.ts tests.

import assert from "node:assert/strict";
import { test } from "node:test";
import { diagnosticsChannels, tracingChannels } from "hawser";
import { codeWords, readDocument, tableAfter } from "./harness/markdown.js";

const page = readDocument("docs/diagnostics.md");

for (const [heading, table] of [
  ["The channels", diagnosticsChannels],
  ["The tracing channels", tracingChannels],
] as const) {
  test(`${heading.toLowerCase()} stand in their table with their fields, and no others`, () => {
    const rows = tableAfter(page, heading).map((row) => [
      codeWords(row["Channel"] ?? "")[0],
      codeWords(row["Fields"] ?? ""),
    ]);
    assert.deepEqual(Object.fromEntries(rows), table);
    assert.deepEqual(
      rows.map(([name]) => name),
      Object.keys(table),
    );
  });
}

test("every field is explained", () => {
  const explained = new Set(tableAfter(page, "The fields").flatMap((row) => codeWords(row["Field"] ?? "")));
  const fields = [...Object.values(diagnosticsChannels), ...Object.values(tracingChannels)].flat();
  assert.deepEqual(
    fields.filter((field) => !explained.has(field)),
    [],
  );
});
