/**
 * Every option of `hawser serve` with its three names: the flag, the environment variable and the key of the config file.
 * All of it follows from the rules, so a new option is one entry there and nothing here.
 */
import { type OptionRule, optionRules } from "hawser/tools";
import { ownRules, type SettingRule } from "./own-options.js";

export interface Setting {
  /** As in the API and in the config file: `allowedOrigins`. */
  readonly name: string;
  /** `--allowed-origin`: lists take one value at a time, so their flag is singular. */
  readonly flag: string;
  /** `HAWSER_ALLOWED_ORIGINS` */
  readonly env: string;
  readonly rule: SettingRule;
}

/** Files that hold options are not options themselves: they have a flag and a variable, and no key. */
export const CONFIG_ENV = "HAWSER_CONFIG";

const own = Object.entries<SettingRule>(ownRules);
const library = Object.entries<OptionRule>(optionRules).filter(isText);

/** In the order of `--help`: where to listen first. */
export const settings: ReadonlyMap<string, Setting> = new Map(
  [...own.filter(isServing), ...library, ...own.filter((entry) => !isServing(entry))].map(([name, rule]) => [
    name,
    { name, rule, flag: flagOf(name, rule), env: envOf(name) },
  ]),
);

function isServing([, rule]: [string, SettingRule]): boolean {
  return rule.group === "Serving";
}

/** What can be written down: a function, a logger or a clock is for the API alone. */
function isText([, rule]: [string, OptionRule]): boolean {
  return rule.kind !== "function" && rule.kind !== "object";
}

function flagOf(name: string, rule: SettingRule): string {
  const singular = rule.kind === "list" ? name.replace(/s$/, "") : name;
  return `--${words(singular, "-")}`;
}

function envOf(name: string): string {
  return `HAWSER_${words(name, "_").toUpperCase()}`;
}

function words(name: string, separator: string): string {
  return name.replace(/[A-Z]/g, (letter) => `${separator}${letter.toLowerCase()}`);
}
