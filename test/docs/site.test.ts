// The menu of the site has every document. That it builds, and that its links lead somewhere, `npm run docs:site` tells, which takes a minute.

import assert from "node:assert/strict";
import { join, posix } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { projectRoot } from "../harness/root.js";
import { documents, links, readDocument } from "./harness/markdown.js";

const { chapters } = (await import(pathToFileURL(join(projectRoot, "site/pages.mjs")).href)) as {
  chapters: { pages: Record<string, string> }[];
};
const pages = chapters.flatMap((chapter) => Object.keys(chapter.pages)).map((page) => `${page}.md`);

test("every document is in the menu of the site, and nothing else", () => {
  // The first page has no place in it.
  assert.deepEqual(
    pages.toSorted(),
    documents()
      .filter((path) => path !== "site/index.md")
      .toSorted(),
  );
});

test("a page that a document links to is one of the site's", () => {
  const linked = documents().flatMap((path) =>
    links(readDocument(path))
      .filter((link) => /^(?![a-z]+:).*\.md(#|$)/.test(link))
      .map((link) => posix.join(posix.dirname(path), link.replace(/#.*/, ""))),
  );
  assert.deepEqual(
    linked.filter((path) => !pages.includes(path)),
    [],
  );
});
