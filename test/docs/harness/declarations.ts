// What a package exports, read from its declaration files: names, doc comments, members, and the text of each.

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

export interface Doc {
  /** Without its tags. */
  readonly text: string;
  /** `@default`, `@returns`, `@throws` and one `@param` for each. */
  readonly tags: readonly { readonly name: string; readonly text: string }[];
}

export interface Member {
  readonly name: string;
  /** With its parameters, if it has any. */
  readonly type: string;
  readonly isOptional: boolean;
  readonly doc: Doc;
}

export interface Declaration {
  readonly name: string;
  readonly kind: "function" | "class" | "interface" | "type" | "const";
  /** As it stands in the declaration file; of a function, all of its forms. */
  readonly code: string;
  readonly doc: Doc;
  /** Of a class or an interface. */
  readonly members: readonly Member[];
  /** What it extends, as written. */
  readonly base: string | undefined;
}

export interface Exported {
  readonly name: string;
  /** Another package that has it, or what it is. */
  readonly what: string | Declaration;
}

const COMMENT = /^\s*(?:\/\*\*(?:(?!\*\/)[\s\S])*\*\/\s*)?/;

/** The exports of an entry point, in its order. */
export function exportsOf(entry: string): Exported[] {
  const text = readFileSync(entry, "utf8");
  const found: Exported[] = [];
  const lists =
    /export (?:type )?\{([^}]*)\} from "([^"]+)"|export (?:declare )?(?:interface|function|class|type|const) (\w+)/g;
  for (const [, list, from, own] of text.matchAll(lists)) {
    if (own !== undefined && !found.some(({ name }) => name === own))
      found.push({ name: own, what: declared(text, own) });
    for (const item of list?.split(",").filter((part) => part.trim() !== "") ?? []) {
      const [, name, as] = /(?:type )?(\w+)(?: as (\w+))?\s*$/.exec(item)!;
      const what = from!.startsWith(".") ? declaredIn(join(dirname(entry), from!), name!) : from!;
      found.push({ name: as ?? name!, what });
    }
  }
  return found;
}

function declaredIn(module: string, name: string): Declaration {
  const text = readFileSync(module.replace(/\.js$/, ".d.ts"), "utf8");
  const { 1: from } = new RegExp(`export \\{[^}]*\\b${name}\\b[^}]*\\} from "([^"]+)"`).exec(text) ?? [];
  return from === undefined ? declared(text, name) : declaredIn(join(dirname(module), from), name);
}

/** @throws Error if it is not declared there */
function declared(text: string, name: string): Declaration {
  const start = new RegExp(
    `((?:/\\*\\*(?:(?!\\*/)[\\s\\S])*\\*/\\n)?)(export (?:declare )?(interface|class|function|type|const) ${name}\\b)`,
    "g",
  );
  const forms = [...text.matchAll(start)].map(({ 1: comment, 3: kind, index }) => {
    const isBlock = kind === "interface" || kind === "class";
    return { comment: comment!, kind: kind!, code: statement(text.slice(index + comment!.length), isBlock) };
  });
  const [first] = forms;
  if (first === undefined) throw new Error(`${name} is not declared there`);
  const code = forms.map((form) => form.code.replace(/^export (declare )?/, "")).join("\n");
  const hasMembers = first.kind === "interface" || first.kind === "class";
  const body = hasMembers ? code.slice(code.indexOf("{", headEnd(code)) + 1, code.lastIndexOf("}")) : "";
  return {
    name,
    kind: first.kind as Declaration["kind"],
    code,
    doc: docOf(forms.map(({ comment }) => comment).find((comment) => comment !== "") ?? ""),
    members: hasMembers ? membersOf(body) : [],
    base: hasMembers ? /^ extends (.+?)(?: implements .+)?\s*$/.exec(afterName(code))?.[1] : undefined,
  };
}

/** What stands between the name of a class or an interface, with its type parameters, and its members. */
function afterName(code: string): string {
  const head = code.slice(0, headEnd(code)).replace(/^\w+ \w+/, "");
  let depth = 0;
  for (let at = 0; at < head.length; at++) {
    if (head[at] === "<") depth++;
    else if (head[at] === ">" && head[at - 1] !== "=") depth--;
    if (depth === 0) return head.startsWith("<") ? head.slice(at + 1) : head;
  }
  return head;
}

/** Where the type parameters of a class or an interface end, which may have braces in them. */
function headEnd(code: string): number {
  let depth = 0;
  for (let at = 0; at < code.length; at++) {
    if (code[at] === "<") depth++;
    else if (code[at] === ">" && code[at - 1] !== "=") depth--;
    else if (code[at] === "{" && depth === 0) return at;
  }
  return 0;
}

/** The text up to the `;` that ends it, or the brace. */
function statement(text: string, isBlock: boolean): string {
  let depth = 0;
  for (const { 0: token, index } of text.matchAll(/\/\*[\s\S]*?\*\/|"[^"]*"|`[^`]*`|[{}()[\];]/g)) {
    if ("{([".includes(token)) depth++;
    else if ("})]".includes(token)) depth--;
    const end = index + token.length;
    if (depth === 0 && token === ";") return text.slice(0, end - (isBlock ? 1 : 0));
    if (depth === 0 && token === "}" && isBlock) return text.slice(0, end);
  }
  throw new Error(`no end of ${text.slice(0, 80)}`);
}

function membersOf(body: string): Member[] {
  const members: Member[] = [];
  for (let rest = body; rest.trim() !== "";) {
    const [comment] = COMMENT.exec(rest)!;
    const code = statement(rest.slice(comment.length), false);
    rest = rest.slice(comment.length + code.length);
    const doc = docOf(comment);
    const line = code
      .replace(/\s+/g, " ")
      .replace(/;$/, "")
      .replace(/^((static|readonly|override|get) )+/, "");
    if (/^(private|protected|#)/.test(line) || /@internal/.test(comment)) continue;
    const parts = /^(\[[^\]]+\]|"[^"]+"|\w+)(\??)([\s\S]*)$/.exec(line);
    if (parts === null) throw new Error(`this is no member: ${line}`);
    const [, name, question, tail] = parts;
    const isGetter = /^\s*(override )?get /.test(code);
    members.push({
      name: name!,
      isOptional: question === "?",
      type: (isGetter ? tail!.replace(/^\(\): /, "") : tail!.startsWith(":") ? tail!.slice(2) : tail!).replace(
        question === "?" ? / \| undefined$/ : /$^/,
        "",
      ),
      doc,
    });
  }
  return members;
}

function docOf(comment: string): Doc {
  const text = comment
    .replace(/^\s*\/\*\*|\*\/\s*$/g, "")
    .replace(/^ *\* ?/gm, "")
    .replace(/\{@link (\w+)\}/g, "`$1`")
    .trim();
  const [first = "", ...tags] = text.split(/(?:^|\s)@(?=(?:default|param|returns|throws|internal)\b)/);
  return {
    text: first.trim(),
    tags: tags.map((tag) => {
      const [, name, rest] = /^(\w+)\s*([\s\S]*)$/.exec(tag)!;
      return { name: name!, text: rest!.trim() };
    }),
  };
}
