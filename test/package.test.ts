// What users get: the names each entry point exports, and the files in the package.
// After a change that is meant: `npm run surface`, and read the difference.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const surfaceFile = join(root, "test/public-surface.txt");

/** A path, or one for each condition. */
type Target = string | { readonly [condition: string]: Target };

interface Manifest {
  name: string;
  exports: Record<string, Target>;
  bin: Record<string, string>;
}
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Manifest;

test("the exported names are those of test/public-surface.txt", async () => {
  const surface = await publicSurface();
  if (process.env["UPDATE"] === "1") writeFileSync(surfaceFile, surface);
  assert.equal(
    surface,
    readFileSync(surfaceFile, "utf8"),
    "the public surface changed: if that is meant, npm run surface",
  );
});

test("neither undici nor TLS is loaded for a server that does without", () => {
  const program = `
    import { createServer } from "hawser";
    const server = createServer({ logLevel: "silent" });
    await server.listen(0);
    await server.close();
    console.log(process.moduleLoadList.filter((name) => / internal\\/deps\\/undici| https$| tls$/.test(name)).join());`;
  const said = execFileSync(process.execPath, ["--input-type=module", "--eval", program], {
    cwd: root,
    encoding: "utf8",
  });
  assert.equal(said.trim(), "");
});

test("the package holds compiled code, types and documents, and nothing else", () => {
  const files = packedFiles();
  // What is installed and built beside the examples is ignored by git, which npm does not ask.
  const tracked = new Set(execFileSync("git", ["ls-files"], { cwd: root, encoding: "utf8" }).split("\n"));
  assert.deepEqual(
    files.filter((file) => !file.startsWith("dist/") && !tracked.has(file)),
    [],
  );
  const expected =
    /^(dist\/.+\.c?js|dist\/.+\.d\.c?ts|(docs|examples|deploy)\/.+|package\.json|(README|SECURITY|CHANGELOG)\.md|LICENSE)$/;
  assert.deepEqual(
    files.filter((file) => !expected.test(file)),
    [],
  );
  for (const file of [
    "LICENSE",
    "CHANGELOG.md",
    "README.md",
    "SECURITY.md",
    "docs/options.md",
    "deploy/hawser.service",
  ])
    assert.ok(files.includes(file), `${file} is missing`);
});

test("every file that package.json names is in the package", () => {
  const files = packedFiles();
  const named = [...Object.values(manifest.bin), ...Object.values(manifest.exports).flatMap(pathsOf)];
  for (const path of named) assert.ok(files.includes(path.replace("./", "")), `${path} is missing`);
});

/** Lines such as `hawser/protocol  encodeFrame`: values as the module has them, types as its index.ts names them. */
async function publicSurface(): Promise<string> {
  const lines: string[] = [];
  for (const [entry, target] of Object.entries(manifest.exports)) {
    const types = typeof target === "string" ? undefined : pathsOf(target).find((path) => path.endsWith(".d.ts"));
    if (types === undefined) continue;
    const name = entry.replace(".", manifest.name);
    const values = Object.keys((await import(name)) as object);
    const typeNames = exportedTypes(readFileSync(join(root, types), "utf8"));
    for (const value of values.toSorted()) lines.push(`${name}  ${value}`);
    for (const type of typeNames.toSorted()) lines.push(`${name}  type ${type}`);
  }
  return `${lines.join("\n")}\n`;
}

/** The index files are lists written by hand, `export type { A, B } from "./c.js"`; `export *` would hide what is public. */
function exportedTypes(declarations: string): string[] {
  assert.doesNotMatch(declarations, /export\s+(type\s+)?\*/, "an entry point names what it exports");
  const names: string[] = [];
  for (const [, wholeType, list] of declarations.matchAll(/export\s+(type\s)?\s*\{([^}]*)\}/g)) {
    for (const item of (list ?? "").split(",").map((text) => text.trim())) {
      const isType = wholeType !== undefined || item.startsWith("type ");
      if (item !== "" && isType) names.push(item.replace(/^type\s+/, "").replace(/^.*\sas\s+/, ""));
    }
  }
  return names;
}

function packedFiles(): string[] {
  // --ignore-scripts: prepack would build, and this process runs on what was built.
  const npm = process.platform === "win32" ? "npm.cmd" : "npm";
  const output = execFileSync(npm, ["pack", "--dry-run", "--json", "--ignore-scripts", "--loglevel=error"], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
    shell: process.platform === "win32",
  });
  const packed = JSON.parse(output) as { files: { path: string }[] }[] | Record<string, { files: { path: string }[] }>;
  // npm 12 answers with an object by package name, older ones with a list.
  return (Object.values(packed)[0]?.files ?? []).map((file) => file.path);
}

function pathsOf(target: Target): string[] {
  return typeof target === "string" ? [target] : Object.values(target).flatMap(pathsOf);
}
