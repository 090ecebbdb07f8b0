import { type Message, readBinaryMessage, writeBinaryCall, writeBinaryPub } from "@hawser/wire/client";

/** Payloads of bytes. */
export interface Bytes {
  readonly isBytes: (data: unknown) => data is Uint8Array;
  readonly writePub: (topic: string, data: Uint8Array, id: number, key: string) => Uint8Array;
  readonly writeCall: (name: string, id: number, data: Uint8Array) => Uint8Array;
  readonly read: (frame: ArrayBuffer) => Message | undefined;
}

export const bytes: Bytes = {
  isBytes: (data) => data instanceof Uint8Array,
  writePub: writeBinaryPub,
  writeCall: writeBinaryCall,
  read: (frame) => readBinaryMessage(new Uint8Array(frame)),
};
