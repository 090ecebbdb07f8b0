/**
 * Masking (RFC 6455 5.3): byte i of the payload is XORed with byte i mod 4 of the key. Masking and unmasking are the same.
 * A key is held as one 32-bit integer, its first byte lowest.
 */

const LITTLE_ENDIAN = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

/** Below this many bytes, going byte by byte is faster than setting up a view of words (measured: bench/micro). */
const WORDS_PAY_FROM = 128;

/**
 * (Un)masks `bytes[start, end)` in place. `phase` is the offset of `start` in the payload, for one that comes in parts.
 * @returns the OR of the resulting bytes; 0x80 where that was not kept track of. Below 0x80 the bytes are ASCII for certain.
 */
export function mask(bytes: Buffer, start: number, end: number, key: number, phase: number): number {
  const first = phase & 3;
  const rotated = first === 0 ? key : (key >>> (first * 8)) | (key << (32 - first * 8));
  return end - start < WORDS_PAY_FROM || !LITTLE_ENDIAN
    ? maskBytes(bytes, start, end, rotated)
    : maskWords(bytes, start, end, rotated);
}

function maskBytes(bytes: Buffer, start: number, end: number, key: number): number {
  const k0 = key & 0xff;
  const k1 = (key >>> 8) & 0xff;
  const k2 = (key >>> 16) & 0xff;
  const k3 = key >>> 24;
  let seen = 0;
  let at = start;
  for (const last = end - 3; at < last; at += 4) {
    const b0 = bytes[at]! ^ k0;
    const b1 = bytes[at + 1]! ^ k1;
    const b2 = bytes[at + 2]! ^ k2;
    const b3 = bytes[at + 3]! ^ k3;
    bytes[at] = b0;
    bytes[at + 1] = b1;
    bytes[at + 2] = b2;
    bytes[at + 3] = b3;
    seen |= b0 | b1 | b2 | b3;
  }
  if (at < end) seen |= bytes[at]! ^= k0;
  if (at + 1 < end) seen |= bytes[at + 1]! ^= k1;
  if (at + 2 < end) seen |= bytes[at + 2]! ^= k2;
  return seen;
}

function maskWords(bytes: Buffer, start: number, end: number, key: number): number {
  // A view of words has to begin at a multiple of four of the underlying memory: bytes up to there, words, bytes at the end.
  const head = -(bytes.byteOffset + start) & 3;
  maskBytes(bytes, start, start + head, key);
  const rotated = head === 0 ? key : (key >>> (head * 8)) | (key << (32 - head * 8));
  const from = start + head;
  const count = (end - from) >> 2;
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + from, count);
  let i = 0;
  for (const last = count - 3; i < last; i += 4) {
    words[i]! ^= rotated;
    words[i + 1]! ^= rotated;
    words[i + 2]! ^= rotated;
    words[i + 3]! ^= rotated;
  }
  for (; i < count; i++) words[i]! ^= rotated;
  maskBytes(bytes, from + count * 4, end, rotated);
  return 0x80;
}
