/** Completion for fish. */
import type { CommandWords, OptionWords } from "./words.js";

export function fishScript(commands: readonly CommandWords[]): string {
  const named = commands.filter(({ name }) => name !== "");
  return `# Completion of hawser for fish: hawser completion fish > ~/.config/fish/completions/hawser.fish
complete -c hawser -f
${commands.flatMap((command) => linesOf(command, named)).join("\n")}
`;
}

function linesOf(command: CommandWords, named: readonly CommandWords[]): string[] {
  const when = command.name === "" ? "__fish_use_subcommand" : quote(`__fish_seen_subcommand_from ${command.name}`);
  const start = `complete -c hawser -n ${when}`;
  const words = command.choices.map((word) => {
    const about = command.name === "" ? (named.find(({ name }) => name === word)?.about ?? "") : "";
    return `${start} -a ${word}${about === "" ? "" : ` -d ${quote(about)}`}`;
  });
  return [...words, ...command.options.map((option) => `${start} ${optionOf(option)}`)];
}

function optionOf({ flag, about, value, choices }: OptionWords): string {
  const takes = { none: "", any: " -x", file: " -r -F", choice: ` -x -a ${quote(choices.join(" "))}` }[value];
  return `-l ${flag.replace(/^--/, "")}${takes} -d ${quote(about)}`;
}

function quote(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&")}'`;
}
