// What `npm start`, `npm test` and the other commands need first: the dependencies of package-lock.json and compiled code.
// Only Node's own modules here: on a fresh clone there is no node_modules yet.

import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { withLock } from "./lock.mjs";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

const cache = join(root, ".cache");
const outputFolder = { src: "dist", test: "build/test", examples: "build/examples", bench: "build/bench" };

/** Installs and compiles what is missing or has changed since; `projects` are folders that have a tsconfig.json. */
export async function prepare(projects = ["src"]) {
  await install();
  await build(projects);
}

/** Runs `npm ci` unless node_modules already holds what package-lock.json says. */
export async function install() {
  if (isInstalled()) return;
  await withLock(cache, async () => {
    if (isInstalled()) return;
    const firstRun = !existsSync(join(root, "node_modules"));
    say(`Installing dependencies (${firstRun ? "first run" : "package-lock.json has changed"})…`);
    // --include=dev: the compiler is needed under NODE_ENV=production too.
    // --no-dry-run: `npm pack --dry-run` hands its own flag down to the scripts it runs.
    const { code, output } = await run(
      ...npm("ci", "--include=dev", "--ignore-scripts", "--no-dry-run", "--no-progress", "--loglevel=error"),
    );
    if (code !== 0) fail(output, code);
  });
}

/** Compiles `projects` (and src, which the others refer to) unless their sources and outputs are as the last build left them. */
export async function build(projects) {
  const wanted = [...new Set(["src", ...projects])].filter((project) => sources(project).length > 0);
  if (wanted.every(isBuilt)) return;
  await withLock(cache, async () => {
    if (wanted.every(isBuilt)) return;
    say(`Building ${wanted.join(", ")}…`);
    for (const project of wanted) {
      rmSync(stampFile(project), { force: true });
      removeStaleOutputs(project);
    }
    embed();
    const tsc = join(root, "node_modules/typescript/bin/tsc");
    const pretty = process.stderr.isTTY ? ["--pretty"] : [];
    // --force: tsc's notes of its last build miss outputs that were deleted and some changed options, and a whole build is fast.
    const { code, output } = await run(process.execPath, [tsc, "--build", "--force", ...pretty, ...wanted]);
    if (code !== 0) fail(output, code);
    if (wanted.includes("src")) {
      for (const [path, code] of commonJs) writeFileSync(inRoot(path), code);
      makeExecutable(join(root, "dist/cli/main.js"));
    }
    for (const project of wanted) {
      writeFileSync(stampFile(project), stateOf(project));
    }
  });
}

// npm writes node_modules/.package-lock.json, the list of what it installed, when it has finished. Comparing it with
// package-lock.json also finds an install that was interrupted, done without the dev dependencies, or done by hand.
function isInstalled() {
  const wanted = readJson("package-lock.json")?.packages;
  const present = readJson("node_modules/.package-lock.json")?.packages;
  const manifest = readJson("package.json");
  if (!wanted || !present || !manifest) return false;
  for (const kind of ["dependencies", "devDependencies"]) {
    if (JSON.stringify(wanted[""][kind] ?? {}) !== JSON.stringify(manifest[kind] ?? {})) return false;
  }
  return Object.entries(wanted).every(([path, { version, optional, peer }]) => {
    if (path === "") return true;
    // An optional package may be for another platform.
    if (present[path] === undefined) return optional === true || peer === true;
    return present[path].version === version && existsSync(join(root, path));
  });
}

function isBuilt(project) {
  try {
    return readFileSync(stampFile(project), "utf8") === stateOf(project);
  } catch {
    return false;
  }
}

function stampFile(project) {
  return join(cache, `${project}.built`);
}

/** Files that become modules, so that the package can be bundled: what each exports. */
const embedded = {
  version: () => readJson("package.json").version,
  page: () => text("src/cli/serving/page.html"),
  dashboard: () => ({
    ...Object.fromEntries(dashboardFiles().map((path) => [basename(path), readFileSync(path, "utf8")])),
    "uplot.js": `/*\n${text("node_modules/uplot/LICENSE")}*/\n${text("node_modules/uplot/dist/uPlot.iife.min.js")}`,
    "uplot.css": text("node_modules/uplot/dist/uPlot.min.css"),
  }),
};

