/** .github: what it runs is what is there, on every Node that the package is for. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, it, test } from "node:test";
import { parse } from "yaml";
import { projectRoot } from "../harness/root.js";

interface Job {
  strategy?: { matrix: { node: number[] } };
  container?: string;
  steps: { uses?: string; run?: string }[];
}
const manifest = JSON.parse(readFileSync(join(projectRoot, "package.json"), "utf8")) as {
  scripts: Record<string, string>;
  engines: { node: string };
};
const [, oldest] = /^>=(\d+)\./.exec(manifest.engines.node)!;

for (const file of filesOf(".github/workflows")) {
  const { jobs } = read(file) as { jobs: Record<string, Job> };
  for (const [name, { strategy, container, steps }] of Object.entries(jobs)) {
    describe(`${name} in ${file}`, () => {
      it("is on versions of Node that the package takes", () => {
        const [, fixed] = /^node:(\d+)/.exec(container ?? "") ?? [];
        const versions = strategy?.matrix.node ?? [Number(fixed)];
        assert.ok(versions.length > 0);
        for (const version of versions) assert.ok(version >= Number(oldest), `Node ${version}`);
      });

      it("runs commands of this repository, and actions of a given major version", () => {
        for (const { uses, run = "" } of steps) {
          if (uses !== undefined) assert.match(uses, /^actions\/[\w-]+@v\d+$/);
          for (const [, script = ""] of run.matchAll(/\bnpm run ([\w:-]+)/g))
            assert.ok(manifest.scripts[script], script);
          if (/\bnpm test\b/.test(run)) assert.ok(manifest.scripts["test"]);
          for (const [path] of run.matchAll(/(?<![\w"/])\.\w+\/\w+|\btest\/\w+/g))
            assert.ok(existsSync(join(projectRoot, path)) || existsSync(join(projectRoot, `${path}.test.ts`)), path);
        }
      });
    });
  }
}

test("every version of Node that the tests in CI are for begins with the oldest one that the package takes", () => {
  const { jobs } = read(".github/workflows/ci.yml") as { jobs: Record<string, Job> };
  for (const { strategy } of Object.values(jobs)) assert.equal(Math.min(...strategy!.matrix.node), Number(oldest));
});

test("whoever reports something is asked for the version and for an audit", () => {
  for (const file of filesOf(".github/ISSUE_TEMPLATE")) {
    const { body } = read(file) as { body: { attributes: { description?: string } }[] };
    const asked = body.map(({ attributes }) => attributes.description).join("\n");
    assert.match(asked, /`hawser --version`/);
    assert.match(asked, /`hawser audit URL`/);
  }
});

function filesOf(folder: string): string[] {
  return readdirSync(join(projectRoot, folder)).map((name) => `${folder}/${name}`);
}

function read(file: string): unknown {
  return parse(readFileSync(join(projectRoot, file), "utf8"));
}
