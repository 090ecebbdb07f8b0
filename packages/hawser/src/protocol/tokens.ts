/** The smallest pieces of a header: tokens (RFC 7230 3.2.6), and lists of them between commas (RFC 7230 7). */

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const TAB = 0x09;
const SPACE = 0x20;
/** From an upper case letter to the lower one. */
const CASE = 0x20;

/** Whether `text` is a token: one or more of the visible ASCII characters that delimit nothing. */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/**
 * The elements of a comma-separated header, without the white space around them. Knows nothing of quoted strings.
 * RFC 7230 7: empty elements ("a, , b") are to be skipped by who reads a list, though no one may send them.
 */
export function splitList(header: string): string[] {
  return header
    .split(",")
    .map(trimWhitespace)
    .filter((element) => element !== "");
}

/** The tokens of a header that is `1#token`: at least one and nothing else. Null when it is not that. */
export function parseTokenList(header: string): string[] | null {
  const elements = splitList(header);
  return elements.length > 0 && elements.every(isToken) ? elements : null;
}

/**
 * Whether `text` is `word`, which is in lower case, but for the case of letters. Of ASCII alone: to `toLowerCase` the Kelvin sign is a "k".
 */
export function isWord(text: string, word: string): boolean {
  if (text.length !== word.length) return false;
  for (let at = 0; at < word.length; at++) {
    const expected = word.charCodeAt(at);
    const code = text.charCodeAt(at);
    if (code !== expected && !(isLetter(expected) && code === expected - CASE)) return false;
  }
  return true;
}

function isLetter(code: number): boolean {
  return code >= 0x61 && code <= 0x7a;
}

/** Cuts spaces and tabs at both ends, the white space that HTTP knows (RFC 7230 3.2.3); `trim()` would cut more. */
export function trimWhitespace(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isWhitespace(text.charCodeAt(start))) start += 1;
  while (end > start && isWhitespace(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

function isWhitespace(code: number): boolean {
  return code === SPACE || code === TAB;
}
