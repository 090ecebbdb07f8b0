// Runs an example from a clone, building first what is not built: `node examples/run.mjs chat`.
// In a project of your own you would copy the example and run it as you run any TypeScript.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { prepare, root } from "../scripts/prepare.mjs";

await prepare(["src", "examples"]);

const name = process.argv[2] ?? "";
const program = join(root, "build/examples", `${name}.js`);
if (name !== "" && existsSync(program)) await import(pathToFileURL(program).href);
else {
  console.error(`There is no example "${name}": examples/README.md lists them.`);
  process.exitCode = 2;
}
