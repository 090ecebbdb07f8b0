// The layers of the design: what a package may use is its list of dependencies, within a package arrows between folders point down
// only, and nothing imports in a circle.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join, posix } from "node:path";
import { test } from "node:test";
import { specifiersOf } from "./harness/import-statements.js";
import { packages } from "./harness/packed.js";
import { projectRoot as root } from "./harness/root.js";

/**
 * What a folder may import besides its own files, types included: files and folders of the same package, modules of Node, and packages.
 * An entry that ends with / or : allows everything that begins with it.
 */
const MAY_IMPORT: Record<string, string[]> = {
  // Runs in browsers too: what a client needs knows nothing of what a server needs.
  "wire/client": ["wire/binary.ts"],
  "wire/contract": [],
  "wire/server": ["wire/contract/", "wire/binary.ts", "wire/limits.ts", "wire/words.ts"],
  // index.ts, client.ts and server.ts, the facades, and what both ends have in common.
  wire: ["wire/client/", "wire/contract/", "wire/server/"],

  // For browsers too: what the wire is made of, and no module of Node.
  client: ["@hawser/wire", "@hawser/wire/client"],

  // Pure code: no socket, timer, clock, stream, environment or log.
  "hawser/protocol": ["node:crypto", "node:zlib", "node:buffer"],
  "hawser/server": ["hawser/protocol/", "node:", "pino", "@opentelemetry/api"],
  // What the hub asks of an engine, and the engine that is the memory of the process.
  "hawser/hub/brokers": ["hawser/server/base/", "node:crypto"],
  // Topics and their recovery: no socket, timer or log of its own. Time and randomness come in.
  "hawser/hub/recovery": ["hawser/hub/brokers/", "hawser/server/base/"],
  // The hub for backends in any language. It knows the hub by its port alone.
  "hawser/hub/http": ["hawser/hub/hub-error.ts", "hawser/server/base/", "node:", "@hawser/wire", "@hawser/wire/server"],
  // Several processes: what they tell each other of topics, and who starts and replaces them. Neither knows the hub.
  "hawser/workers/channel": ["hawser/hub/brokers/", "hawser/server/base/", "node:"],
  // oxfmt-ignore
  "hawser/workers": [
    "hawser/workers/channel/", "hawser/hub/brokers/", "hawser/server/api/", "hawser/server/base/", "hawser/server/listen.ts",
    "hawser/server/signals.ts", "hawser/server/watching/default-logger.ts", "hawser/server/watching/guarded-log.ts", "node:",
  ],
  // Sessions, calls, presence and permissions: a user of the server's public API and of the port of its clients.
  // oxfmt-ignore
  "hawser/hub": [
    "hawser/hub/", "hawser/server/api/", "hawser/server/base/", "hawser/server/session/client-port.ts",
    "hawser/server/sending/message.ts", "hawser/server/sending/outgoing.ts",
    "hawser/server/watching/default-logger.ts", "hawser/server/watching/guarded-log.ts",
    "hawser/server/watching/sampled-log.ts",
    "node:crypto", "@hawser/wire", "@hawser/wire/server",
  ],
  // The API of `ws` on the engine: what stands for a session there is no ConnectedClient, and so it knows what the server is made of.
  "hawser/ws": ["hawser/protocol/", "hawser/server/", "node:"],
  // index.ts, the facade, and tools.ts, for programs that run a server for others.
  hawser: ["hawser/protocol/", "hawser/server/"],

  // Tokens: jose is of no concern to anybody else.
  jwt: ["node:", "hawser", "hawser/tools", "jose"],

  // `hawser/ws` by the name of a package, and nothing besides.
  ws: ["hawser/ws"],

  // Engines: each library is of no concern to anybody else.
  nats: [
    "node:",
    "hawser",
    "hawser/hub",
    "hawser/workers",
    "hawser/tools",
    "@nats-io/jetstream",
    "@nats-io/transport-node",
  ],
  redis: ["node:", "hawser", "hawser/hub", "hawser/tools", "@redis/client"],

  // Metrics, as text for Prometheus.
  "admin/metrics": ["admin/generated/", "node:", "hawser", "hawser/hub", "hawser/protocol"],
  // The admin listener and its dashboard.
  admin: ["admin/metrics/index.ts", "admin/generated/", "node:", "hawser", "hawser/hub", "hawser/tools"],
  // Files that are no code, as modules.
  "admin/generated": [],

  // What the commands have in common.
  "cli/tools": ["node:", "hawser/tools", "hawser/protocol"],
  // `hawser audit` and `hawser bench`: clients of any server.
  "cli/audit": ["cli/tools/", "node:", "hawser/tools", "hawser/protocol"],
  "cli/bench": ["cli/tools/", "node:", "hawser/tools", "hawser/protocol"],
  // `hawser connect`: a client for people, one for hubs, and a server of the library's to talk to clients.
  "cli/connect": ["cli/tools/", "node:", "hawser", "hawser/tools", "hawser/protocol", "@hawser/client"],
  // Commands use what every user can use, and libraries.
  // oxfmt-ignore
  cli: [
    "cli/audit/index.ts", "cli/bench/index.ts", "cli/connect/index.ts", "cli/tools/", "cli/generated/",
    "node:", "hawser", "hawser/hub", "hawser/tools", "hawser/workers", "hawser/protocol", "@hawser/admin",
    "@hawser/admin/metrics", "@hawser/jwt", "@hawser/nats", "@hawser/redis", "@hawser/wire/server", "commander", "pino",
    "pino-pretty", "yaml",
  ],
  "cli/generated": [],
};

