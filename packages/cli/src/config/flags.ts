/** The flags of `hawser serve`, made from the rules, and what the user said with them. */
import { type Command, Option } from "commander";
import type { FlagEntry } from "./configure.js";
import { defaultText, helpText } from "./help-text.js";
import { type Setting, settings } from "./settings.js";

export function addFlags(command: Command): void {
  for (const setting of settings.values()) for (const option of optionsOf(setting)) command.addOption(option);
}

export function givenFlags(command: Command): FlagEntry[] {
  const values = command.opts<Record<string, FlagEntry["value"]>>();
  return [...settings.values()].flatMap((setting) => {
    const key = new Option(setting.flag).attributeName();
    const value = values[key];
    if (value === undefined || command.getOptionValueSource(key) !== "cli") return [];
    return [{ setting, value, flag: value === false ? negated(setting) : setting.flag }];
  });
}

function optionsOf(setting: Setting): Option[] {
  const { flag, rule } = setting;
  if (rule.hasNoFlag) return [];
  if (rule.kind === "boolean") {
    // Both forms are understood, since a config file may say the opposite; the one that changes the default is shown.
    const [on, off] = [new Option(flag, helpText(rule)), new Option(negated(setting), `do not ${helpText(rule)}`)];
    (rule.default === true ? on : off).hideHelp();
    return [on, off].map((option) => option.helpGroup(`${rule.group}:`));
  }
  const option = new Option(`${flag} <${placeholder(setting)}>`, `${helpText(rule)}${defaultText(rule)}`).helpGroup(
    `${rule.group}:`,
  );
  if (rule.kind === "list") option.argParser((text: string, before: string[] | undefined) => [...(before ?? []), text]);
  return [option];
}

function negated({ flag }: Setting): string {
  return flag.replace(/^--/, "--no-");
}

const placeholders: Record<string, string> = {
  host: "host",
  socketMode: "mode",
  tokenSecret: "secret",
  jwks: "url",
  publishKey: "key",
  hubBase: "path",
  broker: "url",
  dangerouslyAllowInsecureBroker: "reason",
  clusterSecret: "secret",
  workers: "n",
  adminHost: "host",
  adminAllowedHosts: "name",
  path: "path",
  trustProxy: "address",
  allowedOrigins: "url",
  allowedHosts: "name",
  subprotocols: "name",
  responseHeaders: "header",
  dangerouslyAllowAnyOrigin: "reason",
  overflow: "policy",
  logLevel: "level",
  logFormat: "format",
};

function placeholder({ name, rule }: Setting): string {
  if (rule.unit === "milliseconds") return "ms";
  if (rule.isFile) return "file";
  return placeholders[name] ?? (rule.kind === "integer" ? "n" : rule.kind === "choice" ? "choice" : "text");
}
