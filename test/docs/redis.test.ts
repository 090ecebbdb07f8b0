// docs/redis.md has the options and defaults that the code has. Its rights are tried in test/redis/setup.test.ts.

import assert from "node:assert/strict";
import { test } from "node:test";
import { PARTITIONS } from "#redis/keys.js";
import { redisOptionNames, resolveRedisOptions } from "#redis/options.js";
import { readDocument } from "./harness/markdown.js";

const page = readDocument("docs/redis.md");
const rows = new Map(
  [...page.matchAll(/^\| `(\w+)` +\| .*? *\| *([^|]*?) *\|$/gm)].map(([, name, initial]) => [name!, initial!]),
);

test("the table has the options, all of them, with their defaults", () => {
  assert.deepEqual(new Set(rows.keys()), redisOptionNames);
  const resolved = resolveRedisOptions({ url: "redis://127.0.0.1" });
  assert.equal(rows.get("prefix"), `\`${resolved.prefix}\``);
  for (const name of ["keyWindowMs", "timeoutMs"] as const) assert.equal(rows.get(name), String(resolved[name]));
});

test("the number of partitions is that of the code", () => assert.ok(page.includes(`over ${PARTITIONS} partitions`)));
