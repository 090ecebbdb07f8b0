// docs/jwt.md has the options, limits and times that the code has.

import assert from "node:assert/strict";
import { test } from "node:test";
import { asymmetric } from "#jwt/algorithms.js";
import { jwtOptionNames, resolveJwtOptions } from "#jwt/options.js";
import { readDocument } from "./harness/markdown.js";

const page = readDocument("docs/jwt.md");
const rows = new Map(
  [...page.matchAll(/^\| `(\w+)` +\| (.*?) *\| *(.*?) *\|$/gm)].map(([, name, takes, initial]) => [
    name!,
    { takes: takes!, initial: initial! },
  ]),
);

test("the table has the options, all of them", () => {
  for (const name of jwtOptionNames) assert.ok(rows.has(name), name);
  assert.equal(rows.size, jwtOptionNames.size);
});

test("defaults and algorithms are those of the code", () => {
  const resolved = resolveJwtOptions({ secret: "x".repeat(32) });
  for (const name of ["toleranceMs", "graceMs", "jwksTimeoutMs"] as const) {
    assert.equal(rows.get(name)!.initial, String(resolved[name]), name);
  }
  const { user, topics } = resolved.claims;
  assert.equal(rows.get("claims")!.initial, `\`{ user: "${user}", topics: "${topics}" }\``);
  assert.equal(rows.get("algorithms")!.takes, `a list of ${["HS256", "HS384", "HS512", ...asymmetric].join(", ")}`);
});
