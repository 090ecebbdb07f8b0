// The examples in examples/beside have dependencies of their own, hundreds of megabytes: installed when one of them is run.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { withLock } from "./lock.mjs";
import { root } from "./prepare.mjs";

const folder = join(root, "examples/beside");
const lock = join(folder, "package-lock.json");
// What npm writes last.
const done = join(folder, "node_modules/.package-lock.json");

/** Installs what examples/beside/package-lock.json says, unless that has been done. */
export async function prepareBeside() {
  if (isInstalled()) return;
  await withLock(join(root, ".cache"), async () => {
    if (isInstalled()) return;
    const count = Object.keys(JSON.parse(readFileSync(lock, "utf8")).packages).length - 1;
    process.stderr.write(`Installing what the examples run beside: Next, Vite, Nest and others, ${count} packages…\n`);
    const options = ["ci", "--include=dev", "--ignore-scripts", "--no-progress", "--loglevel=error"];
    const npm = process.env.npm_execpath;
    const settings = { cwd: folder, stdio: ["ignore", 2, 2] };
    const child = npm?.endsWith("npm-cli.js")
      ? spawn(process.execPath, [npm, ...options], settings)
      : spawn("npm", options, { ...settings, shell: process.platform === "win32" });
    const [status] = await once(child, "close");
    if (status !== 0) throw new Error(`npm ci in examples/beside failed: ${status}`);
    linkHawser();
    utimesSync(done, new Date(), new Date());
  });
}

function isInstalled() {
  return existsSync(done) && statSync(done).mtimeMs >= statSync(lock).mtimeMs;
}

// Not a link to this folder, which it would be part of: bundlers that follow links would go round in a circle.
function linkHawser() {
  const hawser = join(folder, "node_modules/hawser");
  mkdirSync(hawser, { recursive: true });
  writeFileSync(
    join(hawser, "package.json"),
    JSON.stringify({ name: "hawser", type: "module", exports: "./index.js" }),
  );
  writeFileSync(join(hawser, "index.js"), 'export * from "../../../../dist/index.js";\n');
}
