// The layers of the design: arrows point down only, and nothing imports in a circle.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const src = join(root, "src");

/** What a folder of src may import besides its own files. An entry that ends with / or : allows everything that begins with it. */
const MAY_IMPORT: Record<string, { modules: string[]; types: string[] }> = {
  // Pure code: no socket, timer, clock, stream, environment or log.
  protocol: { modules: ["node:crypto", "node:zlib", "node:buffer"], types: [] },
  server: { modules: ["protocol/", "node:"], types: [] },
  hub: { modules: ["index.ts", "protocol/index.ts", "server/", "node:"], types: [] },
  // Runs in browsers too.
  client: { modules: [], types: ["protocol/"] },
  // What the commands have in common.
  tools: { modules: ["protocol/index.ts", "server/base/plain.ts", "node:"], types: [] },
  // `hawser audit` and `hawser bench`: clients of any server.
  audit: { modules: ["tools/", "protocol/index.ts", "node:", "npm:"], types: [] },
  bench: { modules: ["tools/", "protocol/index.ts", "node:", "npm:"], types: [] },
  // `hawser connect`: a client for people, and a server of the library's to talk to clients.
  connect: { modules: ["index.ts", "tools/", "protocol/index.ts", "node:"], types: [] },
  // Metrics, as text for Prometheus.
  metrics: { modules: ["index.ts", "protocol/index.ts", "generated/", "node:", "npm:"], types: [] },
  // The admin listener and its dashboard.
  admin: {
    modules: ["index.ts", "metrics/index.ts", "generated/", "server/watching/guarded-log.ts", "node:", "npm:"],
    types: [],
  },
  // Files that are no code, as modules.
  generated: { modules: [], types: [] },
  // Commands use what every user can use, and libraries.
  cli: {
    // oxfmt-ignore
    modules: [
      "index.ts", "protocol/index.ts", "hub/index.ts", "client/index.ts", "metrics/index.ts", "admin/index.ts",
      "audit/index.ts", "bench/index.ts", "connect/index.ts", "generated/", "tools/", "node:", "npm:",
    ],
    types: [],
  },
  // src/index.ts, the facade.
  ".": { modules: ["protocol/", "server/"], types: [] },
};

/** A library that one file alone may import. */
const LIBRARY_OF: Record<string, string> = {
  "npm:pino": "server/watching/load-pino.ts",
  "npm:@opentelemetry/api": "server/watching/opentelemetry.ts",
};

interface Import {
  /** A path in src, a module of Node (`node:net`), or a library (`npm:pino`). */
  target: string;
  typeOnly: boolean;
}

const files = readdirSync(src, { recursive: true, encoding: "utf8" })
  .map((path) => path.replaceAll("\\", "/"))
  .filter((path) => path.endsWith(".ts"));
const graph = new Map(files.map((file) => [file, importsOf(file, readFileSync(join(src, file), "utf8"))]));

test("src has files in the layers that are checked", () => {
  for (const layer of ["protocol", "server", "cli"]) {
    assert.ok(
      files.some((file) => layerOf(file) === layer),
      `no file in src/${layer}: is the layer still called so?`,
    );
  }
});

test("each layer imports only what lies below it", () => {
  const wrong: string[] = [];
  for (const [file, imports] of graph) {
    for (const found of imports) if (!mayImport(file, found)) wrong.push(`src/${file} imports ${found.target}`);
  }
  assert.deepEqual(wrong, []);
});

test("there is no circle of imports", () => {
  const circles: string[] = [];
  const done = new Set<string>();
  function visit(file: string, path: string[]): void {
    if (path.includes(file)) {
      circles.push([...path.slice(path.indexOf(file)), file].join(" → "));
      return;
    }
    if (done.has(file)) return;
    for (const { target, typeOnly } of graph.get(file) ?? []) if (!typeOnly) visit(target, [...path, file]);
    done.add(file);
  }
  for (const file of graph.keys()) visit(file, []);
  assert.deepEqual(circles, []);
});

test("the reader of import statements sees every form", () => {
  const found = importsOf(
    "server/a.ts",
    `import { a } from "./b.js";
import type { C } from "../protocol/c.js";
import {
  d,
} from "pino/file";
export * from "node:net";
import "./side-effect.js";
const e = await import("@scope/pkg/sub");
type F = import("./f.js").F;
import def, { type G } from "node:fs";
export type { H } from "./h.js";
// import { no } from "./comment.js";
 * await import("./comment.js");
export type State = "open" | "closed";
export function f(how = "gently") {}
`,
  );
  assert.deepEqual(found, [
    { target: "server/b.ts", typeOnly: false },
    { target: "protocol/c.ts", typeOnly: true },
    { target: "npm:pino", typeOnly: false },
    { target: "node:net", typeOnly: false },
    { target: "server/side-effect.ts", typeOnly: false },
    { target: "npm:@scope/pkg", typeOnly: false },
    { target: "server/f.ts", typeOnly: false },
    { target: "node:fs", typeOnly: false },
    { target: "server/h.ts", typeOnly: true },
  ]);
});

function mayImport(file: string, { target, typeOnly }: Import): boolean {
  const layer = layerOf(file);
  if (files.includes(target) && layerOf(target) === layer) return true;
  if (LIBRARY_OF[target] !== undefined && layer !== "cli") return LIBRARY_OF[target] === file;
  const rule = MAY_IMPORT[layer];
  assert.ok(rule, `src/${layer} is a folder without a rule in test/layers.test.ts`);
  const allowed = typeOnly ? [...rule.modules, ...rule.types] : rule.modules;
  return allowed.some((entry) => (/[/:]$/.test(entry) ? target.startsWith(entry) : target === entry));
}

function layerOf(path: string): string {
  return path.includes("/") ? path.slice(0, path.indexOf("/")) : ".";
}

function importsOf(file: string, source: string): Import[] {
  const names = String.raw`(?:\{[^}]*\}|\*(?:\s+as\s+\w+)?|\w+(?:\s*,\s*\{[^}]*\})?)`;
  const statement = new RegExp(
    String.raw`^(?:import|export)\s+(?<type>type\s+)?${names}\s+from\s+"(?<from>[^"]+)"` +
      String.raw`|^import\s+"(?<effect>[^"]+)"` +
      String.raw`|^(?!\s*(?:\*|//)).*\bimport\(\s*"(?<dynamic>[^"]+)"`,
    "gm",
  );
  return [...source.matchAll(statement)].map(({ groups }) => ({
    target: targetOf(file, groups?.from ?? groups?.effect ?? groups?.dynamic ?? ""),
    typeOnly: groups?.type !== undefined,
  }));
}

function targetOf(file: string, specifier: string): string {
  if (specifier.startsWith(".")) {
    return relative(src, join(src, dirname(file), specifier))
      .replaceAll("\\", "/")
      .replace(/\.js$/, ".ts");
  }
  if (specifier.startsWith("node:")) return specifier;
  return `npm:${specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/")}`;
}
