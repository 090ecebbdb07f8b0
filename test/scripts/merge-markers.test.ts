import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { projectRoot } from "../harness/root.js";

// Not written out: this file is looked through as well.
const [ours, base, middle, theirs] = ["<", "|", "=", ">"].map((sign) => sign.repeat(7)) as [
  string,
  string,
  string,
  string,
];

test("what a merge left is named with its line, in any file, and nothing else is", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "hawser-merge-"));
  t.after(() => rmSync(folder, { recursive: true }));
  execFileSync("git", ["init", "--quiet"], { cwd: folder });
  const write = (name: string, ...lines: string[]): void => writeFileSync(join(folder, name), `${lines.join("\n")}\n`);
  const markersIn = (): string[] => {
    const script = join(projectRoot, "scripts/merge-markers.mjs");
    const { status, stdout, stderr } = spawnSync(process.execPath, [script], { cwd: folder, encoding: "utf8" });
    assert.equal(stderr, "");
    assert.equal(status, stdout === "" ? 0 : 1);
    return stdout.trimEnd().split("\n");
  };

  write(".gitignore", "build");
  write("build", `${ours} HEAD`);
  write("clean.md", `a << b, ${ours}x`, `${middle}=`, "> > a quotation", `| ${base} |`);
  assert.deepEqual(markersIn(), [""]);

  write("plain.yaml", `${ours} HEAD`, "a", `${base} 1234567`, "b", middle, "c", `${theirs} topic`);
  write("windows.txt", `${middle}\r`);
  write("formatted.md", `> > > > > > > topic`);
  write("indented.ts", `  ${ours} HEAD`);
  execFileSync("git", ["add", "plain.yaml"], { cwd: folder });
  assert.deepEqual(
    markersIn().map((line) => line.split(":", 2).join(":")),
    [
      "formatted.md:1",
      "indented.ts:1",
      "plain.yaml:1",
      "plain.yaml:3",
      "plain.yaml:5",
      "plain.yaml:7",
      "windows.txt:1",
    ],
  );
});
