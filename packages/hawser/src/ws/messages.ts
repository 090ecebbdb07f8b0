/** Messages as `ws` takes and gives them. */
import { isValidCloseCode } from "../protocol/close-codes.js";
import type { RawData } from "./event-target.js";
import { NOTHING, toBuffer } from "./payload.js";
import type { FrameForm, SocketSession, Written } from "./socket-port.js";

export interface SendOptions {
  /** Sent as binary and not as text. @default whether the data is no string */
  binary?: boolean | undefined;
  /** Compressed, where permessage-deflate was agreed on. @default true */
  compress?: boolean | undefined;
  /** The last fragment of its message. @default true */
  fin?: boolean | undefined;
  /** @default whether it is a client's */
  mask?: boolean | undefined;
}

export const BINARY_TYPES = ["nodebuffer", "arraybuffer", "fragments", "blob"] as const;
export type BinaryType = (typeof BINARY_TYPES)[number];

/** Whether it is a whole message, as most are. */
export function isPlain({ compress, fin, mask }: SendOptions, { isClient }: SocketSession): boolean {
  return compress !== false && fin !== false && (mask === undefined || mask === isClient);
}

/** As of `ws`, `binary` that is given as undefined is false. */
export function isToBeBinary(data: unknown, options: SendOptions | null | undefined): boolean {
  return options != null && "binary" in options ? Boolean(options.binary) : typeof data !== "string";
}

export function form({ isClient }: SocketSession, binary: boolean, options: SendOptions | null | undefined): FrameForm {
  const { compress = true, fin = true, mask = isClient } = options ?? {};
  return { binary, compress, fin, mask };
}

export function tellWritten(session: SocketSession, isOnItsWay: boolean, written: Written): void {
  if (isOnItsWay) session.afterWrite(written);
  else process.nextTick(written, new Error("The message was dropped: the other side is too slow"));
}

/** @returns the reason as text */
export function checkClose(code: number | undefined, data: string | Buffer | undefined): string {
  if (code === undefined) return "";
  if (typeof code !== "number" || !isValidCloseCode(code)) {
    throw new TypeError("First argument must be a valid error code number");
  }
  // As of `ws`, what has no length is no reason.
  const reason = data?.length ? toBuffer(data) : NOTHING;
  if (reason.length > 123) throw new RangeError("The message must not be greater than 123 bytes");
  return reason.toString();
}

export function asType(data: Buffer, type: BinaryType): RawData {
  if (type === "fragments") return data.length === 0 ? [] : [data];
  const copy = new Uint8Array(data);
  return type === "blob" ? (new Blob([copy]) as unknown as ArrayBuffer) : copy.buffer;
}
