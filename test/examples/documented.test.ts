// Every example says how it is run, that command works, and examples/README.md lists it.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { projectRoot } from "../harness/root.js";
import { names } from "./harness/example.js";

const folder = join(projectRoot, "examples");

test("every example names its command and stands in examples/README.md", () => {
  const list = readFileSync(join(folder, "README.md"), "utf8");
  for (const name of names) {
    const text = readFileSync(join(folder, `${name}.ts`), "utf8");
    assert.match(text, new RegExp(`^// Run: node examples/run\\.mjs ${name}( |$)`, "m"));
    assert.ok(list.includes(`(${name}.ts)`), `examples/README.md has no link to ${name}.ts`);
  }
});

test("run.mjs names what it does not find", () => {
  const { status, stderr } = spawnSync(process.execPath, [join(folder, "run.mjs"), "nonsense"], { encoding: "utf8" });
  assert.equal(status, 2);
  assert.match(stderr, /There is no example "nonsense"/);
});
