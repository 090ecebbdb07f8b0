// `npm run bench` and `npm run bench:micro`: installs the benchmark's peers (bench/package.json) on first use, builds, runs.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { installFolder, prepare, root } from "./prepare.mjs";

const [program, ...args] = process.argv.slice(2);

await prepare(["bench"]);
await installFolder("bench", "the benchmark's peers, Bun among them (some 110 MB)");
process.exitCode = spawnSync(process.execPath, [join(root, program), ...args], { stdio: "inherit" }).status ?? 1;
