// `npm run bench` and `npm run bench:micro`: installs the benchmark's own workspace (bench/package.json) on first use, builds, runs.

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { prepare, root } from "./prepare.mjs";

const [program, ...args] = process.argv.slice(2);
const folder = join(root, "bench");

await prepare(["src", "bench"]);
installPeers();
process.exitCode = spawnSync(process.execPath, [join(root, program), ...args], { stdio: "inherit" }).status ?? 1;

// node_modules/.package-lock.json is what npm writes last.
function installPeers() {
  const done = join(folder, "node_modules/.package-lock.json");
  const lock = join(folder, "package-lock.json");
  if (existsSync(done) && statSync(done).mtimeMs >= statSync(lock).mtimeMs) return;
  const { version } = JSON.parse(readFileSync(lock, "utf8")).packages["node_modules/bun"];
  process.stderr.write(`Installing the benchmark's peers, Bun ${version} among them (some 110 MB)…\n`);
  const npm = process.env.npm_execpath;
  const options = ["ci", "--include=dev", "--ignore-scripts", "--no-progress", "--loglevel=error"];
  const { status } = npm?.endsWith("npm-cli.js")
    ? spawnSync(process.execPath, [npm, ...options], { cwd: folder, stdio: ["ignore", 2, 2] })
    : spawnSync("npm", options, { cwd: folder, stdio: ["ignore", 2, 2], shell: process.platform === "win32" });
  if (status !== 0) process.exit(status ?? 1);
  utimesSync(done, new Date(), new Date());
}
