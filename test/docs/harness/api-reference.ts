// docs/hub-api.md: what users of the hub's packages call, implement and are told, made of the declarations and catalogues. What has which type the
// declarations tell in the editor, and the site in full.

import { join } from "node:path";
import { byeWords, CloseCode, errorWords, gapWords, isFinal, limits, unsubWords } from "@hawser/wire";
import { projectRoot } from "../../harness/root.js";
import { type Declaration, type Doc, type Exported, exportsOf, type Member } from "./declarations.js";

/** The entry points, and what each is for. */
export const entries = {
  "hawser/hub": {
    file: "packages/hawser/dist/hub/index.d.ts",
    about: "The server's end. [The hub](hub.md) has the short of it.",
  },
  "@hawser/client": {
    file: "packages/client/dist/index.d.ts",
    about:
      "The client, for browsers, workers, Node, Bun and Deno. `@hawser/client/core` is the same without payloads of bytes, history pages, presence and\nloops: its `Topic` has `name`, `subscribe` and `publish` alone.",
  },
  "@hawser/jwt": {
    file: "packages/jwt/dist/index.d.ts",
    about: "A check of JSON Web Tokens for `authenticate`. [Tokens](jwt.md) explains it.",
  },
  "@hawser/wire": {
    file: "packages/wire/dist/index.d.ts",
    about: "What both ends share: the contract, and the words, codes and limits of the [subprotocol](wire.md).",
  },
} as const;

const known = new Map<keyof typeof entries, Exported[]>();

export function exportedBy(entry: keyof typeof entries): Exported[] {
  const exported = known.get(entry) ?? exportsOf(join(projectRoot, entries[entry].file));
  known.set(entry, exported);
  return exported;
}

/** The values that stand behind a name, as rows of a table. */
const catalogues: Readonly<Record<string, () => Row[]>> = {
  errorWords: () =>
    Object.entries(errorWords).map(([word, { retry, meaning }]) => ({
      Word: code(word),
      Again: retry,
      Meaning: meaning,
    })),
  gapWords: () => words(gapWords),
  unsubWords: () => words(unsubWords),
  byeWords: () =>
    Object.entries(byeWords).map(([word, { code: close, meaning }]) => ({
      Word: code(word),
      "Close code": String(close),
      Meaning: meaning,
    })),
  CloseCode: () =>
    Object.entries(CloseCode).map(([name, value]) => ({
      Name: code(name),
      Code: String(value),
      Final: isFinal(value) ? "yes" : "no",
    })),
  limits: () => Object.entries(limits).map(([name, value]) => ({ Name: code(name), Value: String(value) })),
};

type Row = Readonly<Record<string, string>>;

/** As Markdown, to be formatted. */
export function apiReference(): string {
  const parts = (Object.keys(entries) as (keyof typeof entries)[]).map((entry) => {
    const exported = exportedBy(entry).toSorted((one, other) => rank(one) - rank(other));
    const chapters = exported.map(({ name, what }) => chapter(entry, name, what));
    const types = exported.map(typeLine).filter((line) => line !== "");
    if (types.length > 0) chapters.push(`### Types of ${entry}\n\n${types.join("\n")}`);
    return [`## ${entry}`, entries[entry].about, ...chapters.filter((text) => text !== "")].join("\n\n");
  });
  return `${parts.join("\n\n")}\n`;
}

/** What is called comes first, and types alone last. */
function rank({ what }: Exported): number {
  return typeof what === "string" ? 0 : ["function", "class", "const", "interface", "type"].indexOf(what.kind);
}

/** Names that two entry points have are told apart by the heading. */
function headingOf(entry: string, name: string): string {
  return isShared(name) ? `${name} of ${entry}` : name;
}

function isShared(name: string): boolean {
  const all = (Object.keys(entries) as (keyof typeof entries)[]).flatMap((entry) => exportedBy(entry));
  return all.filter((exported) => exported.name.toLowerCase() === name.toLowerCase()).length > 1;
}

/** Empty for what has none: types without members, and what another package has. */
function chapter(entry: string, name: string, what: string | Declaration): string {
  if (typeof what === "string" || what.kind === "type") return "";
  const { doc, kind, code: text, members, base } = what;
  const catalogue = catalogues[name]?.();
  return [
    `### ${headingOf(entry, name)}`,
    kind === "function" ? forms(text).map(code).join("\n\n") : "",
    doc.text,
    tagLines(doc),
    catalogue === undefined ? "" : table(catalogue),
    base === undefined ? "" : `Has all of \`${oneLine(base)}\`${members.length > 0 ? ", and:" : "."}`,
    members.map(memberLine).join("\n"),
  ]
    .filter((part) => part !== "")
    .join("\n\n");
}

