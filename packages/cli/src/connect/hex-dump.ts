/** Bytes for people to read: sixteen a line, with their place and their characters. */

const PER_LINE = 16;
/** A screenful: a longer message is shown by its beginning. */
const MOST_LINES = 16;

export function hexDump(bytes: Buffer): string[] {
  const lines: string[] = [];
  for (let at = 0; at < Math.min(bytes.length, PER_LINE * MOST_LINES); at += PER_LINE) {
    const part = bytes.subarray(at, at + PER_LINE);
    const hex = [...part].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const text = [...part].map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ".")).join("");
    lines.push(`${at.toString(16).padStart(8, "0")}  ${hex.padEnd(PER_LINE * 3 - 1)}  |${text}|`);
  }
  const left = bytes.length - PER_LINE * MOST_LINES;
  return left > 0 ? [...lines, `and ${left} bytes more`] : lines;
}

/** `48 65 6c`, `48656c`, `0x48656c`; null: it is none of these. */
export function fromHex(text: string): Buffer | null {
  const digits = text.replace(/^0x/i, "").replace(/\s+/g, "");
  return /^([0-9a-f]{2})*$/i.test(digits) ? Buffer.from(digits, "hex") : null;
}
