// Runs an example from a clone, building first what is not built: `node examples/run.mjs chat`.
// In a project of your own you would copy the example and run it as you run any TypeScript.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { installFolder, prepare, root } from "../scripts/prepare.mjs";

await prepare(["examples"]);

const name = process.argv[2] ?? "";
// Those beside others are JavaScript, so that nobody has to install the types of them all.
const isBeside = name.startsWith("beside/");
const program = isBeside ? join(root, "examples", `${name}.mjs`) : join(root, "build/examples", `${name}.js`);
// Hundreds of megabytes: when one of them is run, and not before.
if (isBeside) await installFolder("examples/beside", "what the examples run beside: Next, Vite, Nest and others");
if (name !== "" && existsSync(program)) await import(pathToFileURL(program).href);
else {
  console.error(`There is no example "${name}": examples/README.md lists them.`);
  process.exitCode = 2;
}
