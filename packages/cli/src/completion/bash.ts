/** Completion for bash, 3.2 and later. */
import type { CommandWords, OptionWords } from "./words.js";

export function bashScript(commands: readonly CommandWords[]): string {
  const named = commands.filter(({ name }) => name !== "");
  return `# Completion of hawser for bash: eval "$(hawser completion bash)"
_hawser() {
  local current="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" command="" words="" word
  # bash takes --flag=value apart into three words.
  if [[ $current == "=" ]]; then
    current=""
  elif [[ $before == "=" ]]; then
    before="\${COMP_WORDS[COMP_CWORD-2]}"
  fi
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in
      ${named.map(({ name }) => name).join("|")}) command="$word"; break ;;
    esac
  done
  COMPREPLY=()
  case "$command $before" in
${commands.flatMap(valueCases).join("\n")}
  esac
  case "$command" in
${commands.map(wordCase).join("\n")}
  esac
  COMPREPLY=( $(compgen -W "$words" -- "$current") )
}
complete -F _hawser hawser
`;
}

/** What may follow an option that takes a value. */
function valueCases({ name, options }: CommandWords): string[] {
  const label = (option: OptionWords): string => `"${name} ${option.flag}"`;
  return options
    .filter(({ value }) => value !== "none")
    .map((option) => {
      if (option.value === "choice")
        return `    ${label(option)}) COMPREPLY=( $(compgen -W "${option.choices.join(" ")}" -- "$current") ); return ;;`;
      if (option.value === "any") return `    ${label(option)}) return ;;`;
      return `    ${label(option)})
      local IFS=$'\\n'
      compopt -o filenames 2> /dev/null
      COMPREPLY=( $(compgen -f -- "$current") )
      return ;;`;
    });
}

function wordCase({ name, options, choices }: CommandWords): string {
  const words = [...choices, ...options.map(({ flag }) => flag)].join(" ");
  return `    "${name}") words="${words}" ;;`;
}
