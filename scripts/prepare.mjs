// What `npm start`, `npm test` and the other commands need first: the dependencies of package-lock.json and compiled code.
// Only Node's own modules here: on a fresh clone there is no node_modules yet.

import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { embed } from "./embed.mjs";
import { withLock } from "./lock.mjs";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** The packages, in the order in which they need each other. */
export const packages = [
  "packages/wire",
  "packages/client",
  "packages/hawser",
  "packages/jwt",
  "packages/ws",
  "packages/nats",
  "packages/redis",
  "packages/admin",
  "packages/cli",
];

/** Installs and compiles what is missing or has changed since; `projects` are folders that have a tsconfig.json. */
export async function prepare(projects = packages) {
  const firstRun = !existsSync(join(root, "node_modules"));
  await install(root, `Installing dependencies (${firstRun ? "first run" : "package-lock.json has changed"})…`);
  await build(projects);
}

/** Runs `npm ci` in a folder, and says so, unless its node_modules already holds what its package-lock.json says. */
async function install(folder, announcement) {
  if (isInstalled(folder)) return;
  await withLock(join(root, ".cache"), async () => {
    if (isInstalled(folder)) return;
    say(announcement);
    // --include=dev: the compiler is needed under NODE_ENV=production too.
    // --no-dry-run: `npm pack --dry-run` hands its own flag down to the scripts it runs.
    const options = ["--include=dev", "--ignore-scripts", "--no-dry-run", "--no-progress", "--loglevel=error"];
    await run(...npm("ci", ...options), folder);
  });
}

/** Installs what a folder with dependencies of its own needs (bench, examples/beside, site): `what`, for people who wait. */
export async function installFolder(name, what) {
  const count = Object.keys(readJson(root, name, "package-lock.json").packages).length - 1;
  await install(join(root, name), `Installing ${what}, ${count} packages…`);
}

/** The command line for npm: the one that runs us, where there is one. */
export function npm(...args) {
  const script = process.env.npm_execpath;
  if (script?.endsWith("npm-cli.js")) return [process.execPath, [script, ...args]];
  return process.platform === "win32" ? ["cmd.exe", ["/d", "/s", "/c", "npm", ...args]] : ["npm", args];
}

// tsc knows what is up to date, and compiles what a project refers to before it.
async function build(projects) {
  await withLock(join(root, ".cache"), async () => {
    await embed();
    // What typescript/bin/tsc looks for and starts: without that, half of the time is saved where nothing is to be done.
    const platform = `${process.platform}-${process.arch}`;
    const tsc = join(root, `node_modules/@typescript/typescript-${platform}/lib/tsc`);
    const pretty = process.stderr.isTTY ? ["--pretty"] : [];
    const slow = setTimeout(() => say("Building…"), 1_000);
    await run(tsc, ["--build", ...pretty, ...projects], root);
    clearTimeout(slow);
  });
}

// npm writes node_modules/.package-lock.json, the list of what it installed, when it has finished. Comparing it with
// package-lock.json also finds an install that was interrupted, done without the dev dependencies, or done by hand.
function isInstalled(folder) {
  const wanted = readJson(folder, "package-lock.json")?.packages;
  const present = readJson(folder, "node_modules/.package-lock.json")?.packages;
  if (!wanted || !present) return false;
  return Object.entries(wanted).every(([path, entry]) => {
    if (!path.includes("node_modules/") && !isLocked(readJson(folder, path, "package.json"), entry)) return false;
    if (path === "") return true;
    // An optional package may be for another platform.
    if (present[path] === undefined) return entry.optional === true || entry.peer === true;
    return present[path].version === entry.version && existsSync(join(folder, path));
  });
}

/** Whether the lock file was made for what the manifest of the root or of a workspace asks for. */
function isLocked(manifest, entry) {
  return ["dependencies", "devDependencies", "peerDependencies"].every(
    (kind) => JSON.stringify(entry[kind] ?? {}) === JSON.stringify(manifest?.[kind] ?? {}),
  );
}

function readJson(...path) {
  try {
    return JSON.parse(readFileSync(join(...path), "utf8"));
  } catch {
    return undefined;
  }
}

/** Runs a program; where it fails, shows what it said and ends with its exit code. */
export async function run(command, args, cwd) {
  const { code, output } = await new Promise((resolve) => {
    const child = spawn(command, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", (chunk) => (output += chunk));
    child.stderr.on("data", (chunk) => (output += chunk));
    child.on("error", (error) => resolve({ code: 1, output: `${command}: ${error.message}` }));
    child.on("close", (code) => resolve({ code: code ?? 1, output }));
  });
  if (code === 0) return;
  say(output.trimEnd());
  process.exit(code);
}

// On stderr: the standard output belongs to the program that is being prepared.
function say(line) {
  process.stderr.write(`${line}\n`);
}
