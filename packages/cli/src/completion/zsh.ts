/** Completion for zsh: as a file `_hawser` in the fpath, or by eval. */
import type { CommandWords, OptionWords } from "./words.js";

export function zshScript(commands: readonly CommandWords[]): string {
  const named = commands.filter(({ name }) => name !== "");
  const top = commands.find(({ name }) => name === "");
  return `#compdef hawser
# Completion of hawser for zsh: eval "$(hawser completion zsh)" after compinit, or a file _hawser in a folder of the fpath.
_hawser() {
  local -a commands
  commands=(
${named.map(({ name, about }) => `    ${quote(`${name}:${about}`)}`).join("\n")}
  )
  local context state state_descr line
  typeset -A opt_args
  _arguments -C \\
${(top?.options ?? []).map((option) => `    ${quote(spec(option))} \\`).join("\n")}
    '1:command:->command' \\
    '*::argument:->argument'
  case $state in
    command) _describe -t commands 'hawser command' commands ;;
    argument)
      case $words[1] in
${named.map(commandCase).join("\n")}
      esac ;;
  esac
}
if [[ $funcstack[1] == _hawser ]]; then
  _hawser "$@"
else
  compdef _hawser hawser
fi
`;
}

function commandCase({ name, options, choices }: CommandWords): string {
  // What cannot be guessed has an empty list: without any, options would not be completed behind it.
  const specs = [...options.map(spec), choices.length > 0 ? `1:argument:(${choices.join(" ")})` : "*:argument:( )"];
  return `        ${name})
          _arguments \\
${specs.map((text) => `            ${quote(text)}`).join(" \\\n")} ;;`;
}

/** `*--port=[port to listen on]:value: `: an option may stand anywhere, also more than once. */
function spec({ flag, about, value, choices }: OptionWords): string {
  const text = `[${about.replace(/[\\[\]:]/g, "\\$&")}]`;
  if (value === "none") return `*${flag}${text}`;
  const action = value === "choice" ? `(${choices.join(" ")})` : value === "file" ? "_files" : " ";
  return `*${flag}=${text}:value:${action}`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
