/**
 * Each message says who sent it and when, so that latency is exact even where answers come out of order, or among other people's:
 * a tilde, the time in microseconds since the run's epoch as nine hexadecimal digits, and the sender as six. Text and binary alike,
 * at the payload's start; where a server writes something before it, it is found there.
 */

export const STAMP_BYTES = 16;

const MARK = 0x7e;
const TIME_DIGITS = 9;
/** How far into a message we look. */
const SEARCHED = 512;
const DIGITS = Buffer.from("0123456789abcdef");
/** Nothing was found. */
export const NO_STAMP = -1;

export function writeStamp(payload: Buffer, micros: number, sender: number): void {
  payload[0] = MARK;
  writeHex(payload, 1, TIME_DIGITS, micros);
  writeHex(payload, 1 + TIME_DIGITS, STAMP_BYTES - 1 - TIME_DIGITS, sender);
}

/** Where the stamp lies in `bytes[start, end)`, or NO_STAMP. */
export function findStamp(bytes: Buffer, start: number, end: number): number {
  if (isStamp(bytes, start, end)) return start;
  const last = Math.min(end, start + SEARCHED);
  for (let at = bytes.indexOf(MARK, start + 1); at >= 0 && at < last; at = bytes.indexOf(MARK, at + 1))
    if (isStamp(bytes, at, end)) return at;
  return NO_STAMP;
}

export function stampMicros(bytes: Buffer, at: number): number {
  return readHex(bytes, at + 1, TIME_DIGITS);
}

export function stampSender(bytes: Buffer, at: number): number {
  return readHex(bytes, at + 1 + TIME_DIGITS, STAMP_BYTES - 1 - TIME_DIGITS);
}

function isStamp(bytes: Buffer, at: number, end: number): boolean {
  if (end - at < STAMP_BYTES || bytes[at] !== MARK) return false;
  for (let digit = at + 1; digit < at + STAMP_BYTES; digit++) if (valueOf(bytes[digit] ?? 0) < 0) return false;
  return true;
}

function writeHex(target: Buffer, at: number, digits: number, value: number): void {
  let rest = value;
  for (let place = at + digits - 1; place >= at; place--) {
    target[place] = DIGITS[rest % 16] ?? 0;
    rest = Math.floor(rest / 16);
  }
}

function readHex(bytes: Buffer, at: number, digits: number): number {
  let value = 0;
  for (let place = at; place < at + digits; place++) value = value * 16 + valueOf(bytes[place] ?? 0);
  return value;
}

/** -1: no digit. */
function valueOf(character: number): number {
  if (character >= 0x30 && character <= 0x39) return character - 0x30;
  return character >= 0x61 && character <= 0x66 ? character - 0x57 : -1;
}
