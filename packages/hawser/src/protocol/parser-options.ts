import type { PayloadMemory } from "./payload-memory.js";

export interface ParserOptions {
  /** A server takes masked frames only, a client unmasked ones only (RFC 6455 5.1). */
  readonly role: "server" | "client";
  /** Largest message in bytes, counted after decompression too. */
  readonly maxMessageBytes: number;
  /** Set when permessage-deflate was negotiated (RFC 7692). */
  readonly inflater: MessageInflater | null;
  /** Where payloads are put, for any number of parsers. @default memory of its own */
  readonly memory?: PayloadMemory | undefined;
}

export interface MessageInflater {
  inflate(payload: Uint8Array, maxBytes: number): Buffer | "too-big" | "invalid";
}