function embed() {
  for (const [name, value] of Object.entries(embedded)) {
    const file = inRoot(`src/generated/${name}.ts`);
    const content = value();
    const type = typeof content === "string" ? "string" : "Readonly<Record<string, string>>";
    const code = `// Made by scripts/prepare.mjs.\nexport const ${name}: ${type} = ${JSON.stringify(content, null, 2)};\n`;
    mkdirSync(dirname(file), { recursive: true });
    // What is as it was keeps its time, or everything would be built again.
    if (!existsSync(file) || readFileSync(file, "utf8") !== code) writeFileSync(file, code);
  }
}

/**
 * What Jest is given for `require`: its own cannot load ES modules, and Node's can. Node itself and bundlers find the modules by the
 * conditions "module-sync" and "module" of package.json. TypeScript before 5.8 knows nothing of that, hence the comment.
 */
const commonJs = ["index", "protocol/index", "admin/index", "metrics/index"].flatMap((entry) => {
  const module = `./${basename(entry)}.js`;
  const node = `require("node:vm").runInThisContext("process").getBuiltinModule("node:module")`;
  return [
    [`dist/${entry}.cjs`, `"use strict";\nmodule.exports = ${node}.createRequire(__filename)("${module}");\n`],
    [`dist/${entry}.d.cts`, `// @ts-ignore\nexport * from "${module}";\n`],
  ];
});

function dashboardFiles() {
  return walk(inRoot("src/admin/dashboard"));
}

// Name, size and time of everything that goes into a project and of everything that came out of it.
function stateOf(project) {
  const inputs = [
    ...(project === "src" ? [] : sources("src")),
    ...sources(project),
    ...(project === "src" ? dashboardFiles() : []),
    ...(project === "src"
      ? ["package.json", "src/cli/serving/page.html", "node_modules/uplot/package.json"].map(inRoot)
      : []),
    ...["tsconfig.base.json", `${project}/tsconfig.json`, "node_modules/typescript/package.json"].map(inRoot),
  ];
  return [...inputs, ...expectedOutputs(project)].map(describe).join("\n");
}

function describe(path) {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat ? `${relative(root, path)} ${stat.size} ${stat.mtimeMs}` : `${relative(root, path)} missing`;
}

function sources(project) {
  return walk(inRoot(project)).filter((path) => path.endsWith(".ts"));
}

function expectedOutputs(project) {
  const compiled = sources(project).flatMap((path) => {
    const stem = join(inRoot(outputFolder[project]), relative(inRoot(project), path)).replace(/\.ts$/, "");
    return path.endsWith(".d.ts") ? [] : [`${stem}.js`, `${stem}.d.ts`];
  });
  return [...compiled, ...(project === "src" ? commonJs.map(([path]) => inRoot(path)) : [])];
}

// The output of a source that was deleted must neither run as a test nor be published.
function removeStaleOutputs(project) {
  const expected = new Set(expectedOutputs(project));
  for (const path of walk(inRoot(outputFolder[project]))) if (!expected.has(path)) rmSync(path);
}

function makeExecutable(path) {
  if (existsSync(path)) chmodSync(path, 0o755);
}

/** @returns {string[]} */
function walk(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      // What an example installs and builds for itself is no source: node_modules, .next.
      if (entry.isDirectory()) return entry.name === "node_modules" || entry.name.startsWith(".") ? [] : walk(path);
      return [path];
    })
    .toSorted();
}

function inRoot(path) {
  return join(root, path.replaceAll("/", sep));
}

function text(path) {
  return readFileSync(inRoot(path), "utf8");
}

function readJson(path) {
  try {
    return JSON.parse(text(path));
  } catch {
    return undefined;
  }
}

/** The command line for npm: the one that runs us, where there is one. */
function npm(...args) {
  const script = process.env.npm_execpath;
  if (script?.endsWith("npm-cli.js")) return [process.execPath, [script, ...args]];
  return process.platform === "win32" ? ["cmd.exe", ["/d", "/s", "/c", "npm", ...args]] : ["npm", args];
}

function run(command, args) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", (chunk) => (output += chunk));
    child.stderr.on("data", (chunk) => (output += chunk));
    child.on("error", (error) => resolve({ code: 1, output: `${command}: ${error.message}` }));
    child.on("close", (code) => resolve({ code: code ?? 1, output }));
  });
}

// On stderr: the standard output belongs to the program that is being prepared.
function say(line) {
  process.stderr.write(`${line}\n`);
}

function fail(output, code) {
  say(output.trimEnd());
  process.exit(code);
}
