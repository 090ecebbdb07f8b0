// `npm run release`: what `--set` writes, and what keeps it from publishing.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type Manifest, packages } from "../harness/packed.js";
import { projectRoot } from "../harness/root.js";

test("--set gives all packages the version, and what is unreleased its heading", (t) => {
  const root = copy(t);
  assert.deepEqual(release(root, "--set", "7.8.9"), { status: 0, stderr: "" });
  const manifests = packages.map(({ folder }) => read(root, `${folder}/package.json`) as unknown as Manifest);
  for (const { name, version, dependencies, peerDependencies } of manifests) {
    assert.equal(version, "7.8.9", name);
    const ranges = { ...dependencies, ...peerDependencies };
    for (const other of manifests)
      assert.ok([undefined, "^7.8.9"].includes(ranges[other.name]), `${name}: ${other.name}`);
  }
  const lock = read(root, "package-lock.json")["packages"] as Record<string, Manifest>;
  for (const { folder } of packages) assert.equal(lock[folder]?.version, "7.8.9", folder);
  const [heading] = /^## .*$/m.exec(readFileSync(join(root, "CHANGELOG.md"), "utf8")) ?? [];
  assert.equal(heading, "## 7.8.9");
});

test("what is no version is not set, and nothing is published in passing", (t) => {
  const root = copy(t);
  assert.deepEqual(release(root, "--set", "next"), { status: 1, stderr: "next is no version.\n" });
  for (const other of ["--dry-run", "--no-test"])
    assert.deepEqual(release(root, "--publish", other), {
      status: 1,
      stderr: "--publish goes with neither of the others.\n",
    });
  const { status, stderr } = release(root, "--publish");
  assert.equal(status, 1);
  assert.match(stderr, /^CHANGELOG\.md says nothing of /);
});

/** What a release reads and writes. */
function copy(t: TestContext): string {
  const root = mkdtempSync(join(tmpdir(), "hawser-release-"));
  t.after(() => rmSync(root, { recursive: true }));
  const files = ["scripts", "package.json", "package-lock.json", ".npmrc"];
  for (const path of [...files, ...packages.map(({ folder }) => `${folder}/package.json`)])
    cpSync(join(projectRoot, path), join(root, path), { recursive: true });
  writeFileSync(join(root, "CHANGELOG.md"), "# Changelog\n\n## Unreleased\n\n- A change.\n\n## 0.0.1\n");
  return root;
}

function release(root: string, ...args: string[]): { status: number | null; stderr: string } {
  const command = [join(root, "scripts/release.mjs"), ...args];
  const { status, stderr } = spawnSync(process.execPath, command, { cwd: root, encoding: "utf8" });
  return { status, stderr };
}

function read(root: string, path: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(root, path), "utf8")) as Record<string, unknown>;
}
