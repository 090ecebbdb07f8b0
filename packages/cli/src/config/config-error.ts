/** What is wrong with the configuration, in one line: which option, what it got, where that came from, what is allowed. */

import { printable } from "hawser/tools";
import type { SettingRule } from "./own-options.js";

export { printable };

/** The command line could not be understood as it is: exit code 2. The message is one line. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** Where a value came from. */
export type Source =
  | { readonly from: "default" }
  | { readonly from: "flag"; readonly flag: string }
  | { readonly from: "environment"; readonly variable: string }
  | { readonly from: "file"; readonly file: string; readonly line: number };

export function sourceText(source: Source): string {
  switch (source.from) {
    case "default":
      return "default";
    case "flag":
      return `flag ${source.flag}`;
    case "environment":
      return `environment variable ${source.variable}`;
    case "file":
      return `config file ${printable(source.file)}, line ${source.line}`;
  }
}

export function wrongValue(name: string, value: unknown, source: Source, takes: string): ConfigError {
  return new ConfigError(`${name}: got ${show(value)} from ${sourceText(source)}; takes ${takes}`);
}

/** A value of an option as it may be shown: headers without what they say (a cookie, a token), no key in place of its file, and no URL with a password. */
export function withoutSecrets(rule: SettingRule, value: unknown): unknown {
  if (rule.isFile === true && typeof value === "string" && value.includes("-----BEGIN")) return "…";
  if (typeof value === "string" && /\/\/[^/?#]*@/.test(value)) return "…";
  if (rule.orRecord === undefined) return value;
  if (typeof value === "string") return /^[^:\s]{1,80}:/.exec(value)?.[0].concat(" …") ?? "…";
  return Array.isArray(value) ? value.map((item: unknown) => withoutSecrets(rule, item)) : value;
}

const LONGEST_SHOWN = 80;

/** A value as it would be written, on one line and not too long. */
export function show(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : `[${clip(value.map(show).join(", "))}]`;
  if (typeof value === "object" && value !== null) return "a mapping";
  return typeof value === "string" ? quote(clip(value)) : String(value);
}

function quote(text: string): string {
  return printable(JSON.stringify(text));
}

function clip(text: string): string {
  return text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text;
}
