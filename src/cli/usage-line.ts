/** Commander's complaints about the command line, each as one line that says what is allowed. */
import type { CommanderError } from "commander";
import { takes } from "../index.js";
import { plain } from "./config-error.js";
import { type Setting, settings } from "./settings.js";

/** `command` is the first word of the command line; a flag in its place is most likely meant for `serve`. */
export function usageLine({ code, message }: CommanderError, command: string): string {
  const quoted = /'(?<what>[^']*)'/.exec(message)?.groups?.["what"] ?? "";
  if (code === "commander.optionMissingArgument") {
    const setting = settingOf(quoted.split(" ", 1)[0] ?? "");
    if (setting !== undefined) return `${setting.name}: flag ${setting.flag} has no value; takes ${takesOne(setting)}`;
  }
  if (code === "commander.unknownOption") {
    const flag = /^(?<flag>--[a-z-]+)=/.exec(quoted)?.groups?.["flag"] ?? "";
    const setting = settingOf(flag.replace("--no-", "--"));
    if (setting?.rule.kind === "boolean") {
      const forms = `${setting.flag} or ${setting.flag.replace("--", "--no-")}`;
      return plain(`${setting.name}: got "${quoted}"; the flag takes no value: ${forms}`);
    }
  }
  // Commander writes "error: …", and where it has a suggestion a second line with it.
  const text = message
    .replace(/^error: /, "")
    .replace(/\s*\n\s*/g, " ")
    .replace("(Did you", "(did you");
  if (text.endsWith("?)")) return plain(text);
  const subject = command.startsWith("-") ? "serve" : command;
  return plain(`${text}; hawser ${code === "commander.unknownCommand" ? "" : `${subject} `}--help lists all`);
}

function settingOf(flag: string): Setting | undefined {
  return [...settings.values()].find((setting) => setting.flag === flag);
}

function takesOne({ rule }: Setting): string {
  return rule.kind === "list" ? (rule.form ?? "text") : takes(rule);
}
