/** `hawser completion SHELL`: a script for the shell, made from the commands and options that there are. */
import { Argument, type Command } from "commander";
import { bashScript } from "../completion/bash.js";
import { fishScript } from "../completion/fish.js";
import { commandWords, type CommandWords } from "../completion/words.js";
import { zshScript } from "../completion/zsh.js";
import { choiceOf } from "../config/tool-values.js";
import { print } from "../log/print.js";

const scripts: Readonly<Record<string, (commands: readonly CommandWords[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};
const SHELLS = Object.keys(scripts);

const afterHelp = `
To install it:
  bash  eval "$(hawser completion bash)"                   in ~/.bashrc
  zsh   eval "$(hawser completion zsh)"                    in ~/.zshrc, after compinit
  fish  hawser completion fish > ~/.config/fish/completions/hawser.fish
`;

export function addCompletion(program: Command): void {
  program
    .command("completion")
    .summary("print a script that completes commands and options in a shell")
    .description("Prints a script that completes hawser's commands, options and their values.")
    .addArgument(new Argument("<shell>", "bash, zsh or fish").choices(SHELLS).argParser(choiceOf("completion", SHELLS)))
    .addHelpText("after", afterHelp)
    .action((shell: string) => print(scripts[shell]?.(commandWords(program)) ?? ""));
}
