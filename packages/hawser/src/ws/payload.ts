import { types } from "node:util";

/** What `send` takes; a number becomes its digits. */
export type BufferLike =
  | string
  | Buffer
  | DataView
  | number
  | ArrayBufferView
  | Uint8Array
  | ArrayBuffer
  | SharedArrayBuffer
  | Blob
  // oxlint-disable-next-line typescript/no-explicit-any -- as the types of `ws` have it
  | readonly any[]
  | readonly number[]
  | { valueOf(): ArrayBuffer }
  | { valueOf(): SharedArrayBuffer }
  | { valueOf(): Uint8Array }
  | { valueOf(): readonly number[] }
  | { valueOf(): string }
  | { [Symbol.toPrimitive](hint: string): string };

export const NOTHING: Buffer = Buffer.alloc(0);

/** As bytes, without a copy where there are bytes already. @throws TypeError for what `Buffer.from` does not take */
export function toBuffer(data: unknown): Buffer {
  if (Buffer.isBuffer(data)) return data;
  if (data === null || data === undefined || data === "" || data === false) return NOTHING;
  if (typeof data === "number") return Buffer.from(String(data));
  if (types.isAnyArrayBuffer(data)) return Buffer.from(data);
  if (ArrayBuffer.isView(data)) return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return Buffer.from(data as string);
}

export function isBlob(data: unknown): data is Blob {
  return typeof data === "object" && data !== null && data instanceof Blob;
}
