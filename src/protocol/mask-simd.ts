/** Node's types leave it out. */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object) => { readonly exports: unknown };
};

/** Masks what lies at the beginning of a memory of its own, through which long payloads pass: 16 bytes at a time. */
export interface SimdMask {
  readonly memory: Uint8Array;
  /** (Un)masks the first `length` bytes, a multiple of 16. @returns 0 when all are ASCII then, else another number */
  readonly mask: (length: number, key: number) => number;
}

/** @returns null where there is no WebAssembly, or none with 128-bit words */
export function loadSimdMask(): SimdMask | null {
  try {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(wasm));
    const { memory, mask } = exports as { memory: { buffer: ArrayBuffer }; mask: SimdMask["mask"] };
    return { memory: new Uint8Array(memory.buffer), mask };
  } catch {
    return null;
  }
}

/**
 * The module, by hand. In its text form:
 *
 *     (func (export "mask") (param $end i32) (param $key i32) (result i32)
 *       (local $at i32) (local $keys v128) (local $word v128) (local $seen v128)
 *       (local.set $keys (i32x4.splat (local.get $key)))
 *       (loop
 *         (v128.store (local.get $at) (local.tee $word (v128.xor (v128.load (local.get $at)) (local.get $keys))))
 *         (local.set $seen (v128.or (local.get $seen) (local.get $word)))
 *         (br_if 0 (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 16))) (local.get $end))))
 *       (i8x16.bitmask (local.get $seen)))
 */
const wasm = Uint8Array.from(
  [
    [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00], // "\0asm", version 1
    section(1, [1, 0x60, 2, 0x7f, 0x7f, 1, 0x7f]), // types: (i32, i32) -> i32
    section(3, [1, 0]), // functions: one of type 0
    section(5, [1, 0, 1]), // memories: one of one page, 64 KiB
    section(7, [2, ...exported("mask", 0, 0), ...exported("memory", 2, 0)]),
    section(10, [1, ...sized([...locals(), ...body(), 0x0b])]),
  ].flat(),
);

function locals(): number[] {
  return [2, 1, 0x7f, 3, 0x7b]; // $at: i32; $keys, $word, $seen: v128
}

function body(): number[] {
  const end = 0;
  const key = 1;
  const at = 2;
  const keys = 3;
  const word = 4;
  const seen = 5;
  const get = (local: number): number[] => [0x20, local];
  const set = (local: number): number[] => [0x21, local];
  const tee = (local: number): number[] => [0x22, local];
  const splat = [0xfd, 0x11];
  const load = [0xfd, 0x00, 4, 0]; // aligned to 2 ** 4 bytes, at offset 0
  const store = [0xfd, 0x0b, 4, 0];
  const or = [0xfd, 0x50];
  const xor = [0xfd, 0x51];
  const bitmask = [0xfd, 0x64];
  return [
    [get(key), splat, set(keys)],
    [[0x03, 0x40]], // loop
    [get(at), get(at), load, get(keys), xor, tee(word), store],
    [get(seen), get(word), or, set(seen)],
    [get(at), [0x41, 16, 0x6a], tee(at), get(end), [0x49, 0x0d, 0]], // i32.const, i32.add, i32.lt_u, br_if 0
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
