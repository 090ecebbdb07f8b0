// Builds everything, then runs one compiled program in this process: `node scripts/run.mjs build/test/fuzz.js ARGUMENTS`.

import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { prepare, root } from "./prepare.mjs";

await prepare(["test", "bench"]);

const [file, ...args] = process.argv.slice(2);
const program = resolve(root, file);
process.argv = [process.execPath, program, ...args];
await import(pathToFileURL(program).href);
