// The reference of the API, from the types that the package publishes: a page for each entry point.

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { Application } from "typedoc";
import { root } from "../scripts/prepare.mjs";

/** Writes the pages into `build/pages/api`, and what there is into `build/api.json`. */
export async function documentApi(build) {
  const sources = join(build, "api");
  mkdirSync(sources, { recursive: true });
  const entries = entryPoints();
  // A file for each, since typedoc would name the pages for the files.
  const shims = entries.map(({ name, types }, at) => {
    const shim = join(sources, `${at}.ts`);
    const from = relative(sources, types)
      .replaceAll("\\", "/")
      .replace(/\.d\.ts$/, ".js");
    writeFileSync(shim, `/** @module ${name} */\nexport * from "${from}";\n`);
    return shim;
  });
  const compilerOptions = { module: "nodenext", target: "es2023", strict: true, skipLibCheck: true, types: ["node"] };
  writeFileSync(join(sources, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["*.ts"] }));
  const app = await Application.bootstrapWithPlugins({
    plugin: ["typedoc-plugin-markdown"],
    entryPoints: shims,
    tsconfig: join(sources, "tsconfig.json"),
    outputs: [{ name: "markdown", path: join(build, "pages/api") }],
    readme: "none",
    disableSources: true,
    excludeInternal: true,
    excludePrivate: true,
    outputFileStrategy: "modules",
    entryFileName: "index",
    useHTMLAnchors: true,
    groupOrder: ["Functions", "Interfaces", "Classes", "Variables", "*"],
    hidePageHeader: true,
    hideBreadcrumbs: true,
    useCodeBlocks: true,
    expandObjects: true,
    expandParameters: true,
    parametersFormat: "table",
    logLevel: "Warn",
    validation: { notExported: false, invalidLink: true },
  });
  const project = await app.convert();
  if (project === undefined || app.logger.hasErrors()) throw new Error("typedoc has failed");
  await app.generateOutputs(project);
  writeFileSync(join(build, "api.json"), JSON.stringify(entries.map(({ name }) => name)));
}

/** What the packages export, by the types of each. */
function entryPoints() {
  const packages = join(root, "packages");
  return readdirSync(packages).flatMap((directory) => {
    const folder = join(packages, directory);
    const { name, exports = {} } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    return Object.entries(exports).flatMap(([path, { import: found }]) =>
      found?.types === undefined ? [] : [{ name: path.replace(/^\./, name), types: join(folder, found.types) }],
    );
  });
}
