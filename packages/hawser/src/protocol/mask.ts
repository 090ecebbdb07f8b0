import { ELSEWHERE, ELSEWHERE_BYTES, INPUT_BYTES, loadSimd, RESULT_BYTES, type Simd } from "./simd.js";
import { viewToRead, viewToWrite } from "./word-view.js";

/**
 * Masking (RFC 6455 5.3): byte i of the payload is XORed with byte i mod 4 of the key. Masking and unmasking are the same.
 * A key is held as one 32-bit integer, its first byte lowest.
 */

/** From here on passing through the memory of WebAssembly pays (npm run bench:micro). */
const SIMD_PAYS_FROM = 512;
/** So much at a time stays in the processor's nearest cache. */
const SLICE_BYTES = 16 * 1024;

/**
 * The memory of a thread for masking, 192 KiB: this file owns it. It is made when it is first of use, and there for as long as the thread
 * is: one for all connections of all servers in it, for these are read one after another, and nobody keeps anything in it.
 *
 * - `input` is lent to sockets to read into, by `readBuffer`. What one of them has read is there until it has handed it on (`onData` of its
 *   owner has returned); then the next one reads over it, of the same server or another.
 * - `results` and `elsewhere` are written here alone. `maskTo` has copied its result out when it returns; the frames that `unmaskFrames`
 *   returns are there until the next call of either.
 */
let loaded: Simd | null | undefined;

function simd(): Simd | null {
  return loaded === undefined ? (loaded = loadSimd()) : loaded;
}

/**
 * The one buffer for all sockets of this thread to read into: a long payload in it is unmasked without being copied first. What has been
 * read is to be used, or copied, before the next socket is read.
 */
export function readBuffer(): Buffer {
  return simd()?.input ?? Buffer.allocUnsafeSlow(INPUT_BYTES);
}

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
  return end - start < SIMD_PAYS_FROM
    ? maskShort(source, start, end, rotated, target, at)
    : maskLong(source, start, end, rotated, target, at);
}

/** Whole messages, as `unmaskFrames` gives them. */
export interface UnmaskedFrames {
  /** Each with the header it has when a server sends it. They lie where the next call will put others. */
  readonly frames: Uint8Array;
  /** No byte of them but those of the headers is 0x80 or more. */
  readonly isAscii: boolean;
  /** Where they ended in what was read. */
  readonly end: number;
}

/**
 * Unmasks messages of one frame each that lie one behind the other at the beginning of `chunk[start, end)`, many times as fast as one by
 * one.
 * @param chunk of another buffer than `readBuffer` gives, 16 KiB are looked at
 * @param longest of the messages that are taken, in bytes
 * @returns null when there is none, or nothing to do it with
 */
export function unmaskFrames(chunk: Buffer, start: number, end: number, longest: number): UnmaskedFrames | null {
  const by = simd();
  if (by === null) return null;
  let from = start;
  let to = end;
  if (chunk !== by.input) {
    const length = Math.min(end - start, ELSEWHERE_BYTES);
    by.elsewhere.set(chunk.subarray(start, start + length));
    from = ELSEWHERE;
    to = ELSEWHERE + length;
  }
  const next = by.unmaskFrames(from, to, Math.min(longest, RESULT_BYTES));
  if (next === from) return null;
  const [framesEnd, seen] = by.said as unknown as [number, number];
  return { frames: by.results.subarray(0, framesEnd - INPUT_BYTES), isAscii: seen === 0, end: start + next - from };
}

/** The key as it applies so many bytes later. */
function rotate(key: number, bytes: number): number {
  return (key >>> (bytes * 8)) | (key << (32 - bytes * 8));
}

function maskLong(source: Buffer, start: number, end: number, key: number, target: Buffer, at: number): number {
  const by = simd();
  if (by === null) return maskShort(source, start, end, key, target, at);
  const { input, results } = by;
  const isThere = source.buffer === input.buffer;
  let seen = 0;
  for (let from = start, to = at; from < end; from += SLICE_BYTES, to += SLICE_BYTES) {
    const length = Math.min(SLICE_BYTES, end - from);
    if (!isThere) results.set(source.subarray(from, from + length));
    seen |= by.mask(isThere ? source.byteOffset + from : results.byteOffset, results.byteOffset, length, key);
    target.set(results.subarray(0, length), to);
  }
  return seen === 0 ? 0 : 0x80;
}

function maskShort(source: Buffer, start: number, end: number, key: number, target: Buffer, at: number): number {
  const words = viewToRead(source);
  const targetWords = viewToWrite(target);
  let seen = 0;
  let from = start;
  let to = at;
  for (const last = end - 15; from < last; from += 16, to += 16) {
    const w0 = words.getInt32(from, true) ^ key;
    const w1 = words.getInt32(from + 4, true) ^ key;
    const w2 = words.getInt32(from + 8, true) ^ key;
    const w3 = words.getInt32(from + 12, true) ^ key;
    targetWords.setInt32(to, w0, true);
    targetWords.setInt32(to + 4, w1, true);
    targetWords.setInt32(to + 8, w2, true);
    targetWords.setInt32(to + 12, w3, true);
    seen |= w0 | w1 | w2 | w3;
  }
  for (const last = end - 3; from < last; from += 4, to += 4) {
    const word = words.getInt32(from, true) ^ key;
    targetWords.setInt32(to, word, true);
    seen |= word;
  }
  // Up to three bytes are left.
  for (let shift = 0; from < end; from++, to++, shift += 8) {
    const byte = words.getUint8(from) ^ ((key >>> shift) & 0xff);
    targetWords.setUint8(to, byte);
    seen |= byte;
  }
  // The high bit of each byte: none is set in ASCII.
  return (seen & 0x80808080) === 0 ? 0 : 0x80;
}
