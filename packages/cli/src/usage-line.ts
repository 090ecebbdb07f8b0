/** Commander's complaints about the command line, each as one line that says what is allowed. */
import { takes } from "hawser";
import type { CommanderError } from "commander";
import { plain } from "./config/config-error.js";
import { didYouMean } from "./config/nearest.js";
import { type Setting, settings } from "./config/settings.js";

/** @param command which of the commands was meant, if any */
export function usageLine({ code, message }: CommanderError, command: string | undefined): string {
  const quoted = /'(?<what>[^']*)'/.exec(message)?.groups?.["what"] ?? "";
  if (code === "commander.optionMissingArgument" && command === "serve") {
    const setting = settingOf(quoted.split(" ", 1)[0] ?? "");
    if (setting !== undefined) return `${setting.name}: flag ${setting.flag} has no value; takes ${takesOne(setting)}`;
  }
  if (code === "commander.unknownOption" && command === "serve") {
    const flag = /^(?<flag>--[a-z-]+)=/.exec(quoted)?.groups?.["flag"] ?? "";
    const setting = settingOf(flag.replace("--no-", "--"));
    if (setting?.rule.kind === "boolean") {
      const forms = `${setting.flag} or ${setting.flag.replace("--", "--no-")}`;
      return plain(`${setting.name}: got "${quoted}"; the flag takes no value: ${forms}`);
    }
  }
  const hint =
    code === "commander.unknownOption" && command === "serve" ? didYouMean(quoted.split("=", 1)[0]!, flags()) : "";
  // Commander writes "error: …", and where it has a suggestion a second line with it: one by the letters alone.
  const [text = "", suggestion = ""] = message.replace(/^error: /, "").split(/\s*\n\s*/);
  const advice = hint === "" ? suggestion.replace("(Did you", " (did you") : hint;
  const help = command === undefined ? "hawser --help" : `hawser ${command} --help`;
  return plain(advice === "" ? `${text}; ${help} lists all` : `${text}${advice}`);
}

function flags(): string[] {
  return [...settings.values()].map(({ flag }) => flag);
}

function settingOf(flag: string): Setting | undefined {
  return [...settings.values()].find((setting) => setting.flag === flag);
}

function takesOne({ rule }: Setting): string {
  return rule.kind === "list" ? (rule.form ?? "text") : takes(rule);
}
