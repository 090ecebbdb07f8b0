/** What can be typed, as the completion scripts need it. */
import type { Argument, Command, Option } from "commander";
import { settings } from "../config/settings.js";

export interface CommandWords {
  /** "": what may stand in place of a command. */
  readonly name: string;
  readonly about: string;
  readonly options: readonly OptionWords[];
  /** What its first argument may be. */
  readonly choices: readonly string[];
}

export interface OptionWords {
  /** `--port` */
  readonly flag: string;
  readonly about: string;
  readonly value: "none" | "any" | "file" | "choice";
  readonly choices: readonly string[];
}

export function commandWords(program: Command): CommandWords[] {
  return [program, ...program.commands].map((command) => ({
    name: command === program ? "" : command.name(),
    about: command.summary(),
    options: optionsOf(command),
    choices:
      command === program ? program.commands.map((one) => one.name()) : choicesOf(command.registeredArguments[0]),
  }));
}

/** Those that `--help` shows, and the help itself. */
function optionsOf(command: Command): OptionWords[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .flatMap((option) => {
      const { long } = option;
      return long == null ? [] : [{ flag: long, about: option.description, ...valueOf(command, option, long) }];
    });
}

function valueOf(command: Command, option: Option, flag: string): Pick<OptionWords, "value" | "choices"> {
  if (!option.required && !option.optional) return { value: "none", choices: [] };
  const choices = option.argChoices ?? (command.name() === "serve" ? choicesOfSetting(flag) : []);
  if (choices.length > 0) return { value: "choice", choices };
  return { value: option.flags.includes("<file>") ? "file" : "any", choices };
}

/** The server's options are checked against their rules, which have the choices. */
function choicesOfSetting(flag: string): readonly string[] {
  return [...settings.values()].find((setting) => setting.flag === flag)?.rule.choices ?? [];
}

function choicesOf(argument: Argument | undefined): readonly string[] {
  return argument?.argChoices ?? [];
}
