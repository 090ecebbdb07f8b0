/** What a page has to load, as the README of the package has it. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { projectRoot } from "../harness/root.js";

const readme = readFileSync(join(projectRoot, "packages/client/README.md"), "utf8");

for (const { entry, most, what } of [
  { entry: "core", most: 6_000, what: "recovery, publishing and calls" },
  { entry: "index", most: 7_500, what: "everything, with presence, history and bytes" },
]) {
  test(`${what}: at most ${most} bytes, minified and compressed`, async (t) => {
    const { outputFiles, warnings } = await build({
      entryPoints: [join(projectRoot, `packages/client/dist/${entry}.js`)],
      bundle: true,
      minify: true,
      format: "esm",
      // Nothing of Node: esbuild would not find it for a browser.
      platform: "browser",
      write: false,
      logLevel: "silent",
    });
    assert.deepEqual(warnings, []);
    assert.ok(readme.includes(`${(most / 1_000).toFixed(1)} kB`), "the README says so");
    const bytes = gzipSync(outputFiles[0]!.contents, { level: 9 }).length;
    t.diagnostic(`${bytes} bytes`);
    assert.ok(bytes <= most, `${bytes} bytes`);
  });
}
