import { viewOf } from "./word-view.js";

/**
 * Masking (RFC 6455 5.3): byte i of the payload is XORed with byte i mod 4 of the key. Masking and unmasking are the same.
 * A key is held as one 32-bit integer, its first byte lowest.
 */

/** From here on a view of aligned words of its own is faster than the one that takes any offset (bench: npm run bench:engine). */
const ALIGNED_PAYS_FROM = 1024;

const LITTLE_ENDIAN = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

/**
 * (Un)masks `bytes[start, end)` in place. `phase` is the offset of `start` in the payload, for one that comes in parts.
 * @returns 0 when all resulting bytes are ASCII for certain, else 0x80 or more
 */
export function mask(bytes: Buffer, start: number, end: number, key: number, phase: number): number {
  const first = phase & 3;
  const rotated = first === 0 ? key : rotate(key, first);
  return end - start < ALIGNED_PAYS_FROM || !LITTLE_ENDIAN
    ? maskAtAnyOffset(bytes, start, end, rotated)
    : maskAligned(bytes, start, end, rotated);
}

/** The key as it applies so many bytes later. */
function rotate(key: number, bytes: number): number {
  return (key >>> (bytes * 8)) | (key << (32 - bytes * 8));
}

function maskAtAnyOffset(bytes: Buffer, start: number, end: number, key: number): number {
  const words = viewOf(bytes);
  let seen = 0;
  let at = start;
  for (const last = end - 15; at < last; at += 16) {
    const w0 = words.getInt32(at, true) ^ key;
    const w1 = words.getInt32(at + 4, true) ^ key;
    const w2 = words.getInt32(at + 8, true) ^ key;
    const w3 = words.getInt32(at + 12, true) ^ key;
    words.setInt32(at, w0, true);
    words.setInt32(at + 4, w1, true);
    words.setInt32(at + 8, w2, true);
    words.setInt32(at + 12, w3, true);
    seen |= w0 | w1 | w2 | w3;
  }
  for (const last = end - 3; at < last; at += 4) {
    const word = words.getInt32(at, true) ^ key;
    words.setInt32(at, word, true);
    seen |= word;
  }
  // The high bit of each byte: none is set in ASCII.
  return ((seen & 0x80808080) === 0 ? 0 : 0x80) | (maskBytes(bytes, at, end, key) & 0x80);
}

function maskAligned(bytes: Buffer, start: number, end: number, key: number): number {
  // A view of words has to begin at a multiple of four of the underlying memory: bytes up to there, words, bytes at the end.
  const head = -(bytes.byteOffset + start) & 3;
  maskBytes(bytes, start, start + head, key);
  const rotated = head === 0 ? key : rotate(key, head);
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
  // Not kept track of: for a long message a second pass by the runtime's own UTF-8 check costs little.
  return 0x80;
}

/** Up to three bytes, at the ends of the words. */
function maskBytes(bytes: Buffer, start: number, end: number, key: number): number {
  let seen = 0;
  for (let at = start, shift = 0; at < end; at++, shift += 8) seen |= bytes[at]! ^= (key >>> shift) & 0xff;
  return seen;
}
