import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { pathToFileURL } from "node:url";
import { projectRoot } from "../harness/root.js";

interface Changed {
  changedFiles: (root: string) => string[];
  testsOf: (changed: string[], tests: string[], root: string) => string[];
}
const script = pathToFileURL(join(projectRoot, "scripts/changed.mjs")).href;
const { changedFiles, testsOf } = (await import(script)) as Changed;

test("a change concerns the tests whose code names it, through modules and programs, and what none names all", (t) => {
  const root = folderOf(t, {
    "package.json": '{ "imports": { "#hawser/*": "./dist/*" }, "bin": "./dist/main.js", "files": ["docs"] }',
    "dist/main.js": 'await import("./command.js"); new URL("../docs/page.md", import.meta.url);',
    "dist/command.js": 'import { low } from "./low.js";',
    "dist/low.js": 'const other = "low.txt";',
    "dist/lonely.js": "export {};",
    "dist/generated/page.js": 'export const page = "";',
    "build/test/unit.test.js": 'import "#hawser/low.js"; read("test/low.txt");',
    "build/test/process.test.js": 'import { start } from "./harness/start.js";',
    "build/test/harness/start.js":
      'run(join(root, "package.json"), new URL("peer-main.js", import.meta.url), "packages/tool")',
    "packages/tool/package.json": '{ "bin": "./tool.js" }',
    "packages/tool/tool.js": 'await import("../other/dist/deep.js");',
    "packages/other/dist/deep.js": "export {};",
    "build/test/harness/peer-main.js": "import '../../../dist/generated/page.js';",
    "build/test/docs/links.test.js": 'readdirSync(join(root, "docs"))',
    "src/lonely.ts": "export {};",
    "NOTES.md": "",
  });
  const tests = ["unit", "process", "docs/links"].map((name) => `build/test/${name}.test.js`);
  const concerned = (...changed: string[]): string[] =>
    testsOf(changed, tests, root).map((path) => path.slice("build/test/".length, -".test.js".length));
  const all = ["unit", "process", "docs/links"];

  assert.deepEqual(concerned("src/low.ts"), ["unit", "process"]);
  assert.deepEqual(concerned("src/command.ts"), ["process"]);
  assert.deepEqual(concerned("test/harness/peer-main.ts"), ["process"]);
  assert.deepEqual(concerned("packages/other/src/deep.ts"), ["process"]);
  assert.deepEqual(concerned("test/unit.test.ts", "src/main.ts"), ["unit", "process"]);
  assert.deepEqual(concerned("test/low.txt"), ["unit"]);
  assert.deepEqual(concerned("docs/page.md"), ["docs/links"]);
  assert.deepEqual(concerned("docs/pictures/one.svg"), ["docs/links"]);
  assert.deepEqual(concerned("NOTES.md"), ["docs/links"]);
  assert.deepEqual(concerned("src/page.html"), ["process"]);
  assert.deepEqual(concerned("src/gone.ts"), []);
  assert.deepEqual(concerned(), []);
  for (const file of ["package.json", "tsconfig.base.json", "src/tsconfig.json", "scripts/embed.mjs"]) {
    assert.deepEqual(concerned(file), all);
  }
  assert.deepEqual(concerned("src/lonely.ts"), all);
});

test("changed is what differs from where the branch left main, committed or not, and not what git ignores", (t) => {
  const root = folderOf(t, { "a.ts": "1", "b.ts": "1", "c.ts": "1", ".gitignore": "dist" });
  const who = { GIT_AUTHOR_NAME: "a", GIT_AUTHOR_EMAIL: "a@b", GIT_COMMITTER_NAME: "a", GIT_COMMITTER_EMAIL: "a@b" };
  const git = (...args: string[]): unknown =>
    execFileSync("git", args, { cwd: root, env: { ...process.env, ...who }, stdio: "pipe" });
  const commit = (): unknown => git("commit", "--quiet", "--all", "--message", "x");
  git("init", "--quiet", "--initial-branch", "trunk");
  git("add", ".");
  commit();
  assert.throws(() => changedFiles(root), /neither origin\/main nor main/);

  git("branch", "main");
  assert.deepEqual(changedFiles(root), []);
  write(root, { "a.ts": "2" });
  commit();
  write(root, { "b.ts": "2", "new.ts": "1", "dist/a.js": "1" });
  assert.deepEqual(changedFiles(root), ["a.ts", "b.ts", "new.ts"]);

  git("stash", "--quiet");
  git("checkout", "--quiet", "main");
  write(root, { "c.ts": "2" });
  commit();
  git("checkout", "--quiet", "trunk");
  assert.deepEqual(changedFiles(root), ["a.ts", "new.ts"]);

  // What was pushed counts, and not where the local branch has stayed.
  git("update-ref", "refs/remotes/origin/main", "trunk");
  assert.deepEqual(changedFiles(root), ["new.ts"]);
});

function folderOf(t: TestContext, files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), "hawser-changed-"));
  t.after(() => rmSync(root, { recursive: true }));
  write(root, files);
  return root;
}

function write(root: string, files: Record<string, string>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
}
