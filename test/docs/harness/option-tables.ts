// The tables of docs/options.md, from the rules.

import { type OptionRule, optionRules } from "hawser/tools";
import { bytesText, millisecondsText } from "#cli/config/amounts.js";
import { ownRules, type SettingRule } from "#cli/config/own-options.js";
import { settings } from "#cli/config/settings.js";

export type Row = Record<"Option" | "Takes" | "Default" | "Flag" | "Variable", string>;

const COLUMNS = ["Option", "Takes", "Default", "Flag", "Variable"] as const;

/** The rows by group, in the order of the rules; the command's own options first. */
export function optionTables(): Map<string, Row[]> {
  const own = Object.entries<SettingRule>(ownRules);
  const library = Object.entries<OptionRule>(optionRules);
  const tables = new Map<string, Row[]>();
  for (const [name, rule] of [...own.filter(([, { group }]) => group === "Serving"), ...library, ...own]) {
    const rows = tables.get(rule.group) ?? [];
    tables.set(rule.group, rows);
    if (!rows.some(({ Option }) => Option === `\`${name}\``)) rows.push(rowOf(name, rule));
  }
  return tables;
}

/** As Markdown; `npm run format` sets the columns. */
export function markdownTable(rows: readonly Row[]): string {
  const lines = [COLUMNS, COLUMNS.map(() => "---"), ...rows.map((row) => COLUMNS.map((column) => row[column]))];
  return lines.map((cells) => `| ${cells.join(" | ")} |\n`).join("");
}

function rowOf(name: string, rule: SettingRule): Row {
  const setting = settings.get(name);
  const flag = rule.kind === "boolean" && rule.default === true ? setting?.flag.replace("--", "--no-") : setting?.flag;
  return {
    Option: `\`${name}\``,
    Takes: takesText(name, rule),
    Default: defaultText(rule),
    Flag: flag === undefined || rule.hasNoFlag ? "" : `\`${flag}\``,
    Variable: setting === undefined ? "" : `\`${setting.env}\``,
  };
}

function takesText(name: string, rule: SettingRule): string {
  switch (rule.kind) {
    case "integer":
      return `${rule.min} to ${rule.max}${rule.unit === undefined ? "" : rule.unit === "bytes" ? " bytes" : " ms"}`;
    case "choice":
      return rule.choices!.map((choice) => `\`${choice}\``).join(", ");
    case "list":
      return "list of text";
    case "string":
      return rule.form ?? "text";
    case "function":
    case "object":
      return `[${rule.kind}](functions.md#${name.toLowerCase()})`;
    default:
      return rule.kind;
  }
}

function defaultText(rule: SettingRule): string {
  const value = rule.default;
  if (rule.defaultText !== undefined) return rule.defaultText;
  if (value === undefined) return "none";
  if (Array.isArray(value)) return "none";
  const amount = typeof value === "number" && value > 0 ? inWords(value, rule) : undefined;
  return `\`${String(value)}\`${amount === undefined ? "" : ` (${amount})`}`;
}

function inWords(value: number, { unit }: SettingRule): string | undefined {
  if (unit === "milliseconds") return millisecondsText(value);
  return unit === "bytes" ? bytesText(value) : undefined;
}
