// Runs an example from a clone, building first what is not built: `node examples/run.mjs chat`.
// In a project of your own you would copy the example and run it as you run any TypeScript.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { prepareBeside } from "../scripts/beside.mjs";
import { prepare, root } from "../scripts/prepare.mjs";

await prepare(["examples"]);

const name = process.argv[2] ?? "";
// Those beside others are JavaScript, so that nobody has to install the types of them all.
const isBeside = name.startsWith("beside/");
const program = isBeside ? join(root, "examples", `${name}.mjs`) : join(root, "build/examples", `${name}.js`);
if (isBeside) await prepareBeside();
if (name !== "" && existsSync(program)) await import(pathToFileURL(program).href);
else {
  console.error(`There is no example "${name}": examples/README.md lists them.`);
  process.exitCode = 2;
}
