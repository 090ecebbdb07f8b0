// The documents as data: their tables, links and headings.

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../../harness/root.js";

/** Every document of the repository, as paths from its root. */
export function documents(): string[] {
  const folders = ["", "docs", "examples", "deploy", "site", "packages/hawser/src/server/internals"];
  return folders.flatMap((folder) =>
    readdirSync(join(projectRoot, folder))
      .filter((name) => name.endsWith(".md"))
      .map((name) => (folder === "" ? name : `${folder}/${name}`)),
  );
}

export function readDocument(path: string): string {
  return readFileSync(join(projectRoot, path), "utf8");
}

/** The rows of the table that follows a heading, each as its cells by column name. */
export function tableAfter(text: string, heading: string): Record<string, string>[] {
  const lines = text.split("\n");
  const start = lines.findIndex((line) => /^#+ /.test(line) && line.replace(/^#+ /, "") === heading);
  if (start < 0) throw new Error(`there is no heading "${heading}"`);
  return tableAt(lines, (line, index) => index > start && line.startsWith("|"));
}

/** The rows of the first table whose first column has this name. */
export function tableWith(text: string, firstColumn: string): Record<string, string>[] {
  return tableAt(text.split("\n"), (line) => line.startsWith("|") && cells(line)[0] === firstColumn);
}

function tableAt(lines: string[], isFirst: (line: string, index: number) => boolean): Record<string, string>[] {
  const first = lines.findIndex(isFirst);
  if (first < 0) throw new Error("there is no such table");
  const rows: string[][] = [];
  for (let at = first; lines[at]?.startsWith("|"); at++) rows.push(cells(lines[at]!));
  const [columns = [], , ...body] = rows;
  return body.map((row) => Object.fromEntries(columns.map((column, index) => [column, row[index] ?? ""])));
}

/** The words that stand in backticks, in order. */
export function codeWords(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, word]) => word!);
}

/** The contents of fenced blocks of a language. */
export function codeBlocks(text: string, language: string): string[] {
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\``, "gm"))].map(([, code]) => code!);
}

/** Code without its white space: the formatter indents a piece of a program by itself. */
export function dense(code: string): string {
  return code.replace(/\s+/g, "");
}

/** Targets of links and images, outside of code. */
export function links(text: string): string[] {
  const prose = text.replace(/^```[\s\S]*?^```/gm, "").replace(/`[^`]*`/g, "");
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!);
}

/** The anchors of the headings, as GitHub makes them. */
export function anchors(text: string): Set<string> {
  const prose = text.replace(/^```[\s\S]*?^```/gm, "");
  const headings = [...prose.matchAll(/^#+ (.+)$/gm)].map(([, heading]) => heading!);
  return new Set(
    headings.map((heading) =>
      heading
        .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, "")
        .trim()
        .replace(/\s/g, "-"),
    ),
  );
}

function cells(line: string): string[] {
  return line
    .replace(/^\||\|\s*$/g, "")
    .split("|")
    .map((cell) => cell.trim());
}
