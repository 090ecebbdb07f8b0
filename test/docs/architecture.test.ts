// The diagram of docs/architecture.md is that of the imports. After a change of theirs: `npm run docs`.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { projectRoot } from "../harness/root.js";
import { importDiagram } from "./harness/import-graph.js";
import { readDocument } from "./harness/markdown.js";

const FILE = "docs/architecture.md";

test("the diagram shows which folder imports from which", () => {
  const page = readDocument(FILE);
  const expected = page.replace(/(?<=^```mermaid\n)[\s\S]*?(?=^```)/m, importDiagram);
  if (process.env["UPDATE"] === "1") writeFileSync(join(projectRoot, FILE), expected);
  assert.equal(readDocument(FILE), expected);
});
