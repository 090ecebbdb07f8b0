// docs/recipes.md shows what stands in the examples, which are compiled and run by test/examples.

import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { dense, readDocument } from "./harness/markdown.js";

const FILE = "docs/recipes.md";
const chapters = readDocument(FILE).split(/^## /m).slice(1);
const shown = chapters.flatMap((chapter) =>
  [...chapter.matchAll(/^```[jt]s\n([\s\S]*?)^```/gm)].map(([, code]) => ({ chapter, code: code! })),
);

test("every piece of code stands in the example that its chapter links", () => {
  assert.ok(shown.length >= 7);
  for (const { chapter, code } of shown) {
    const [, path] = /Whole: \[[^\]]+\]\(([^)]+)\)/.exec(chapter) ?? [];
    assert.ok(path, `no link to the whole of ${chapter.split("\n", 1)[0]}`);
    assert.ok(dense(readDocument(join(dirname(FILE), path))).includes(dense(code)), `${path} has no\n${code}`);
  }
});
