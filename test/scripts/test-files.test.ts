// What fails beside other tests is run again by itself. In a process of its own: node:test does not run files within a file of tests.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { pathToFileURL } from "node:url";
import { projectRoot } from "../harness/root.js";

interface Seen {
  readonly type: string;
  readonly name: string;
}

const BEGIN = `import { existsSync, writeFileSync } from "node:fs";
import { describe, test } from "node:test";
const mark = new URL(import.meta.url + ".mark");
const isFirst = !existsSync(mark);
writeFileSync(mark, "");
function failsAtFirst() { if (isFirst) throw new Error("too slow"); }
`;

const BODIES = {
  good: `test("good", () => {});`,
  slow: `describe("outer", () => { test("beside", () => {}); test("slow (1 + 1)", failsAtFirst); });`,
  bad: `test("bad", () => { throw new Error("bad"); });`,
  gone: `if (isFirst) process.exit(3); test("gone", () => {});`,
};

/** How the tests of these files end, and what is noted. */
function ran(t: TestContext, bodies: readonly (keyof typeof BODIES)[], trySecond = true) {
  const folder = mkdtempSync(join(tmpdir(), "hawser-test-files-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const files = bodies.map((name, at) => {
    const file = join(folder, `${at}-${name}.mjs`);
    writeFileSync(file, BEGIN + BODIES[name]);
    return file;
  });
  const program = `
    import { testEvents } from ${JSON.stringify(pathToFileURL(join(projectRoot, "scripts/test-files.mjs")).href)};
    import { spec } from "node:test/reporters";
    import { Readable } from "node:stream";
    const events = await Readable.from(testEvents(${JSON.stringify(files)}, { concurrency: 2, trySecond: ${trySecond} })).toArray();
    // It throws where events do not belong together.
    await Readable.from(events).compose(new spec()).toArray();
    for (const { type, data } of events)
      if (["test:pass", "test:fail", "test:diagnostic"].includes(type) && data.skip === undefined)
        console.log(JSON.stringify({ type, name: data.message ?? data.name }));
  `;
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const driver = join(folder, "driver.mjs");
  writeFileSync(driver, program);
  const { stdout, stderr } = spawnSync(process.execPath, [driver], { encoding: "utf8", env });
  assert.equal(stderr, "");
  const seen = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Seen);
  const named = (wanted: string) => seen.filter(({ type }) => type === wanted).map(({ name }) => name);
  return { passed: named("test:pass"), failed: named("test:fail"), notes: named("test:diagnostic") };
}

test("what passes when it runs by itself has passed, and what went wrong before is told", (t) => {
  const { passed, failed, notes } = ran(t, ["slow", "good"]);
  assert.deepEqual(passed, ["good", "beside", "slow (1 + 1)", "outer"]);
  assert.deepEqual(failed, []);
  assert.equal(notes.length, 1);
  assert.match(notes[0]!, /^Failed at first: .*slow \(1 \+ 1\)\nError: too slow\n/);
});

test("what fails twice has failed", (t) => {
  assert.deepEqual(ran(t, ["good", "bad"]), { passed: ["good"], failed: ["bad"], notes: [] });
});

test("a file that ended before its tests is run again as a whole", (t) => {
  const { passed, failed, notes } = ran(t, ["gone", "good"]);
  assert.deepEqual([passed, failed], [["good", "gone"], []]);
  assert.match(notes.join(), /^Failed at first: .*0-gone\.mjs\n/);
});

test("many that fail are no chance, and who chose what to run is told of the first failure", (t) => {
  assert.equal(ran(t, ["slow", "slow", "slow", "slow"]).failed.length, 8);
  assert.deepEqual(ran(t, ["slow"], false).failed, ["slow (1 + 1)", "outer"]);
});
