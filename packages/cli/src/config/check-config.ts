/** What `--check-config` prints: that all is well, and what differs from the defaults, and why. */
import { isDeepStrictEqual } from "node:util";
import { printable, sourceText, withoutSecrets } from "./config-error.js";
import type { Configuration } from "./configure.js";
import { settings } from "./settings.js";

export function configurationReport({ given }: Configuration): string {
  const rows = [...settings.values()].flatMap(({ name, rule }) => {
    const entry = given.get(name);
    if (entry === undefined || isDeepStrictEqual(entry.value, rule.default)) return [];
    const value = rule.isSecret ? "(secret)" : written(withoutSecrets(rule, entry.value));
    return [[name, value, sourceText(entry.source)]];
  });
  if (rows.length === 0) return "The configuration is valid: every option has its default.\n";
  return `The configuration is valid. What differs from the defaults:\n\n${table([["option", "value", "from"], ...rows])}`;
}

/** As it would stand in a config file. */
function written(value: unknown): string {
  return printable(typeof value === "string" && /^[\w./:-]+$/.test(value) ? value : JSON.stringify(value));
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")}\n`).join("");
}
