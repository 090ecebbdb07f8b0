import type { Payload } from "@hawser/wire/server";
import { UsageError } from "../server/base/usage-error.js";
import { Message } from "../server/sending/message.js";

/** What the application publishes, as it travels. A message of a plain client is what it was: its text becomes a string of JSON. */
export function payloadOf(message: unknown): Payload {
  if (message instanceof Uint8Array) return { binary: true, bytes: message };
  if (message instanceof Message && message.isBinary) return { binary: true, bytes: message.bytes };
  const value = message instanceof Message ? message.text() : message;
  const json = JSON.stringify(value) as string | undefined;
  if (json === undefined) throw new UsageError(`publish takes what JSON knows, or a Uint8Array, got ${typeof value}`);
  return { binary: false, json, value };
}

/** For those who make a copy of their own at once. */
export function lentBytes(payload: string | Uint8Array): Uint8Array {
  return typeof payload === "string" ? Buffer.from(payload) : payload;
}

/** A copy in memory that holds nothing else, for those who keep it. */
export function ownBytes(payload: string | Uint8Array): Uint8Array {
  if (typeof payload !== "string") return new Uint8Array(payload);
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(payload));
  bytes.write(payload);
  return bytes;
}
