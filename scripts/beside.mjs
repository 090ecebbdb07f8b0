// The examples in examples/beside have dependencies of their own, hundreds of megabytes: installed when one of them is run.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { installFolder } from "./install-folder.mjs";

/** Installs what examples/beside/package-lock.json says, unless that has been done. */
export async function prepareBeside() {
  await installFolder("examples/beside", "what the examples run beside: Next, Vite, Nest and others", linkHawser);
}

// Not a link to the project's folder, which it would be part of: bundlers that follow links would go round in a circle.
function linkHawser(folder) {
  const hawser = join(folder, "node_modules/hawser");
  mkdirSync(hawser, { recursive: true });
  writeFileSync(
    join(hawser, "package.json"),
    JSON.stringify({ name: "hawser", type: "module", exports: "./index.js" }),
  );
  writeFileSync(join(hawser, "index.js"), 'export * from "../../../../dist/index.js";\n');
}
