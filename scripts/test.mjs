// `npm test`: installs and builds what is missing, then runs every compiled test file under node:test.
//
//   npm test                        everything
//   npm test -- protocol/ layers    files whose path contains one of these
//   npm test -- --only "close code" tests whose name matches this pattern
//   npm test -- --changed           files that may notice what was changed since main (scripts/changed.mjs)
//   npm test -- --update            rewrites the files that tests compare with (UPDATE=1)
//
// `node --test FOLDER` and its glob form each fail on one of Node 20 and 24; run({ files }) works on both.

import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { spec } from "node:test/reporters";
import { parseArgs } from "node:util";
import { changedFiles, testsOf } from "./changed.mjs";
import { packages, prepare, root } from "./prepare.mjs";
import { testEvents } from "./test-files.mjs";

// A test that cannot run here names the reason so. Under CI any other skipped test is a failure: what it needs could have
// been installed.
const EXCUSE = "cannot be installed here:";

// Begun first, the longest first: one that is begun late is waited for while the other processors have nothing to do.
const LONGEST = [
  "chaos/chaos",
  "consumers/consumers",
  "audit/faults",
  "admin/dashboard-browser",
  "audit/command",
  "examples/audit",
  "examples/beside",
].map((name) => `build/test/${name}.test.js`);

const { values, positionals: filters } = parseArgs({
  allowPositionals: true,
  options: { only: { type: "string" }, update: { type: "boolean" }, changed: { type: "boolean" } },
});
if (values.update) process.env.UPDATE = "1";

// For what several files need, and is made once.
const shared = (process.env.TEST_RUN_FOLDER = mkdtempSync(join(tmpdir(), "hawser-test-")));
process.once("exit", () => rmSync(shared, { recursive: true }));

await prepare([...packages, "test", "examples"]);

let files = testFiles(filters);
if (files.length === 0) {
  console.error(`No test file matches ${filters.join(", ") || "build/test/**/*.test.js"}.`);
  process.exit(1);
}
if (values.changed) {
  const all = files.length;
  files = testsOf(changedFiles(root), files, root);
  console.log(`${files.length} of ${all} test files may notice what was changed.`);
  if (files.length === 0) process.exit();
}

// Children inherit these: run() has no option for it on Node 20.
process.execArgv.push(`--import=${new URL("test-limits.mjs", import.meta.url).href}`);
const tests = testEvents(
  files.map((file) => join(root, file)),
  {
    // One more than can compute at once: audits, browsers and installers wait for most of their time.
    concurrency: availableParallelism() + 1,
    only: values.only,
    // Who chose what to run looks for what fails now and then.
    trySecond: filters.length === 0,
  },
);

const count = { passed: 0, failed: 0, skipped: 0 };
const skippedWithoutExcuse = [];
await pipeline(tests, counted, new spec(), process.stdout, { end: false });

async function* counted(events) {
  for await (const event of events) {
    const { type, data: test } = event;
    // A file without tests is reported as a passing test named after itself.
    const isTest = test.details?.type === "suite" ? test.skip !== undefined : test.name !== test.file;
    const excuse = test.skip ?? test.todo;
    if (type === "test:fail" && test.details.type !== "suite" && test.todo === undefined) count.failed++;
    else if (type === "test:pass" && isTest) {
      if (excuse === undefined) count.passed++;
      else count.skipped++;
      if (excuse !== undefined && !String(excuse).startsWith(EXCUSE)) skippedWithoutExcuse.push(test.name);
    }
    yield event;
  }
}

if (process.env.CI === "true" && skippedWithoutExcuse.length > 0) {
  console.log(`\nSkipped under CI without a reason that begins with "${EXCUSE}": ${skippedWithoutExcuse.join("; ")}`);
  count.failed += skippedWithoutExcuse.length;
  count.skipped -= skippedWithoutExcuse.length;
}
console.log(`\n${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`);
if (count.passed === 0) console.log("No test was executed.");
process.exitCode = count.failed > 0 || count.passed === 0 ? 1 : 0;

/**
 * As paths from the root, in the order in which they begin. By their sources, for tsc leaves what it made of a file that is there no
 * more.
 */
function testFiles(wanted) {
  const all = readdirSync(join(root, "test"), { recursive: true })
    .filter((path) => path.endsWith(".test.ts"))
    .map((path) => `build/test/${path.replaceAll("\\", "/").replace(/\.ts$/, ".js")}`);
  const gone = LONGEST.filter((path) => !all.includes(path));
  if (gone.length > 0) throw new Error(`LONGEST in scripts/test.mjs names what is no test: ${gone.join(", ")}`);
  return [...LONGEST, ...all.filter((path) => !LONGEST.includes(path)).toSorted()].filter(
    (path) => wanted.length === 0 || wanted.some((part) => path.includes(part)),
  );
}
