// A document that is followed step by step: what it has the reader save and run, in its order, below its headings.

export type Step =
  | { readonly kind: "chapter"; readonly title: string }
  | { readonly kind: "save"; readonly name: string; readonly content: string }
  /** `answer`: the JSON that stands below the command. */
  | { readonly kind: "run"; readonly commands: string; readonly answer: unknown };

const STEP =
  /^## (?<title>.+)$|[Ss]ave as `(?<name>[^`]+)`:\n\n```\w+\n(?<content>[\s\S]*?)^```|^```sh\n(?<commands>[\s\S]*?)^```(?:\n\n```json\n(?<answer>[\s\S]*?)^```)?/gm;

/** @throws Error for code that is none of these: a reader would not know what to do with it either */
export function stepsOf(page: string): Step[] {
  const left = page.replace(STEP, "").match(/^```.*$/m);
  if (left !== null) throw new Error(`nothing says what to do with the code after ${left[0]}`);
  return [...page.matchAll(STEP)].map(({ groups = {} }): Step => {
    const { title, name, content, commands, answer } = groups;
    if (title !== undefined) return { kind: "chapter", title };
    if (name !== undefined) return { kind: "save", name, content: content! };
    return {
      kind: "run",
      commands: commands!,
      answer: answer === undefined ? undefined : (JSON.parse(answer) as unknown),
    };
  });
}
