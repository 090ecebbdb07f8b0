/** Where the payload of a frame lies in its text. */
export interface Place {
  /** The comma before `"d"`: what is before it, with a `}`, is the frame without its payload. */
  readonly comma: number;
  /** After the colon. */
  readonly start: number;
  /** Before the brace that ends the frame. */
  readonly end: number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;

/**
 * Finds the first `"d"` among the keys of the frame itself, after the verb, written without escapes. The text need not be JSON: whoever has parsed
 * the two pieces knows that it is, and that `d` is its last key, since nothing but space stands between the pieces.
 */
export function findPayload(text: string): Place | undefined {
  let depth = 0;
  let comma = 0;
  // Whether there was nothing but space since the comma.
  let isKey = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (isSpace(code)) continue;
    if (code === COMMA && depth === 1) {
      comma = at;
      isKey = true;
      continue;
    }
    if (code === QUOTE) {
      const quote = closingQuote(text, at);
      if (isKey && quote === at + 2 && text[at + 1] === "d") {
        const colon = skipSpace(text, quote + 1);
        if (text.charCodeAt(colon) === COLON) return { comma, start: colon + 1, end: text.lastIndexOf("}") };
      }
      at = quote;
    } else {
      depth += nesting(code);
    }
    isKey = false;
  }
  return undefined;
}

/** The first key of a frame as it is written, without its quotes; "" for what does not begin as a frame. */
export function firstKey(text: string): string {
  const brace = skipSpace(text, 0);
  const quote = skipSpace(text, brace + 1);
  if (text[brace] !== "{" || text[quote] !== '"') return "";
  return text.slice(quote + 1, closingQuote(text, quote));
}

/** Whether arrays and objects nest deeper than this, in JSON. */
export function nestsDeeperThan(text: string, limit: number): boolean {
  // Each level takes a character at either end.
  if (text.length <= 2 * limit) return false;
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = closingQuote(text, at);
    else if ((depth += nesting(code)) > limit) return true;
  }
  return false;
}

/** Without the white space of JSON at either end; `trim` takes away more than that. */
export function trimJson(text: string): string {
  let end = text.length;
  while (isSpace(text.charCodeAt(end - 1))) end--;
  return text.slice(skipSpace(text, 0), end);
}

/** The quote that ends the string which begins at `at`, or the end of the text. */
function closingQuote(text: string, at: number): number {
  for (let quote = text.indexOf('"', at + 1); quote >= 0; quote = text.indexOf('"', quote + 1)) {
    let first = quote;
    while (text.charCodeAt(first - 1) === BACKSLASH) first--;
    if ((quote - first) % 2 === 0) return quote;
  }
  return text.length;
}

/** What a character does to the depth: `[` and `{` add one, `]` and `}` take one away. */
function nesting(code: number): number {
  // The brackets differ from the braces in bit 5 alone, and the closing ones are two after those that open.
  const bracket = code & 0xdf;
  return bracket === 0x5b ? 1 : bracket === 0x5d ? -1 : 0;
}

function skipSpace(text: string, at: number): number {
  while (isSpace(text.charCodeAt(at))) at++;
  return at;
}

/** RFC 8259 2: space, tab, line feed, carriage return. */
function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0d;
}
