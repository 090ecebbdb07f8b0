/** Values of flags and environment variables, which are text: each kind has one way to be written, and no guessing. */
import type { SettingRule } from "./own-options.js";

/** The value, or undefined where the text is none of this kind. Whether it is in range is checked later, like any value. */
export function fromText(rule: SettingRule, text: string): unknown {
  switch (rule.kind) {
    case "integer":
      return integerFromText(text);
    case "boolean":
      return text === "true" || text === "1" ? true : text === "false" || text === "0" ? false : undefined;
    case "list":
      return listFromText(text);
    default:
      return text;
  }
}

/** Digits and nothing else: "1e3", "0x10", "1_000", " 5 " and "" are as likely a mistake as meant. */
function integerFromText(text: string): number | undefined {
  return /^-?(0|[1-9]\d{0,15})$/.test(text) ? Number(text) : undefined;
}

/** Separated by commas; or one a line, and then a value may have commas in it, as headers do. Empty text is an empty list. */
function listFromText(text: string): string[] {
  const parts = text.split(text.includes("\n") ? "\n" : ",");
  return parts.map((part) => part.trim()).filter((part) => part !== "");
}
