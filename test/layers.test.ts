// The layers of the design: arrows point down only, and nothing imports in a circle.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const src = join(root, "src");

/**
 * What a folder of src may import besides its own files, types included. An entry that ends with / or : allows everything that begins
 * with it.
 */
const MAY_IMPORT: Record<string, string[]> = {
  // Pure code: no socket, timer, clock, stream, environment or log.
  protocol: ["node:crypto", "node:zlib", "node:buffer"],
  server: ["protocol/", "node:"],
  // What the commands have in common.
  tools: ["protocol/index.ts", "server/base/plain.ts", "node:"],
  // `hawser audit` and `hawser bench`: clients of any server.
  audit: ["tools/", "protocol/index.ts", "node:", "npm:"],
  bench: ["tools/", "protocol/index.ts", "node:", "npm:"],
  // `hawser connect`: a client for people, and a server of the library's to talk to clients.
  connect: ["index.ts", "tools/", "protocol/index.ts", "node:"],
  // Metrics, as text for Prometheus.
  metrics: ["index.ts", "protocol/index.ts", "generated/", "node:", "npm:"],
  // The admin listener and its dashboard.
  admin: ["index.ts", "metrics/index.ts", "generated/", "server/watching/guarded-log.ts", "node:", "npm:"],
  // Files that are no code, as modules.
  generated: [],
  // Commands use what every user can use, and libraries.
  // oxfmt-ignore
  cli: [
    "index.ts", "protocol/index.ts", "metrics/index.ts", "admin/index.ts", "audit/index.ts", "bench/index.ts", "connect/index.ts",
    "generated/", "tools/", "node:", "npm:",
  ],
  // src/index.ts, the facade.
  ".": ["protocol/", "server/"],
};

/** Folders within a folder of src, highest first: a file imports from its own room and those below. Files beside the rooms stand above them. */
const ROOMS: Record<string, string[]> = {
  server: ["options", "handshake", "session", "watching", "api", "sending", "internals", "sockets", "base"],
  cli: ["commands", "serving", "completion", "log", "config"],
};

/** Who reaches below Node's documented API, by way of server/internals. */
const USE_INTERNALS = [
  "server/handshake/attach.ts",
  "server/handshake/request.ts",
  "server/handshake/upgrade.ts",
  "server/server.ts",
];

/** A library that one file alone may import. */
const LIBRARY_OF: Record<string, string> = {
  "npm:pino": "server/watching/load-pino.ts",
  "npm:@opentelemetry/api": "server/watching/opentelemetry.ts",
};

const files = readdirSync(src, { recursive: true, encoding: "utf8" })
  .map((path) => path.replaceAll("\\", "/"))
  .filter((path) => path.endsWith(".ts"));
const graph = new Map(files.map((file) => [file, importsOf(file, readFileSync(join(src, file), "utf8"))]));

test("every rule is about files that exist", () => {
  const folders = Object.entries(ROOMS).flatMap(([layer, rooms]) => rooms.map((room) => `${layer}/${room}/`));
  const named = [
    ...Object.keys(MAY_IMPORT).filter((layer) => layer !== "."),
    ...Object.values(MAY_IMPORT)
      .flat()
      .filter((entry) => !entry.endsWith(":") && !entry.startsWith("node:")),
    ...folders,
    ...Object.values(LIBRARY_OF),
  ];
  const missing = named.filter(
    (name) => !files.includes(name) && !files.some((file) => file.startsWith(name.replace(/\/?$/, "/"))),
  );
  assert.deepEqual(missing, []);
});

test("each layer imports only what lies below it", () => {
  assert.deepEqual(
    edges()
      .filter(([file, target]) => !mayImport(file, target))
      .map(said),
    [],
  );
});

test("each room imports only from those below it, and all rooms are in the list", () => {
  const wrong = edges().filter(
    ([file, target]) =>
      files.includes(target) && layerOf(file) === layerOf(target) && heightOf(target) > heightOf(file),
  );
  assert.deepEqual(wrong.map(said), []);
});

