/** Before any client comes: what the application asks for is checked, and defaults fill in the rest. */
import type { ServerOptions } from "../api/options.js";
import type { ResolvedOptions } from "../api/resolved-options.js";
import { systemClock } from "../base/clock.js";
import { OptionError, UsageError } from "../base/usage-error.js";
import { hintForForeign } from "./foreign.js";
import { type OptionName, type OptionRule, optionRules } from "./rules.js";

/** 256 messages of the largest default size at once: far more than honest clients send, and what a small machine can spare. */
const LEAST_INCOMING_BYTES = 128 * 1024 * 1024;

/** Checks what the user gave and fills in the defaults. The argument is not changed. @throws OptionError */
export function resolveOptions<Data>(given: ServerOptions<Data>): ResolvedOptions<Data> {
  const values: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(optionRules, name))
      throw new OptionError(name, value, `nothing: there is no such option${nearest(name)}`);
    if (value !== undefined) values[name] = checkOption(name as OptionName, value);
  }
  for (const [name, rule] of Object.entries<OptionRule>(optionRules)) {
    values[name] ??= rule.default;
  }
  values["pingPeriodMs"] ??= Math.floor((values["pongWaitMs"] as number) * 0.9);
  values["maxTotalIncomingBytes"] ??= Math.max(LEAST_INCOMING_BYTES, 2 * (values["maxMessageBytes"] as number));
  values["clock"] ??= systemClock;
  const resolved = values as unknown as ResolvedOptions<Data>;
  checkTogether(resolved);
  return Object.freeze(resolved);
}

/** Checks the value of one option; returns it, lists as frozen copies. @throws OptionError */
export function checkOption(name: OptionName, value: unknown): unknown {
  return checkValue(name, optionRules[name], value);
}

/** Checks a value against any rule, such as those that the command line adds. @throws OptionError */
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
  throw new OptionError(name, value, takes(rule));
}

/** What a value has to be, wherever the option stands. */
export type ValueRule = Omit<OptionRule, "group">;

/** What an option takes, as the end of a sentence. */
export function takes(rule: ValueRule): string {
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

/** Values that are fine alone and wrong together. */
function checkTogether<Data>(options: ResolvedOptions<Data>): void {
  if (options.pingPeriodMs >= options.pongWaitMs) {
    // A ping that is due after the deadline would have every quiet client cut.
    throw new OptionError("pingPeriodMs", options.pingPeriodMs, `less than pongWaitMs, which is ${options.pongWaitMs}`);
  }
  if (options.dangerouslyAllowAnyOrigin !== undefined && options.allowedOrigins.length > 0) {
    throw new UsageError(
      "allowedOrigins and dangerouslyAllowAnyOrigin exclude each other: any origin leaves no list to check",
    );
  }
  if (options.authenticate !== undefined && options.data !== undefined) {
    throw new UsageError("authenticate and data exclude each other: what authenticate returns is the data");
  }
  if (options.maxTotalBacklogBytes < options.maxBacklogBytes) {
    const least = `at least maxBacklogBytes, which is ${options.maxBacklogBytes}`;
    throw new OptionError("maxTotalBacklogBytes", options.maxTotalBacklogBytes, least);
  }
  if (options.maxTotalIncomingBytes < 2 * options.maxMessageBytes) {
    // A message that grows is copied: for a moment it is there twice.
    const least = `at least twice maxMessageBytes, which is ${options.maxMessageBytes}`;
    throw new OptionError("maxTotalIncomingBytes", options.maxTotalIncomingBytes, least);
  }
  if (new Set(options.subprotocols).size < options.subprotocols.length) {
    throw new OptionError("subprotocols", options.subprotocols, "each subprotocol once");
  }
}

/** " (did you mean pongWaitMs?)" where an option differs only in case, `-` and `_`, or one name begins with the other and is not much longer. */
function nearest(name: string): string {
  const elsewhere = hintForForeign(name);
  if (elsewhere !== undefined) return ` (${elsewhere})`;
  const plain = (text: string): string => text.replace(/[-_]/g, "").toLowerCase();
  const wanted = plain(name);
  const found = Object.keys(optionRules).find((option) => {
    const candidate = plain(option);
    const [short, long] = wanted.length < candidate.length ? [wanted, candidate] : [candidate, wanted];
    return long.startsWith(short) && short.length >= 4 && short.length * 2 >= long.length;
  });
  return found === undefined ? "" : ` (did you mean ${found}?)`;
}
