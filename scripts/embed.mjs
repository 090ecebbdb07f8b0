// Files that become modules, so that @hawser/admin can be bundled and the command is in one place: pages, charts, the version.

import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const text = (path) => readFileSync(join(root, path), "utf8");

const DASHBOARD = "packages/admin/src/dashboard";

/** What each module exports, under its own name. */
const embedded = {
  "packages/admin/src/generated/version.ts": () => JSON.parse(text("packages/admin/package.json")).version,
  "packages/admin/src/generated/dashboard.ts": () => ({
    ...Object.fromEntries(readdirSync(join(root, DASHBOARD)).map((name) => [name, text(`${DASHBOARD}/${name}`)])),
    "uplot.js": `/*\n${text("node_modules/uplot/LICENSE")}*/\n${text("node_modules/uplot/dist/uPlot.iife.min.js")}`,
    "uplot.css": text("node_modules/uplot/dist/uPlot.min.css"),
  }),
  "packages/cli/src/generated/version.ts": () => JSON.parse(text("packages/cli/package.json")).version,
  "packages/cli/src/generated/page.ts": () => withWhatItImports("packages/cli/src/serving/page.html"),
};

/** The styles and functions that the two pages have in common stand in the dashboard's folder; a page that is one file gets their text. */
function withWhatItImports(page) {
  return text(page).replace(/^ *(?:@import|import .* from) "(.+)";$/gm, (_, path) =>
    text(join(dirname(page), path)).replace(/^export /gm, ""),
  );
}

/** Writes the modules that are not as they should be: the others keep their time, and are not compiled again. */
export function embed() {
  for (const [path, read] of Object.entries(embedded)) {
    const file = join(root, path);
    const content = read();
    const [name] = path.split("/").at(-1).split(".");
    const type = typeof content === "string" ? "string" : "Readonly<Record<string, string>>";
    const code = `// Made by scripts/embed.mjs.\nexport const ${name}: ${type} = ${JSON.stringify(content, null, 2)};\n`;
    if (existsSync(file) && readFileSync(file, "utf8") === code) continue;
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, code);
  }
}
