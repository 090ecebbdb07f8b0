import type { ZlibOptions } from "node:zlib";
import type { DeflateOptions } from "../protocol/deflate-negotiation.js";

/** The extension's parameters, as `ws` has them. */
export interface PerMessageDeflateOptions {
  /** Each message to be compressed by itself, by the server. @default true, so that it keeps no window for each client */
  serverNoContextTakeover?: boolean | undefined;
  /** The same, by the client. */
  clientNoContextTakeover?: boolean | undefined;
  /** log2 of the largest window that the server compresses with, 8 to 15; true and false are as good as 15. @default 15 */
  serverMaxWindowBits?: number | boolean | undefined;
  /** The same, by the client, which offers the choice unless this is false. @default 15 */
  clientMaxWindowBits?: number | boolean | undefined;
  /** Of these `level` and `memLevel` count. */
  zlibDeflateOptions?: ZlibOptions | undefined;
  /** Without effect. */
  zlibInflateOptions?: ZlibOptions | undefined;
  /** Shorter messages are not compressed, in bytes. @default 1024 */
  threshold?: number | undefined;
  /** Without effect: messages are compressed one at a time. */
  concurrencyLimit?: number | undefined;
}

/** log2 of the window that an option stands for. */
export function windowBits(given: number | boolean | undefined): number {
  return typeof given === "number" && given !== 0 ? given : 15;
}

/** The same as the protocol's own. */
export function toDeflateOptions(given: PerMessageDeflateOptions): DeflateOptions {
  const { level, memLevel } = given.zlibDeflateOptions ?? {};
  return {
    contextTakeover: given.serverNoContextTakeover === false || given.clientNoContextTakeover === false,
    serverMaxWindowBits: windowBits(given.serverMaxWindowBits),
    clientMaxWindowBits: windowBits(given.clientMaxWindowBits),
    level: level === undefined || level < 1 ? 3 : level,
    memLevel: memLevel ?? 8,
    thresholdBytes: given.threshold ?? 1024,
  };
}
