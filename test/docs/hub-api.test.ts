// docs/hub-api.md is equal to what the packages declare. After a change of theirs: `npm run docs`, which writes it anew.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { resolveHubOptions } from "#hawser/hub/hub-options.js";
import { resolveHubHttpOptions } from "#hawser/hub/http/options.js";
import { resolveJwtOptions } from "#jwt/options.js";
import { projectRoot } from "../harness/root.js";
import { apiReference, entries, exportedBy } from "./harness/api-reference.js";
import type { Declaration } from "./harness/declarations.js";
import { readDocument } from "./harness/markdown.js";

const FILE = "docs/hub-api.md";
const page = readDocument(FILE);
const introduction = page.slice(0, page.indexOf("\n## ") + 1);
/** As `npm run format` would leave it. */
const oxfmt = join(projectRoot, "node_modules/oxfmt/bin/oxfmt");
const expected = execFileSync(process.execPath, [oxfmt, "--stdin-filepath", FILE], {
  cwd: projectRoot,
  input: `${introduction}${apiReference()}`,
  encoding: "utf8",
});

if (process.env["UPDATE"] === "1") writeFileSync(join(projectRoot, FILE), expected);

test("the page is what the declarations say", () => {
  assert.equal(readDocument(FILE), expected);
});

test("it has every name that test/public-surface.txt has of these packages", () => {
  const surface = readFileSync(join(projectRoot, "test/public-surface.txt"), "utf8");
  for (const entry of Object.keys(entries) as (keyof typeof entries)[]) {
    const names = [...surface.matchAll(new RegExp(`^${entry}  (?:type )?(\\w+)$`, "gm"))].map(([, name]) => name!);
    assert.ok(names.length > 0, entry);
    const documented = new Set(exportedBy(entry).map(({ name }) => name));
    for (const name of names) assert.ok(documented.has(name), `${entry}: ${name}`);
  }
});

test("every option has a sentence, and every one that is a number the default that the code has", () => {
  const hub = resolveHubOptions({});
  const http = resolveHubHttpOptions({ key: "x".repeat(32) });
  const jwt = resolveJwtOptions({ secret: "x".repeat(32) });
  const resolved: Readonly<Record<string, object>> = {
    HubOptions: hub,
    HubLimits: hub.limits,
    HubHttpOptions: http,
    JwtOptions: jwt,
  };
  let numbers = 0;
  for (const [name, values] of Object.entries(resolved)) {
    for (const { name: option, type, doc } of declarationOf(name).members) {
      const initial = doc.tags.find((tag) => tag.name === "default")?.text;
      if (type === "number") {
        numbers++;
        assert.equal(initial?.split(" ")[0], String((values as Record<string, unknown>)[option]), `${name}.${option}`);
      }
      const isSaid = doc.text !== "" || ["calls", "limits"].includes(option);
      assert.ok(isSaid || initial !== undefined, `${name}.${option} has no doc comment`);
    }
  }
  assert.ok(numbers > 15);
});

function declarationOf(name: string): Declaration {
  const found = [...exportedBy("hawser/hub"), ...exportedBy("@hawser/jwt")].find((exported) => exported.name === name);
  return found!.what as Declaration;
}
