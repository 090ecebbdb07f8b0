// README.md: its code is the example, and its options, defaults and flags are those of the code.

import assert from "node:assert/strict";
import { test } from "node:test";
import { optionRules } from "hawser/tools";
import { settings } from "#cli/config/settings.js";
import { codeBlocks, codeWords, readDocument, tableAfter } from "./harness/markdown.js";

const page = readDocument("README.md");

test("the code is that of examples/chat.ts", () => {
  const [code = ""] = codeBlocks(page, "ts");
  const beforeListening = code.slice(0, code.indexOf("await server.listen"));
  assert.ok(beforeListening !== "" && readDocument("examples/chat.ts").includes(beforeListening));
});

test("the options of the practices have the defaults that are named", () => {
  const rules: Record<string, { default?: unknown; defaultText?: string }> = optionRules;
  const rows = tableAfter(page, "The ten practices");
  assert.equal(rows.length, 10);
  const wrong: string[] = [];
  for (const row of rows) {
    for (const part of (row["Options and defaults"] ?? "").split(/[;:]|, /)) {
      const [, name, value] = /^\s*`(\w+)` (.+)$/.exec(part) ?? [];
      if (name === undefined || value === undefined) continue;
      const rule = rules[name];
      const expected = rule?.defaultText ?? rule?.default;
      if (expected === undefined || !means(value, expected)) wrong.push(`${name} ${value}, is ${String(expected)}`);
    }
    for (const name of codeWords(row["Options and defaults"] ?? "")) {
      if (!Object.hasOwn(optionRules, name)) wrong.push(`${name} is no option`);
    }
  }
  assert.deepEqual(wrong, []);
});

test("the flags exist", () => {
  const known = new Set(["--config", "--check-config", ...[...settings.values()].map(({ flag }) => flag)]);
  const named = tableAfter(page, "The command").flatMap((row) => codeWords(row["Flag"] ?? ""));
  assert.ok(named.length > 10);
  assert.deepEqual(
    named.filter((flag) => !known.has(flag.split(" ")[0] ?? "")),
    [],
  );
});

const UNITS: Record<string, number> = { s: 1000, KiB: 1024, MiB: 1024 * 1024 };

/** Whether the words of the table, "512 KiB" or "off", stand for the default. */
function means(words: string, value: unknown): boolean {
  if (typeof value === "string") return words.replaceAll("`", "") === value;
  if (Array.isArray(value)) return words === "nobody" && value.length === 0;
  if (words === "off") return value === 0 || value === false;
  const [number = "", unit = ""] = words.split(" ");
  return Number(number.replace(",", "")) * (UNITS[unit] ?? 1) === value;
}
