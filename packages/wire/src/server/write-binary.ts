import { BinaryKind, writeBinary } from "../binary.js";

/** A message of bytes: the same frame for all subscribers. @throws RangeError for names and offsets past the limits */
export function writeBinaryPub(topic: string, payload: Uint8Array, offset = 0, by?: string): Uint8Array {
  return writeBinary({ kind: BinaryKind.pub, number: offset, name: topic, second: by, payload });
}

/** An answer of bytes to a call. */
export function writeBinaryOk(id: number, payload: Uint8Array): Uint8Array {
  return writeBinary({ kind: BinaryKind.ok, number: id, name: "", second: undefined, payload });
}
