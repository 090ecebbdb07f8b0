// docs/tracing.md has the attributes that the code sets.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { projectRoot } from "../harness/root.js";
import { codeWords, readDocument, tableAfter } from "./harness/markdown.js";

const source = readFileSync(join(projectRoot, "packages/hawser/src/server/watching/opentelemetry.ts"), "utf8");
const rows = tableAfter(readDocument("docs/tracing.md"), "The spans");

test("the spans and their attributes are those of the code", () => {
  const inCode = new Set([...source.matchAll(/"([a-z]+(?:[._][a-z]+)+)"/g)].map(([, name]) => name!));
  inCode.delete("opentelemetry.js.api");
  const inPage = new Set(rows.flatMap((row) => codeWords(row["Attributes"] ?? "")));
  assert.deepEqual([...inPage].toSorted(), [...inCode].toSorted());
  for (const row of rows) assert.ok(source.includes(`"${codeWords(row["Span"] ?? "")[0]}"`), row["Span"]);
});
