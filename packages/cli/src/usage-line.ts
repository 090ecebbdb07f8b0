/** Commander's complaints about the command line, each as one line that says what is allowed. */
import { describeRule, didYouMean } from "hawser/tools";
import type { Command, CommanderError } from "commander";
import { printable } from "./config/config-error.js";
import { type Setting, settings } from "./config/settings.js";

/** @param chosen which of the program's commands was meant, if any */
export function usageLine({ code, message }: CommanderError, program: Command, chosen: Command | undefined): string {
  const command = chosen?.name();
  const quoted = /'(?<what>[^']*)'/.exec(message)?.groups?.["what"] ?? "";
  if (code === "commander.optionMissingArgument" && command === "serve") {
    const setting = settingOf(quoted.split(" ", 1)[0] ?? "");
    if (setting !== undefined) return `${setting.name}: flag ${setting.flag} has no value; takes ${takesOne(setting)}`;
  }
  if (code === "commander.unknownOption" && command === "serve") {
    const flag = /^(?<flag>--[a-z\d-]+)=/.exec(quoted)?.groups?.["flag"] ?? "";
    const setting = settingOf(flag.replace("--no-", "--"));
    if (setting?.rule.kind === "boolean") {
      const forms = `${setting.flag} or ${setting.flag.replace("--", "--no-")}`;
      return printable(`${setting.name}: got "${quoted}"; the flag takes no value: ${forms}`);
    }
  }
  // Commander writes "error: …".
  const text = message.replace(/^error: /, "");
  const hint = didYouMean(quoted.split("=", 1)[0]!, knownTo(code, program, chosen));
  const shown = [...settings.values()].some(({ flag, rule }) => rule.isSecret && hint.includes(flag))
    ? text.replace(quoted, quoted.replace(/=.*/, "=…"))
    : text;
  const help = command === undefined ? "hawser --help" : `hawser ${command} --help`;
  return printable(hint === "" ? `${text}; ${help} lists all` : `${shown}${hint}`);
}

/** The names of which the one that was not known may be meant. */
function knownTo(code: string, program: Command, chosen: Command | undefined): string[] {
  switch (code) {
    case "commander.unknownCommand":
      return program.commands.map((command) => command.name());
    case "commander.unknownOption":
      return (chosen ?? program).options.flatMap(({ long, hidden }) =>
        hidden || long === undefined || long === null ? [] : [long],
      );
    default:
      return [];
  }
}

function settingOf(flag: string): Setting | undefined {
  return [...settings.values()].find((setting) => setting.flag === flag);
}

function takesOne({ rule }: Setting): string {
  return rule.kind === "list" ? (rule.form ?? "text") : describeRule(rule);
}
