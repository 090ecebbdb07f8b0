// Files that become modules, so that @hawser/admin can be bundled and the command is in one place: pages, charts, the version.

import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
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

/** A page that is one file: its styles get the text of those that they import, and its script is bundled with what it imports. */
async function withWhatItImports(page) {
  const folder = dirname(join(root, page));
  const html = text(page).replace(/^ *@import "(.+)";$/gm, (_, path) => text(relative(root, join(folder, path))));
  const [all, script] = /<script type="module">\s*([\s\S]*?)\s*<\/script>/.exec(html);
  const code = await bundle(script, folder);
  // A function as the replacement: there may be a "$&" in the code.
  return html.replace(all, () => `<script type="module">\n${code}</script>`);
}

/** The packages by their sources, which are there before anything is compiled. */
async function bundle(script, folder) {
  const { build } = await import("esbuild");
  const { outputFiles } = await build({
    stdin: { contents: script, resolveDir: folder },
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    legalComments: "none",
    alias: {
      "@hawser/client": join(root, "packages/client/src/index.ts"),
      "@hawser/wire/client": join(root, "packages/wire/src/client.ts"),
      "@hawser/wire": join(root, "packages/wire/src/index.ts"),
    },
    tsconfigRaw: "{}",
    write: false,
  });
  return outputFiles[0].text;
}

/** Writes the modules that are not as they should be: the others keep their time, and are not compiled again. */
export async function embed() {
  for (const [path, read] of Object.entries(embedded)) {
    const file = join(root, path);
    const content = await read();
    const [name] = path.split("/").at(-1).split(".");
    const type = typeof content === "string" ? "string" : "Readonly<Record<string, string>>";
    const code = `// Made by scripts/embed.mjs.\nexport const ${name}: ${type} = ${JSON.stringify(content, null, 2)};\n`;
    if (existsSync(file) && readFileSync(file, "utf8") === code) continue;
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, code);
  }
}