test("few files reach below Node's documented API", () => {
  const inside = (file: string): boolean => file.startsWith("server/internals/");
  const outsiders = edges().filter(([file, target]) => inside(target) && !inside(file));
  assert.deepEqual([...new Set(outsiders.map(([file]) => file))].toSorted(), USE_INTERNALS);
});

test("the rooms of the server tell what happens to a client, at the top of their main files and in docs/architecture.md", () => {
  const page = readFileSync(join(root, "docs/architecture.md"), "utf8");
  const row =
    /^\| \[src\/server(?:\/(?<room>\w+))?\].*?\| (?<sentence>[^|]*?) +\| \[.*?\]\(\.\.\/(?<main>[^)]*)\) +\|$/gm;
  const told = [...page.matchAll(row)].map(({ groups }) => groups as { room?: string; sentence: string; main: string });
  assert.deepEqual(
    told.map(({ room = "" }) => room),
    ["", ...ROOMS["server"]!],
  );
  for (const { sentence, main } of told) {
    const [first] = readFileSync(join(root, main), "utf8").split("\n");
    assert.equal(first, `/** ${sentence} */`, main);
  }
});

test("there is no circle of imports, not even of types", () => {
  const circles: string[] = [];
  const done = new Set<string>();
  function visit(file: string, path: string[]): void {
    if (path.includes(file)) {
      circles.push([...path.slice(path.indexOf(file)), file].join(" → "));
      return;
    }
    if (done.has(file)) return;
    for (const target of graph.get(file) ?? []) visit(target, [...path, file]);
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
    "server/b.ts",
    "protocol/c.ts",
    "npm:pino",
    "node:net",
    "server/side-effect.ts",
    "npm:@scope/pkg",
    "server/f.ts",
    "node:fs",
    "server/h.ts",
  ]);
});

function edges(): [file: string, target: string][] {
  return [...graph].flatMap(([file, targets]) => targets.map((target): [string, string] => [file, target]));
}

function said([file, target]: [file: string, target: string]): string {
  return `src/${file} imports ${target}`;
}

function mayImport(file: string, target: string): boolean {
  const layer = layerOf(file);
  if (files.includes(target) && layerOf(target) === layer) return true;
  if (LIBRARY_OF[target] !== undefined && layer !== "cli") return LIBRARY_OF[target] === file;
  const allowed = MAY_IMPORT[layer];
  assert.ok(allowed, `src/${layer} is a folder without a rule in test/layers.test.ts`);
  return allowed.some((entry) => (/[/:]$/.test(entry) ? target.startsWith(entry) : target === entry));
}

/** How high a file stands among the rooms of its layer. */
function heightOf(file: string): number {
  const [layer = "", room, ...rest] = file.split("/");
  const rooms = ROOMS[layer];
  if (rooms === undefined || rest.length === 0) return Infinity;
  const place = rooms.indexOf(room!);
  assert.ok(place >= 0, `src/${layer}/${room} is not among the rooms of test/layers.test.ts`);
  return -place;
}

function layerOf(path: string): string {
  return path.includes("/") ? path.slice(0, path.indexOf("/")) : ".";
}

function importsOf(file: string, source: string): string[] {
  const names = String.raw`(?:\{[^}]*\}|\*(?:\s+as\s+\w+)?|\w+(?:\s*,\s*\{[^}]*\})?)`;
  const statement = new RegExp(
    String.raw`^(?:import|export)\s+(?:type\s+)?${names}\s+from\s+"(?<from>[^"]+)"` +
      String.raw`|^import\s+"(?<effect>[^"]+)"` +
      String.raw`|^(?!\s*(?:\*|//)).*\bimport\(\s*"(?<dynamic>[^"]+)"`,
    "gm",
  );
  return [...source.matchAll(statement)].map(({ groups }) =>
    targetOf(file, groups?.["from"] ?? groups?.["effect"] ?? groups?.["dynamic"] ?? ""),
  );
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
