import { isUtf8 } from "node:buffer";

/**
 * Checks text that arrives in parts, so that a broken message fails at its first bad byte (RFC 6455 8.1).
 * `bytes[from, to)` is what has come and is not known to be good yet; `from` is at the start of a character.
 * @returns how far the text is good and whole: `to`, or the start of a character whose end has not come yet; -1 when no
 * continuation could make it UTF-8.
 */
export function checkUtf8(bytes: Buffer, from: number, to: number): number {
  const whole = wholeUpTo(bytes, from, to);
  if (!isUtf8(bytes.subarray(from, whole))) return -1;
  return whole === to || mayBegin(bytes, whole, to) ? whole : -1;
}

/** The start of the character that `to` cuts, or `to` when it cuts none. */
function wholeUpTo(bytes: Buffer, from: number, to: number): number {
  for (let at = to - 1; at >= from && at > to - 4; at--) {
    const byte = bytes[at]!;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte < 0xc0 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
    return at + length > to ? at : to;
  }
  return to;
}

/** Whether `bytes[from, to)`, one to three bytes, begins some character (the Unicode Standard, table 3-7). */
function mayBegin(bytes: Buffer, from: number, to: number): boolean {
  const lead = bytes[from]!;
  if (lead < 0xc2 || lead > 0xf4) return false;
  if (to - from === 1) return true;
  const second = bytes[from + 1]!;
  // What follows is known to be 80..BF; four leads narrow it: no overlong forms, no surrogates, nothing past U+10FFFF.
  if (lead === 0xe0) return second >= 0xa0;
  if (lead === 0xed) return second <= 0x9f;
  if (lead === 0xf0) return second >= 0x90;
  if (lead === 0xf4) return second <= 0x8f;
  return true;
}