/** Folders within a layer, highest first: a file imports from its own room and those below. Files beside the rooms stand above them. */
const ROOMS: Record<string, string[]> = {
  "hawser/server": ["options", "handshake", "session", "watching", "api", "sending", "internals", "sockets", "base"],
  cli: ["commands", "serving", "completion", "log", "config"],
};

/** A library that one file alone of the library may import. */
const FILE_FOR: Record<string, string> = {
  pino: "hawser/server/watching/load-pino.ts",
  "@opentelemetry/api": "hawser/server/watching/opentelemetry.ts",
};

/** By package and path in its source: `hawser/server/server.ts`. */
const graph = new Map<string, string[]>();
for (const { folder } of packages) {
  const src = join(root, folder, "src");
  for (const path of readdirSync(src, { recursive: true, encoding: "utf8" })) {
    const file = posix.join(posix.basename(folder), path.replaceAll("\\", "/"));
    if (file.endsWith(".ts")) graph.set(file, importsOf(file, readFileSync(join(src, path), "utf8")));
  }
}
const files = [...graph.keys()];

test("every rule is about files that exist", () => {
  const folders = Object.entries(ROOMS).flatMap(([layer, rooms]) => rooms.map((room) => `${layer}/${room}/`));
  const named = [
    ...Object.keys(MAY_IMPORT),
    ...Object.values(MAY_IMPORT)
      .flat()
      .filter((entry) => /\/$|\.ts$/.test(entry)),
    ...folders,
    ...Object.values(FILE_FOR),
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

test("a package imports what its package.json names, and names nothing else", () => {
  for (const { folder, manifest } of packages) {
    const named = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
    const used = edges()
      .filter(([file, target]) => file.startsWith(`${posix.basename(folder)}/`) && isOfPackage(target))
      .map(([, target]) => packageOf(target));
    assert.deepEqual([...new Set(used)].toSorted(), named.toSorted(), manifest.name);
  }
});

test("each room imports only from those below it, and all rooms are in the list", () => {
  const wrong = edges().filter(
    ([file, target]) =>
      files.includes(target) && layerOf(file) === layerOf(target) && heightOf(target) > heightOf(file),
  );
  assert.deepEqual(wrong.map(said), []);
});

test("one file has all that there is below Node's documented API, so that the folder can be deleted", () => {
  const inside = (file: string): boolean => file.startsWith("hawser/server/internals/");
  const outside = edges().filter(([file, target]) => inside(target) && !inside(file));
  assert.deepEqual(outside, [["hawser/server/engine.ts", "hawser/server/internals/internals.ts"]]);
});

test("the rooms of the server tell what happens to a client, at the top of their main files and in docs/architecture.md", () => {
  const page = readFileSync(join(root, "docs/architecture.md"), "utf8");
  const row =
    /^\| \[hawser\/src\/server(?:\/(?<room>\w+))?\].*?\| (?<sentence>[^|]*?) +\| \[.*?\]\(\.\.\/(?<main>[^)]*)\) +\|$/gm;
  const told = [...page.matchAll(row)].map(({ groups }) => groups as { room?: string; sentence: string; main: string });
  assert.deepEqual(
    told.map(({ room = "" }) => room),
    ["", ...ROOMS["hawser/server"]!],
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

test("every file of the source has less than 400 lines", () => {
  const long = packages.flatMap(({ folder }) => {
    const src = join(root, folder, "src");
    return readdirSync(src, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.parentPath.endsWith("generated"))
      .map((entry) => ({
        name: entry.name,
        lines: readFileSync(join(entry.parentPath, entry.name), "utf8").split("\n"),
      }))
      .filter(({ lines }) => lines.length > 400)
      .map(({ name, lines }) => `${name}: ${lines.length - 1}`);
  });
  assert.deepEqual(long, []);
});

test("the reader of import statements sees every form", () => {
  const found = specifiersOf(
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
    "./b.js",
    "../protocol/c.js",
    "pino/file",
    "node:net",
    "./side-effect.js",
    "@scope/pkg/sub",
    "./f.js",
    "node:fs",
    "./h.js",
  ]);
});

function edges(): [file: string, target: string][] {
  return [...graph].flatMap(([file, targets]) => targets.map((target): [string, string] => [file, target]));
}

function said([file, target]: [file: string, target: string]): string {
  return `${file} imports ${target}`;
}

function mayImport(file: string, target: string): boolean {
  const layer = layerOf(file);
  if (files.includes(target) && layerOf(target) === layer) return true;
  if (FILE_FOR[target] !== undefined && file.startsWith("hawser/")) return FILE_FOR[target] === file;
  return MAY_IMPORT[layer]!.some((entry) => (/[/:]$/.test(entry) ? target.startsWith(entry) : target === entry));
}

/** How high a file stands among the rooms of its layer. */
function heightOf(file: string): number {
  const layer = layerOf(file);
  const [room, ...rest] = file.slice(layer.length + 1).split("/");
  const rooms = ROOMS[layer];
  if (rooms === undefined || rest.length === 0) return Infinity;
  const place = rooms.indexOf(room!);
  assert.ok(place >= 0, `${layer}/${room} is not among the rooms of test/layers.test.ts`);
  return -place;
}

/** The nearest folder of a file that has a rule. */
function layerOf(file: string): string {
  let folder = posix.dirname(file);
  while (MAY_IMPORT[folder] === undefined && folder !== ".") folder = posix.dirname(folder);
  assert.notEqual(folder, ".", `${file} is in a package without a rule in test/layers.test.ts`);
  return folder;
}

function isOfPackage(target: string): boolean {
  return !files.includes(target) && !target.startsWith("node:");
}

function packageOf(target: string): string {
  return target
    .split("/")
    .slice(0, target.startsWith("@") ? 2 : 1)
    .join("/");
}

function importsOf(file: string, source: string): string[] {
  return specifiersOf(source).map((specifier) => targetOf(file, specifier));
}

function targetOf(file: string, specifier: string): string {
  return specifier.startsWith(".") ? posix.join(posix.dirname(file), specifier).replace(/\.js$/, ".ts") : specifier;
}
