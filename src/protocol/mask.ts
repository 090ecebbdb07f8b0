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
  return maskTo(bytes, start, end, key, phase, bytes, start);
}

/**
 * Writes `source[start, end)`, (un)masked, to `target` from `at` on; with a key of 0 it is a copy. The two may be the same place, but
 * not overlap in another way.
 * @returns as `mask`
 */
export function maskTo(
  source: Buffer,
  start: number,
  end: number,
  key: number,
  phase: number,
  target: Buffer,
  at: number,
): number {
  const first = phase & 3;
  const rotated = first === 0 ? key : rotate(key, first);
  if (end - start < ALIGNED_PAYS_FROM || !LITTLE_ENDIAN)
    return maskAtAnyOffset(viewOf(source), start, end, rotated, viewOf(target), at);
  // Copying is much faster than masking, and the target's words can then be aligned.
  if (source !== target || start !== at) source.copy(target, at, start, end);
  if (key !== 0) maskAligned(target, at, at + end - start, rotated);
  // Not kept track of: for a long message a second pass by the runtime's own UTF-8 check costs little.
  return 0x80;
}

/** The key as it applies so many bytes later. */
function rotate(key: number, bytes: number): number {
  return (key >>> (bytes * 8)) | (key << (32 - bytes * 8));
}

function maskAtAnyOffset(
  source: DataView,
  start: number,
  end: number,
  key: number,
  target: DataView,
  at: number,
): number {
  let seen = 0;
  let from = start;
  let to = at;
  for (const last = end - 15; from < last; from += 16, to += 16) {
    const w0 = source.getInt32(from, true) ^ key;
    const w1 = source.getInt32(from + 4, true) ^ key;
    const w2 = source.getInt32(from + 8, true) ^ key;
    const w3 = source.getInt32(from + 12, true) ^ key;
    target.setInt32(to, w0, true);
    target.setInt32(to + 4, w1, true);
    target.setInt32(to + 8, w2, true);
    target.setInt32(to + 12, w3, true);
    seen |= w0 | w1 | w2 | w3;
  }
  for (const last = end - 3; from < last; from += 4, to += 4) {
    const word = source.getInt32(from, true) ^ key;
    target.setInt32(to, word, true);
    seen |= word;
  }
  // Up to three bytes are left.
  for (let shift = 0; from < end; from++, to++, shift += 8) {
    const byte = source.getUint8(from) ^ ((key >>> shift) & 0xff);
    target.setUint8(to, byte);
    seen |= byte;
  }
  // The high bit of each byte: none is set in ASCII.
  return (seen & 0x80808080) === 0 ? 0 : 0x80;
}

function maskAligned(bytes: Buffer, start: number, end: number, key: number): void {
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
}

/** Up to three bytes, at the ends of the words. */
function maskBytes(bytes: Buffer, start: number, end: number, key: number): void {
  for (let at = start, shift = 0; at < end; at++, shift += 8) bytes[at]! ^= (key >>> shift) & 0xff;
}
