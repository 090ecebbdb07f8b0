// The menu of the site has every document. That it builds, and that its links lead somewhere, `npm run docs:site` tells, which takes a minute.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { projectRoot } from "../harness/root.js";
import { documents } from "./harness/markdown.js";

test("every document is in the menu of the site, and nothing else", async () => {
  const { chapters } = (await import(pathToFileURL(join(projectRoot, "site/pages.mjs")).href)) as {
    chapters: { pages: Record<string, string> }[];
  };
  const pages = chapters.flatMap((chapter) => Object.keys(chapter.pages)).map((page) => `${page}.md`);
  // The first page has no place in it.
  assert.deepEqual(
    pages.toSorted(),
    documents()
      .filter((path) => path !== "site/index.md")
      .toSorted(),
  );
});
