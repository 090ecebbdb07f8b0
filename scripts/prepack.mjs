// Before `npm pack` and `npm publish` of a package, in its folder: compiles it, and copies to it what its `files` name and lies in the
// root of the repository, such as the documents. What it bundles is linked to where npm looks for it. `--undo`, afterwards, takes that away.

import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { prepare, root } from "./prepare.mjs";

const { files, bundleDependencies: bundled = [] } = JSON.parse(readFileSync("package.json", "utf8"));
const names = files.filter((name) => !name.startsWith("!"));
// What git knows, and nothing that was installed beside an example.
const shared = execFileSync("git", ["ls-files", "-z", "--", ...names], { cwd: root, encoding: "utf8" })
  .split("\0")
  .filter((path) => path !== "");

for (const path of shared) rmSync(path.split("/")[0], { recursive: true, force: true });
for (const name of bundled) rmSync(join("node_modules", name), { force: true });
if (!process.argv.includes("--undo")) {
  await prepare();
  for (const path of shared) cpSync(join(root, path), path);
  for (const name of bundled) link(name);
  removeStaleOutputs();
}

// npm keeps the packages of a workspace in the root's node_modules, and bundles what lies in the package's own.
function link(name) {
  const path = join("node_modules", name);
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(join(root, path), path, "junction");
}

// tsc leaves the output of a source that was deleted.
function removeStaleOutputs() {
  for (const path of readdirSync("dist", { recursive: true })) {
    const source = join("src", path.replace(/\.(d\.ts|js)$/, ".ts"));
    if (source.endsWith(".ts") && !existsSync(source)) rmSync(join("dist", path));
  }
}
