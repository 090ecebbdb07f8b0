import { OptionError } from "../base/usage-error.js";
import type { OptionRule } from "./rules.js";

/** What is asked of a value, by an option of the library or by one that a program adds to them. */
export type ValueRule = Omit<OptionRule, "group">;

/** Checks a value against a rule; returns it, lists as frozen copies. @throws OptionError */
export function checkValue(name: string, rule: ValueRule, value: unknown): unknown {
  const fits = fitsRule(rule, value);
  if (fits) return fits.value;
  const list = rule.kind === "list" ? listOf(rule, value) : null;
  if (Array.isArray(list)) {
    // Of several, the message names the one that is wrong.
    const { form = "text" } = rule;
    const wrong: unknown = list.find((entry) => !isEntry(rule, entry));
    if (!isText(wrong)) throw new OptionError(name, wrong, form);
    // Of a header the name alone: its value may be a secret.
    const shown = rule.orRecord ? `${/^[^:\s]{1,80}:/.exec(wrong)?.[0].concat(" ") ?? ""}…` : wrong;
    throw new OptionError(name, shown, rule.advice?.(wrong) ?? form);
  }
  throw new OptionError(name, value, describeRule(rule));
}

/** What a value has to be, as the end of a sentence: "a whole number from 0 to 65535". */
export function describeRule(rule: ValueRule): string {
  switch (rule.kind) {
    case "integer":
      return `a whole number${rule.unit ? ` of ${rule.unit}` : ""} from ${rule.min} to ${rule.max}`;
    case "boolean":
      return "true or false";
    case "choice":
      return `one of ${rule.choices?.join(", ")}`;
    case "list":
      return `a list, each ${rule.form}`;
    case "string":
      return rule.form ?? "text";
    case "function":
      return "a function";
    case "object":
      return `an object with ${Object.keys(rule.members ?? {}).join(", ")}: ${rule.help}`;
  }
}

function fitsRule(rule: ValueRule, value: unknown): { value: unknown } | null {
  const accepts = rule.accepts ?? (() => true);
  switch (rule.kind) {
    case "integer":
      return Number.isInteger(value) && (value as number) >= rule.min! && (value as number) <= rule.max!
        ? { value }
        : null;
    case "boolean":
      return typeof value === "boolean" ? { value } : null;
    case "choice":
      return rule.choices!.includes(value as string) ? { value } : null;
    case "string":
      return typeof value === "string" && accepts(value) ? { value } : null;
    case "list": {
      const given = listOf(rule, value);
      // A copy first: it has no holes, which `every` would skip.
      const list: unknown[] | null = Array.isArray(given) ? [...(given as unknown[])] : null;
      return list?.every((entry) => isEntry(rule, entry)) ? { value: Object.freeze(list) } : null;
    }
    case "function":
      return typeof value === "function" ? { value } : null;
    case "object":
      return isRecord(value) && hasMembers(value, rule.members ?? {}) ? { value } : null;
  }
}

function listOf(rule: ValueRule, value: unknown): unknown {
  if (rule.orAlone !== undefined && value === rule.orAlone) return [value];
  if (!rule.orRecord || !isPlainRecord(value)) return value;
  // By name, whatever its case: none is sent twice unless it has several values.
  const lines = Object.entries(value).map(([name, values]): [string, (string | null)[]] => [
    name.toLowerCase(),
    [values].flat().map((text: unknown) => (isText(text) ? `${name}: ${text}` : null)),
  ]);
  return [...new Map(lines).values()].flat();
}

function isEntry(rule: ValueRule, entry: unknown): entry is string {
  return isText(entry) && rule.accepts?.(entry) !== false;
}

function hasMembers(value: Record<string, unknown>, members: Readonly<Record<string, "function" | "text">>): boolean {
  return Object.entries(members).every(([name, kind]) => {
    const member = value[name];
    return kind === "function"
      ? typeof member === "function"
      : typeof member === "string" || member instanceof Uint8Array;
  });
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

/** No Map or Set, whose entries would not be seen. */
function isPlainRecord(value: unknown): value is Record<string, unknown> {
  return isRecord(value) && [Object.prototype, null].includes(Object.getPrototypeOf(value) as object | null);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
