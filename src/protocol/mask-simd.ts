/** Node's types leave it out. */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object) => { readonly exports: unknown };
};

/** Masks 16 bytes at a time, from one place of a memory of its own to another. */
export interface SimdMask {
  /** Where the results are, from its beginning on. */
  readonly memory: Uint8Array;
  /** Another part of that memory, for sockets to read into: what lies there can be masked without being copied first. */
  readonly input: Buffer;
  /** (Un)masks `length` bytes from `start` on, a multiple of 16, to the beginning. @returns 0 when all are ASCII then, else another number */
  readonly mask: (start: number, length: number, key: number) => number;
}

/** A message of 64 KiB comes in one read. */
export const INPUT_BYTES: number = 128 * 1024;
const PAGE_BYTES = 64 * 1024;

/** @returns null where there is no WebAssembly, or none with 128-bit words */
export function loadSimdMask(): SimdMask | null {
  try {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(wasm));
    const { memory, mask } = exports as { memory: { buffer: ArrayBuffer }; mask: SimdMask["mask"] };
    return { memory: new Uint8Array(memory.buffer), input: Buffer.from(memory.buffer, PAGE_BYTES, INPUT_BYTES), mask };
  } catch {
    return null;
  }
}

/**
 * The module, by hand. In its text form:
 *
 *     (func (export "mask") (param $start i32) (param $length i32) (param $key i32) (result i32)
 *       (local $at i32) (local $keys v128) (local $word v128) (local $seen v128)
 *       (local.set $keys (i32x4.splat (local.get $key)))
 *       (loop
 *         (v128.store (local.get $at)
 *           (local.tee $word (v128.xor (v128.load (i32.add (local.get $start) (local.get $at))) (local.get $keys))))
 *         (local.set $seen (v128.or (local.get $seen) (local.get $word)))
 *         (br_if 0 (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 16))) (local.get $length))))
 *       (i8x16.bitmask (local.get $seen)))
 */
const wasm = Uint8Array.from(
  [
    [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00], // "\0asm", version 1
    section(1, [1, 0x60, 3, 0x7f, 0x7f, 0x7f, 1, 0x7f]), // types: (i32, i32, i32) -> i32
    section(3, [1, 0]), // functions: one of type 0
    section(5, [1, 0, 1 + INPUT_BYTES / PAGE_BYTES]), // memories: one of so many pages
    section(7, [2, ...exported("mask", 0, 0), ...exported("memory", 2, 0)]),
    section(10, [1, ...sized([...locals(), ...body(), 0x0b])]),
  ].flat(),
);

function locals(): number[] {
  return [2, 1, 0x7f, 3, 0x7b]; // $at: i32; $keys, $word, $seen: v128
}

function body(): number[] {
  const start = 0;
  const length = 1;
  const key = 2;
  const at = 3;
  const keys = 4;
  const word = 5;
  const seen = 6;
  const get = (local: number): number[] => [0x20, local];
  const set = (local: number): number[] => [0x21, local];
  const tee = (local: number): number[] => [0x22, local];
  const splat = [0xfd, 0x11];
  const load = [0xfd, 0x00, 0, 0]; // aligned to 2 ** 0 bytes, at offset 0
  const store = [0xfd, 0x0b, 4, 0];
  const add = [0x6a];
  const or = [0xfd, 0x50];
  const xor = [0xfd, 0x51];
  const bitmask = [0xfd, 0x64];
  return [
    [get(key), splat, set(keys)],
    [[0x03, 0x40]], // loop
    [get(at), get(start), get(at), add, load, get(keys), xor, tee(word), store],
    [get(seen), get(word), or, set(seen)],
    [get(at), [0x41, 16], add, tee(at), get(length), [0x49, 0x0d, 0]], // i32.const, i32.lt_u, br_if 0
    [[0x0b]], // end
    [get(seen), bitmask],
  ].flat(2);
}

/** Sections and strings of less than 128 bytes, so that each length is one byte. */
function sized(content: number[]): number[] {
  return [content.length, ...content];
}

function section(id: number, content: number[]): number[] {
  return [id, ...sized(content)];
}

function exported(name: string, kind: number, index: number): number[] {
  return [...sized([...Buffer.from(name)]), kind, index];
}
