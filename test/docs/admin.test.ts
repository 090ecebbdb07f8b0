// docs/admin.md is equal to the code: events, options, paths.

import assert from "node:assert/strict";
import { test } from "node:test";
import { adminLogEvents, createAdmin } from "@hawser/admin";
import { createServer } from "hawser";
import { codeWords, readDocument, tableAfter, tableWith } from "./harness/markdown.js";

const page = readDocument("docs/admin.md");

test("the events, with their fields", () => {
  const rows = tableAfter(page, "What it logs").map((row) => [codeWords(row["Event"]!)[0]!, codeWords(row["Fields"]!)]);
  assert.deepEqual(Object.fromEntries(rows), adminLogEvents);
});

test("the options of createAdmin", () => {
  const names = tableWith(page, "Option").map((row) => codeWords(row["Option"]!)[0]!);
  assert.equal(names.length, 11);
  // Undefined is what a missing option is; a name that is none is refused.
  for (const name of names) createAdmin(createServer(), { [name]: undefined });
});

test("the paths", async (t) => {
  const admin = createAdmin(createServer());
  t.after(() => admin.close());
  const { url } = await admin.listen();
  for (const row of tableWith(page, "Path")) {
    const path = codeWords(row["Path"]!)[0]!;
    const { status } = await fetch(new URL(path, url));
    assert.equal(status, { "/readyz": 503, "/live": 426 }[path] ?? 200, path);
  }
});
