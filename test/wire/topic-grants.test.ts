// What a pattern in a token covers.

import assert from "node:assert/strict";
import { test } from "node:test";
import { coversTopic } from "@hawser/wire/server";

const CASES: [pattern: string, covered: string[], others: string[]][] = [
  ["news", ["news"], ["news2", "new", "", "News", "news:1"]],
  [
    "room:{id}",
    ["room:1", "room:a%2Fb", "room:{id}"],
    ["room:", "room:1:2", "room:1/2", "xroom:1", "room:1\n:", "rooms:1"],
  ],
  ["/a/{x}/b", ["/a/1/b"], ["/a//b", "/a/1/2/b", "/a/1/bc"]],
  ["room:a%2Fb", ["room:a%2Fb"], ["room:a/b"]],
  ["room:*", ["room:", "room:1", "room:1/2:3", "room:*"], ["room", "rooms:1"]],
  ["*", ["", "anything"], []],
  ["a.b", ["a.b"], ["axb"]],
  ["{a}.c", ["x.c"], ["xyc"]],
  // None of these is a pattern: they cover what has their very name.
  ["a*b", ["a*b"], ["ab", "axb"]],
  ["room:{id", ["room:{id"], ["room:1"]],
  ["room:{id}*", ["room:{id}*"], ["room:1", "room:12"]],
  ["{a}{b}", ["{a}{b}"], ["xy"]],
  ["(a+)+{x}", [], ["a".repeat(30)]],
  ["", [""], ["a"]],
];

for (const [pattern, covered, others] of CASES) {
  test(`${JSON.stringify(pattern)} covers what it says`, () => {
    for (const name of covered) assert.ok(coversTopic(["other", pattern], name), name);
    for (const name of others) assert.ok(!coversTopic(["other", pattern], name), name);
  });
}

test("no patterns cover nothing", () => assert.ok(!coversTopic([], "news")));
