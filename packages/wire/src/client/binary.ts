import { BinaryKind, readBinary, writeBinary } from "../binary.js";
import type { OkMessage, PubMessage } from "./message.js";

/** Publishes bytes. @throws RangeError for names that are too long */
export function writeBinaryPub(topic: string, payload: Uint8Array, id = 0, key?: string): Uint8Array {
  return writeBinary({ kind: BinaryKind.pub, number: id, name: topic, second: key, payload });
}

/** Calls with bytes. @throws RangeError for a name that is too long */
export function writeBinaryCall(name: string, id: number, payload: Uint8Array): Uint8Array {
  return writeBinary({ kind: BinaryKind.call, number: id, name, second: undefined, payload });
}

/** Reads a binary frame of a server's: the payload is a view of it. @returns undefined for what is to be ignored. Never throws */
export function readBinaryMessage(frame: Uint8Array): PubMessage | OkMessage | undefined {
  const read = readBinary(frame);
  if (read === undefined) return undefined;
  const { kind, number, name, second, payload: d } = read;
  if (kind === BinaryKind.ok) return { verb: "ok", ok: number, d };
  if (kind !== BinaryKind.pub) return undefined;
  return { verb: "pub", pub: name, ...(number > 0 && { o: number }), ...(second !== undefined && { by: second }), d };
}
