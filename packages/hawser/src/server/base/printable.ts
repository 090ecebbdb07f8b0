/**
 * Text of strangers, for a log or a terminal: what could write control sequences, begin a second line, or show the rest in another
 * order than it has (bidi) is written as `\u009b`. So are characters that nobody sees, but for those that join emoji and letters.
 */
const UNSAFE = /[\p{Cc}\p{Cs}\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/gu;
/** Nearly all text that is logged: asked first, for it costs a fraction. */
const PRINTABLE_ASCII = /^[ -~]*$/;

export function printable(text: string): string {
  return PRINTABLE_ASCII.test(text) ? text : text.replace(UNSAFE, escaped);
}

/** The same for text that has lines of its own: a stack, a report. */
export function printableLines(text: string): string {
  return text.replace(UNSAFE, (character) =>
    character === "\n" || character === "\t" ? character : escaped(character),
  );
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