/** Of a type, the words that it is made of, or else what its comment says. */
function typeLine({ name, what }: Exported): string {
  if (typeof what === "string" || what.kind !== "type") return "";
  const union = oneLine(what.code.slice(what.code.indexOf("=") + 1))
    .replace(/;$/, "")
    .replace(/^\| /, "");
  const isWords = /^"[^"]*"( \| "[^"]*")*$/.test(union);
  const [meaning = ""] = what.doc.text.split("\n\n");
  if (!isWords && meaning === "") return "";
  return `- ${code(name)}: ${[oneLine(meaning), isWords ? code(union) : ""].filter(Boolean).join(" ")}`;
}

/** Of each form of a function, its name and those of its parameters. */
function forms(text: string): string[] {
  return text.split(/^function /m).flatMap((form) => {
    const [, name, signature] = /^(\w+)(.*)$/s.exec(form) ?? [];
    return name === undefined ? [] : [name + parametersOf(signature!)];
  });
}

/** `(topic, { key }?)` of `<Name>(topic: Name, { key }?: Settings): Answer`. */
function parametersOf(type: string): string {
  // That of an optional one stands in brackets.
  const signature = type.replace(/^\(\(/, "(");
  const names: string[] = [];
  let depth = 0;
  let name: string | undefined;
  const from = signature.startsWith("<") ? endOfTypes(signature) : 0;
  for (const token of signature.slice(from).matchAll(/=>|[^<>(){}[\],:]+|./gs)) {
    const [text] = token;
    if (depth === 1 && text === ":") {
      names.push(oneLine(name ?? ""));
      name = undefined;
    } else if (depth === 1 && text === ",") name = "";
    else if (name !== undefined && !(depth === 1 && text === ")")) name += text;
    if (/^[<({[]$/.test(text)) depth++;
    if (/^[>)}\]]$/.test(text)) depth--;
    if (depth === 1 && text === "(" && names.length === 0 && name === undefined) name = "";
    if (depth === 0) break;
  }
  return `(${names.join(", ")})`;
}

function endOfTypes(signature: string): number {
  let depth = 0;
  for (const { 0: token, index } of signature.matchAll(/=>|[<>]/g)) {
    if (token === "<") depth++;
    if (token === ">" && --depth === 0) return index + 1;
  }
  return 0;
}

function tagLines({ tags }: Doc): string {
  return tags
    .filter(({ name }) => name !== "internal")
    .map(({ name, text }) => {
      const [, parameter, rest] = name === "param" ? /^([\w.]+)\s*([\s\S]*)$/.exec(text)! : [];
      if (parameter !== undefined) return `- \`${parameter}\`: ${rest}`;
      return `- ${name[0]!.toUpperCase()}${name.slice(1)}: ${text}`;
    })
    .join("\n");
}

function memberLine({ name, type, isOptional, doc }: Member): string {
  const told = doc.tags.map(({ name: tag, text }) => {
    if (tag === "param") return text.replace(/^([\w.]+)/, "`$1`:");
    return `${{ default: "Default", returns: "Answers:", throws: "Throws" }[tag] ?? tag} ${text}`;
  });
  const isMethod = /^[<(]/.test(type);
  const called = `${name === "constructor" ? "new" : name}${isOptional ? "?" : ""}`;
  const meaning = [doc.text, ...told].map(oneLine).filter(Boolean).join(". ").replaceAll("..", ".");
  return `- ${code(isMethod ? called + parametersOf(type) : called)}${meaning === "" ? "" : `: ${meaning}`}`;
}

/** Columns that are empty are left out. */
function table(rows: readonly Row[]): string {
  const columns = Object.keys(rows[0]!).filter((column) => rows.some((row) => row[column] !== ""));
  const lines = [
    columns,
    columns.map(() => "---"),
    ...rows.map((row) => columns.map((column) => escaped(row[column]!))),
  ];
  return lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function words(catalogue: Readonly<Record<string, string>>): Row[] {
  return Object.entries(catalogue).map(([word, meaning]) => ({ Word: code(word), Meaning: meaning }));
}

function escaped(cell: string): string {
  return cell.replaceAll("|", "\\|");
}

function code(text: string): string {
  return text.includes("`") ? `\`\` ${text} \`\`` : `\`${text}\``;
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
