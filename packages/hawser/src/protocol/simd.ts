import { wasm } from "./simd-code.js";

/** Node's types leave it out. */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object) => { readonly exports: unknown };
};

/** Masking, 16 bytes at a time, in a memory of its own: simd.wat. Places are offsets in that memory. */
export interface Simd {
  /** For sockets to read into: what lies there is unmasked without being copied first. */
  readonly input: Buffer;
  /** Where results go. */
  readonly results: Uint8Array;
  /** Where to put what was read elsewhere: `input` may be in use. Its first byte is at ELSEWHERE. */
  readonly elsewhere: Uint8Array;
  /**
   * (Un)masks `length` bytes at `from`, to `to`; up to 16 bytes behind them may be written, too.
   * @returns 0 when the results are ASCII, else another number
   */
  readonly mask: (from: number, to: number, length: number, key: number) => number;
  /**
   * Unmasks whole messages of one frame each, from `from` on, and leaves the same frames without their keys in the results, until it
   * comes to a frame of another kind, one that is not all there by `end` or longer than `longest`, or has no room left.
   * @returns where it stopped
   */
  readonly unmaskFrames: (from: number, end: number, longest: number) => number;
  /** What `unmaskFrames` says besides: where its results end; 0 when all of them is ASCII. */
  readonly said: Int32Array;
}

/** A message of 64 KiB comes in one read. */
export const INPUT_BYTES: number = 128 * 1024;
/** Whoever keeps one of the messages that are unmasked together keeps so much in memory, at most. */
export const RESULT_BYTES: number = 32 * 1024;
export const ELSEWHERE: number = 0x2a000;
/** As much as comes from TLS at a time (RFC 8446 5.1). */
export const ELSEWHERE_BYTES: number = 16 * 1024;
const SAID = 0x2fff8;

/** @returns null where there is no WebAssembly, or none with 128-bit words */
export function loadSimd(): Simd | null {
  try {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(wasm, "base64")));
    const { memory, mask, unmaskFrames } = exports as Pick<Simd, "mask" | "unmaskFrames"> & {
      memory: { buffer: ArrayBuffer };
    };
    const { buffer } = memory;
    return {
      input: Buffer.from(buffer, 0, INPUT_BYTES),
      results: new Uint8Array(buffer, INPUT_BYTES, RESULT_BYTES),
      elsewhere: new Uint8Array(buffer, ELSEWHERE, ELSEWHERE_BYTES),
      mask,
      unmaskFrames,
      said: new Int32Array(buffer, SAID, 2),
    };
  } catch {
    return null;
  }
}
