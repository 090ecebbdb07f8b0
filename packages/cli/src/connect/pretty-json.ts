/**
 * JSON over several lines. Its tokens stay as they were sent: parsed and written again, 12345678901234567890 would be another number,
 * and a name that stands twice would stand once.
 */
import { printable } from "hawser/tools";
import type { Colour, Paint } from "./paint.js";

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;
const INDENT = "  ";

/** Null: it is no JSON object or array. */
export function prettyJson(text: string, paint: Paint): string[] | null {
  if (!isJson(text)) return null;
  const tokens = text.match(TOKEN) ?? [];
  const lines: string[] = [];
  let line = "";
  let depth = 0;
  const breakLine = (): void => {
    lines.push(line);
    line = INDENT.repeat(depth);
  };
  tokens.forEach((token, at) => {
    const next = tokens[at + 1];
    if (token === "{" || token === "[") {
      line += token;
      depth++;
      if (next !== "}" && next !== "]") breakLine();
    } else if (token === "}" || token === "]") {
      depth--;
      const before = tokens[at - 1];
      if (before !== "{" && before !== "[") breakLine();
      line += token;
    } else if (token === ",") {
      line += token;
      breakLine();
    } else line += token === ":" ? ": " : paint(colourOf(token, next), printable(token));
  });
  return [...lines, line];
}

/** White space may stand between any two tokens, line breaks among it: the same on one line. Text that is no JSON stays as it is. */
export function joinJson(text: string): string {
  return /[\n\r\t]/.test(text) && isJson(text) ? text.replace(/[\n\r\t]/g, " ") : text;
}

function isJson(text: string): boolean {
  if (!/^\s*[{[]/.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function colourOf(token: string, next: string | undefined): Colour {
  if (token.startsWith('"')) return next === ":" ? "cyan" : "green";
  return /^[-\d]/.test(token) ? "yellow" : "magenta";
}
