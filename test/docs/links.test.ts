// Every document can be trusted as far as a program can tell: links lead somewhere, options and dependencies exist.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { hubHttpNumbers } from "#hawser/hub/http/options.js";
import { supervisorNumbers } from "#hawser/workers/options.js";
import { resolveHubOptions } from "#hawser/hub/hub-options.js";
import { jwtOptionNames } from "#jwt/options.js";
import { natsOptionNames } from "#nats/options.js";
import { redisOptionNames } from "#redis/options.js";
import { optionRules } from "hawser/tools";
import { ownRules } from "#cli/config/own-options.js";
import { type Manifest, packages } from "../harness/packed.js";
import { projectRoot } from "../harness/root.js";
import { anchors, codeWords, documents, links, readDocument } from "./harness/markdown.js";

test("every relative link leads to a file, and every anchor to a heading", () => {
  const broken: string[] = [];
  for (const path of documents()) {
    for (const link of links(readDocument(path))) {
      if (/^[a-z]+:/i.test(link)) continue;
      const [target = "", anchor] = link.split("#");
      const file = target === "" ? path : join(dirname(path), target);
      if (!existsSync(join(projectRoot, file))) broken.push(`${path}: ${link}`);
      else if (anchor !== undefined && !anchors(readDocument(file)).has(anchor)) broken.push(`${path}: ${link}`);
    }
  }
  assert.deepEqual(broken, []);
});

/** What `ws` and Socket.IO call it. */
const THEIRS = ["maxPayload", "maxHttpBufferSize", "maxPendingAutoPongs", "maxFragments", "maxBufferedChunks"];
/** The keys of its report are held against one in tools.test.ts. */
const BENCH = "docs/bench.md";
/** Made of the declarations. */
const API = "docs/hub-api.md";

test("what looks like an option is one", () => {
  const known = new Set<string>([
    ...Object.keys(optionRules),
    ...Object.keys(ownRules),
    ...jwtOptionNames,
    ...natsOptionNames,
    ...redisOptionNames,
    ...Object.keys(hubHttpNumbers),
    ...supervisorNumbers,
    "keyWindowMs",
    ...Object.keys(resolveHubOptions({})),
    "dangerouslyTrustCluster",
    // Of a topic's history.
    "ttlMs",
    "durationMs",
    "retryMs",
    "rttMs",
    "graceMs",
    // Of createAdmin: admin.test.ts holds the table of its options against it.
    "engineGraceMs",
    ...THEIRS,
  ]);
  const unknown: string[] = [];
  for (const path of documents().filter((path) => path !== BENCH && path !== API)) {
    for (const word of codeWords(readDocument(path).replace(/^```[\s\S]*?^```/gm, ""))) {
      const isLike = /^(max[A-Z]\w+|\w+(Ms|PerSecond|PerTurn|PerAddress)|dangerously\w+|compression[A-Z]\w+)$/.test(
        word,
      );
      if (isLike && !known.has(word)) unknown.push(`${path}: ${word}`);
    }
  }
  assert.deepEqual(unknown, []);
});

test("docs/architecture.md says why for each dependency, and for no other", () => {
  const root = JSON.parse(readFileSync(join(projectRoot, "package.json"), "utf8")) as Manifest;
  const manifests = [root, ...packages.map(({ manifest }) => manifest)];
  const page = readDocument("docs/architecture.md");
  const rows = page.slice(page.indexOf("## Dependencies")).match(/^\| `.*$/gm) ?? [];
  const explained = rows.flatMap((row) => codeWords(row.split("|")[1] ?? ""));
  const all = new Set(manifests.flatMap((one) => Object.keys({ ...one.dependencies, ...one.devDependencies })));
  for (const { manifest } of packages) all.delete(manifest.name);
  assert.deepEqual(explained.toSorted(), [...all].toSorted());
});

test("nothing in a document is true on one machine only", () => {
  for (const path of documents()) {
    assert.doesNotMatch(readDocument(path), /\/(work|root|home)\//, `${path} has a path of somebody's machine`);
  }
});
