// Folders with dependencies of their own (bench, examples/beside, site): installed when they are used for the first time.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { withLock } from "./lock.mjs";
import { root } from "./prepare.mjs";

/** Installs what the folder's package-lock.json says, unless that has been done. `what`: what that is, for people who wait. */
export async function installFolder(name, what, afterwards = () => {}) {
  const folder = join(root, name);
  const lock = join(folder, "package-lock.json");
  // What npm writes last.
  const done = join(folder, "node_modules/.package-lock.json");
  const isInstalled = () => existsSync(done) && statSync(done).mtimeMs >= statSync(lock).mtimeMs;
  if (isInstalled()) return;
  await withLock(join(root, ".cache"), async () => {
    if (isInstalled()) return;
    const count = Object.keys(JSON.parse(readFileSync(lock, "utf8")).packages).length - 1;
    process.stderr.write(`Installing ${what}, ${count} packages…\n`);
    const options = ["ci", "--include=dev", "--ignore-scripts", "--no-progress", "--loglevel=error"];
    const npm = process.env.npm_execpath;
    const settings = { cwd: folder, stdio: ["ignore", 2, 2] };
    const child = npm?.endsWith("npm-cli.js")
      ? spawn(process.execPath, [npm, ...options], settings)
      : spawn("npm", options, { ...settings, shell: process.platform === "win32" });
    const [status] = await once(child, "close");
    if (status !== 0) throw new Error(`npm ci in ${name} failed: ${status}`);
    afterwards(folder);
    utimesSync(done, new Date(), new Date());
  });
}
