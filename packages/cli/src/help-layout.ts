/** How one line of a help list is set. */
import type { Help } from "commander";

const INDENT = 2;
const COLUMN = 34;

/** The term, and its text in a column beside it; below it where the term is too long, since most terms are short. */
export function formatItem(this: void, term: string, _termWidth: number, description: string, helper: Help): string {
  const width = Math.max((helper.helpWidth ?? 80) - COLUMN, 30);
  const text = helper.boxWrap(description, width).replaceAll("\n", `\n${" ".repeat(COLUMN)}`);
  const start = `${" ".repeat(INDENT)}${term}`;
  const gap = start.length + 2 > COLUMN ? `\n${" ".repeat(COLUMN)}` : " ".repeat(COLUMN - start.length);
  return `${start}${gap}${text}`;
}
