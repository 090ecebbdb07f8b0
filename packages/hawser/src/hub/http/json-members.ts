import type { JsonText } from "@hawser/wire/server";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;

/**
 * The members of an object as they are written: numbers keep their digits, objects the order of their keys.
 * @param text one JSON object, which is known to be valid
 * @returns undefined if a key is given twice: which of them holds is for nobody to guess
 */
export function jsonMembers(text: string): ReadonlyMap<string, JsonText> | undefined {
  const members = new Map<string, JsonText>();
  const last = text.lastIndexOf("}");
  let at = text.indexOf("{") + 1;
  while (at < last) {
    const quote = text.indexOf('"', at);
    if (quote === -1 || quote > last) break;
    const end = closingQuote(text, quote);
    const key = JSON.parse(text.slice(quote, end + 1)) as string;
    const start = text.indexOf(":", end) + 1;
    at = endOfValue(text, start, last);
    if (members.has(key)) return undefined;
    members.set(key, text.slice(start, at).trim());
    at++;
  }
  return members;
}

/** Where the comma stands that ends a value, or the brace that ends all. */
function endOfValue(text: string, start: number, last: number): number {
  let depth = 0;
  for (let at = start; at < last; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = closingQuote(text, at);
    else if (code === COMMA && depth === 0) return at;
    // `{` and `[` differ in one bit, and so do `}` and `]`.
    else if ((code & 0xdf) === 0x5b) depth++;
    else if ((code & 0xdf) === 0x5d) depth--;
  }
  return last;
}

function closingQuote(text: string, open: number): number {
  for (let quote = text.indexOf('"', open + 1); ; quote = text.indexOf('"', quote + 1)) {
    let first = quote;
    while (text.charCodeAt(first - 1) === BACKSLASH) first--;
    if ((quote - first) % 2 === 0) return quote;
  }
}
