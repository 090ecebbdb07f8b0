import { isUtf8 } from "node:buffer";
import { MAX_CONTROL_PAYLOAD } from "./opcodes.js";

/** RFC 6455 7.4.1 and the IANA registry, by name. */
export const CloseCode = {
  normal: 1000,
  goingAway: 1001,
  protocolError: 1002,
  unsupportedData: 1003,
  /** Never on the wire: the peer's close frame had no code. */
  noStatus: 1005,
  /** Never on the wire: the connection ended without a close frame. */
  abnormal: 1006,
  invalidData: 1007,
  policyViolation: 1008,
  messageTooBig: 1009,
  mandatoryExtension: 1010,
  internalError: 1011,
  serviceRestart: 1012,
  tryAgainLater: 1013,
  badGateway: 1014,
} as const;

/**
 * Whether a close frame may carry this code.
 * RFC 6455 7.4.1: 1004, 1005, 1006 and 1015 must not be set; 7.4.2: below 1000 is not used, 1000-2999 is for the protocol
 * (only the codes registered so far are known to us), 3000-3999 for libraries, 4000-4999 for private use.
 */
export function isValidCloseCode(code: number): boolean {
  if (code >= 3000) return code <= 4999;
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014);
}

/** What a close frame said. */
export interface CloseBody {
  /** 1005 when the frame had no body. */
  readonly code: number;
  readonly reason: string;
}

/** Reads the body of a close frame (RFC 6455 5.5.1), or names what is wrong with it. */
export function readCloseBody(
  payload: Uint8Array,
): CloseBody | "invalid-close-payload" | "invalid-close-code" | "invalid-utf8" {
  if (payload.length === 0) return { code: CloseCode.noStatus, reason: "" };
  // RFC 6455 5.5.1: if there is a body, its first two bytes are the code.
  if (payload.length === 1) return "invalid-close-payload";
  const code = (payload[0]! << 8) | payload[1]!;
  if (!isValidCloseCode(code)) return "invalid-close-code";
  const reason = payload.subarray(2);
  if (!isUtf8(reason)) return "invalid-utf8";
  return { code, reason: Buffer.from(reason.buffer, reason.byteOffset, reason.length).toString("utf8") };
}

/** The body of a close frame. A reason past 123 bytes is cut at a character, since a control frame holds no more. */
export function closeBody(code: number, reason: string): Buffer {
  if (code === CloseCode.noStatus) return Buffer.alloc(0);
  const text = Buffer.from(reason, "utf8");
  const length = wholeCharacters(text, MAX_CONTROL_PAYLOAD - 2);
  const body = Buffer.allocUnsafe(2 + length);
  body.writeUInt16BE(code, 0);
  text.copy(body, 2, 0, length);
  return body;
}

/** The most bytes, up to `limit`, that do not cut a UTF-8 character in two. */
function wholeCharacters(text: Buffer, limit: number): number {
  if (text.length <= limit) return text.length;
  let end = limit;
  while (end > 0 && (text[end]! & 0xc0) === 0x80) end--;
  return end;
}
