import { randomFillSync } from "node:crypto";

const UUID_BYTES = 16;
const DIGITS = Buffer.from("0123456789abcdef");
/** Before these bytes there is a dash. */
const DASHES: readonly number[] = [4, 6, 8, 10];

/** Random bytes for the next ones: to ask for them costs more than the bytes. */
const random = Buffer.alloc(128 * UUID_BYTES);
let used = random.length;
const text = Buffer.alloc(36, "-");

/**
 * A UUID of version 4 (RFC 9562 5.4), from a strong source. `crypto.randomUUID` puts its own together from some thirty pieces, which V8
 * keeps for as long as the string is there: a kilobyte for each client, or for each handshake, if the string is copied.
 */
export function freshId(): string {
  if (used === random.length) {
    randomFillSync(random);
    used = 0;
  }
  let to = 0;
  for (let i = 0; i < UUID_BYTES; i++) {
    let byte = random[used + i]!;
    if (i === 6) byte = (byte & 0x0f) | 0x40;
    else if (i === 8) byte = (byte & 0x3f) | 0x80;
    if (DASHES.includes(i)) to++;
    text[to++] = DIGITS[byte >> 4]!;
    text[to++] = DIGITS[byte & 15]!;
  }
  used += UUID_BYTES;
  return text.toString("latin1");
}
