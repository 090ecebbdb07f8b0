// The folders of the source and which imports from which, as a diagram in Mermaid's language.

import { readFileSync, readdirSync } from "node:fs";
import { join, posix } from "node:path";
import { specifiersOf } from "../../harness/import-statements.js";
import { projectRoot } from "../../harness/root.js";

interface Package {
  name: string;
  /** The text of each file, by its path in src. */
  files: Map<string, string>;
}

/** Folders by their paths, `hawser/server/session`, and those that each imports from. */
type Graph = ReadonlyMap<string, ReadonlySet<string>>;

/** An arrow that others imply is left out. */
export function importDiagram(): string {
  const packages = findPackages();
  // Folders that import each other are one: `audit` and `audit/checks`.
  const split = graphOf(packages, new Set());
  const graph = graphOf(
    packages,
    new Set([...split.keys()].filter((path) => isReachable(split, path, path)).map(topOf)),
  );
  const arrows = [...graph].flatMap(([from, targets]) =>
    [...targets].filter((to) => !isReachable(graph, from, to, to)).map((to) => `  ${id(from)} --> ${id(to)}`),
  );
  return ["flowchart TB", ...packages.flatMap(({ name }) => boxOf(name, [...graph.keys()])), ...arrows, ""].join("\n");
}

function graphOf(packages: readonly Package[], whole: ReadonlySet<string>): Graph {
  const nodeOf = (path: string): string => (whole.has(topOf(path)) ? topOf(path) : path);
  const graph = new Map<string, Set<string>>();
  for (const { name, files } of packages)
    for (const file of files.keys()) graph.set(nodeOf(posix.join(name, "src", posix.dirname(file))), new Set());
  for (const { name, files } of packages) {
    for (const [file, text] of files) {
      const folder = posix.join(name, "src", posix.dirname(file));
      for (const specifier of specifiersOf(text)) {
        const target = specifier.startsWith(".")
          ? posix.dirname(posix.join(folder, specifier))
          : // Another package, by its name and that of an entry point: `hawser/protocol`.
            specifier.replace(/^(?:@[^/]+\/)?[^/]+/, "$&/src");
        const [from, to] = [nodeOf(folder), nodeOf(target)];
        if (to !== from && graph.has(to)) graph.get(from)!.add(to);
      }
    }
  }
  return graph;
}

/** A package, its folders, and in a box of their own those that have folders within. */
function boxOf(name: string, paths: readonly string[]): string[] {
  const own = paths.filter((path) => path.startsWith(`${name}/src`)).toSorted();
  const boxes = [...new Set(own.map(topOf))].flatMap((top) => {
    const within = own.filter((path) => topOf(path) === top);
    const nodes = within.map((path) => `${id(path)}["${posix.relative(`${name}/src`, path) || "index"}"]`);
    if (nodes.length === 1) return nodes.map((node) => `    ${node}`);
    return [
      `    subgraph ${id(top)}_box[" "]`,
      "      direction TB",
      ...nodes.map((node) => `      ${node}`),
      "    end",
    ];
  });
  return [`  subgraph ${id(name)}_package["${name}"]`, "    direction TB", ...boxes, "  end"];
}

function findPackages(): Package[] {
  const workspaces = join(projectRoot, "packages");
  return readdirSync(workspaces)
    .map((folder) => join(workspaces, folder))
    .map((root) => {
      const { name } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { name: string };
      const paths = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
        .map((path) => path.replaceAll("\\", "/"))
        // Files that are no code, as modules.
        .filter((path) => path.endsWith(".ts") && !path.startsWith("generated/"))
        .toSorted();
      return { name, files: new Map(paths.map((path) => [path, readFileSync(join(root, "src", path), "utf8")])) };
    });
}

/** Whether there is a way from one to the other, of one step at least, and none of them from `from` to `not`. */
function isReachable(graph: Graph, from: string, to: string, not?: string): boolean {
  const next = [...graph.get(from)!].filter((path) => path !== not);
  // Grows as it goes.
  for (const path of next) {
    if (path === to) return true;
    for (const target of graph.get(path)!) if (!next.includes(target)) next.push(target);
  }
  return false;
}

/** The folder of src that a path lies in. */
function topOf(path: string): string {
  return /^(.*\/src(\/[^/]+)?)/.exec(path)?.[1] ?? path;
}

function id(path: string): string {
  return path.replace(/^@/, "").replace("/src", "").replace(/\W/g, "_");
}
