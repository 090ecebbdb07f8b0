// `npm run check`: everything a change has to pass, the same here and in CI. `--no-test` leaves the tests out.
// (The layers are checked by test/layers.test.ts, the public names and the package's files by test/package.test.ts.)

import { spawnSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { pack } from "./pack.mjs";
import { packages, prepare, root } from "./prepare.mjs";

await prepare([...packages, "test", "examples", "bench"]);
const ms = { build: performance.now() };

const packed = join(root, ".cache/packed");
await pack(packed);
ms.pack = performance.now() - ms.build;
const tarballs = readdirSync(packed).map((file) => join(packed, file));

const steps = [
  { name: "merge", args: [join(root, "scripts/merge-markers.mjs")] },
  { name: "lint", args: tool("oxlint", "--type-aware", "--deny-warnings") },
  { name: "format", args: tool("oxfmt", "--check") },
  { name: "unused", args: tool("knip", "--no-progress") },
  ...tarballs.map((file) => ({ name: `publint ${basename(file)}`, args: tool("publint", "--strict", file) })),
  // The command has nothing to import.
  ...tarballs
    .filter((file) => !basename(file).startsWith("hawser-cli-"))
    .map((file) => ({
      name: `attw ${basename(file)}`,
      args: tool("@arethetypeswrong/cli", file, "--profile", "esm-only"),
    })),
  ...(process.argv.includes("--no-test") ? [] : [{ name: "test", args: [join(root, "scripts/test.mjs")] }]),
];

const failed = [];
for (const { name, args } of steps) {
  const start = performance.now();
  const { status, stdout } = spawnSync(process.execPath, args, {
    cwd: root,
    encoding: "utf8",
    // The tests show themselves as they run; the others have nothing to say unless they fail.
    stdio: name === "test" ? "inherit" : ["ignore", "pipe", "inherit"],
  });
  if (status !== 0) {
    failed.push(name);
    process.stdout.write(stdout ?? "");
  }
  ms[name] = performance.now() - start;
  console.log(`${status === 0 ? "✔" : "✖"} ${name} (${seconds(ms[name])})`);
}
const [slowest] = Object.keys(ms).toSorted((a, b) => ms[b] - ms[a]);
console.log(`\n${seconds(performance.now())} in all; the slowest step is ${slowest} with ${seconds(ms[slowest])}`);
if (failed.length > 0) {
  console.log(`Failed: ${failed.join(", ")}`);
  process.exitCode = 1;
}

function seconds(time) {
  return `${(time / 1000).toFixed(1)} s`;
}

/** The command line of a tool from node_modules, without a shell and without npx. */
function tool(packageName, ...args) {
  const folder = join(root, "node_modules", packageName);
  const { bin } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const script = typeof bin === "string" ? bin : (bin[packageName] ?? Object.values(bin)[0]);
  return [join(folder, script), ...args];
}
