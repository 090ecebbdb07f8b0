import { BINARY, CLOSE, CONTINUATION, MAX_CONTROL_PAYLOAD, PONG, TEXT } from "./opcodes.js";
import type { ViolationName } from "./violations.js";

// The header of a frame (RFC 6455 5.2), piece by piece as it comes in: two bytes, the rest of the length, the masking key.

/** The longest there is. */
export const MAX_HEADER = 14;

export const MASKING_KEY = 4;

const SHORTEST_IN_2_BYTES = 126;
const SHORTEST_IN_8_BYTES = 65_536;

/**
 * The rule that a header breaks by its first two bytes; null: none.
 * @param expectsMask 5.1: a client masks its frames, and a server does not
 * @param isDeflateAgreed RFC 7692 6: RSV1 marks a compressed message, on its first frame alone
 * @param isInMessage a message has begun, of which the final frame is still to come
 */
export function headerFault(
  first: number,
  second: number,
  expectsMask: boolean,
  isDeflateAgreed: boolean,
  isInMessage: boolean,
): ViolationName | null {
  const opcode = first & 0x0f;
  if ((first & 0x70) !== 0) {
    const isMarked = (first & 0x30) === 0 && (opcode === TEXT || opcode === BINARY);
    if (!isMarked || !isDeflateAgreed) return "reserved-bits";
  }
  if (opcode > BINARY && (opcode < CLOSE || opcode > PONG)) return "reserved-opcode";
  if (second >= 0x80 !== expectsMask) return expectsMask ? "unmasked-frame" : "masked-frame";
  if (opcode >= CLOSE) {
    if (first < 0x80) return "fragmented-control";
    return (second & 0x7f) > MAX_CONTROL_PAYLOAD ? "control-too-long" : null;
  }
  // 5.4: the fragments of one message must not be interleaved with those of another.
  if (opcode === CONTINUATION) return isInMessage ? null : "unexpected-continuation";
  return isInMessage ? "expected-continuation" : null;
}

/** How many bytes of the length follow the second byte. */
export function lengthBytes(second: number): number {
  const length = second & 0x7f;
  return length < 126 ? 0 : length === 126 ? 2 : 8;
}

/** How long the payload is of the frame at `at`. All bytes of its length have to be there. */
export function payloadLength(bytes: Buffer, at: number): number {
  const length = bytes[at + 1]! & 0x7f;
  if (length < 126) return length;
  if (length === 126) return (bytes[at + 2]! << 8) | bytes[at + 3]!;
  return bytes.readUInt32BE(at + 2) * 0x100000000 + bytes.readUInt32BE(at + 6);
}

/** The rule that a length breaks by the way it is written; null: none. */
export function lengthFault(bytes: Buffer, at: number, length: number): ViolationName | null {
  switch (bytes[at + 1]! & 0x7f) {
    case 126:
      return length < SHORTEST_IN_2_BYTES ? "non-minimal-length" : null;
    case 127:
      // "The most significant bit MUST be 0."
      if (bytes[at + 2]! >= 0x80) return "invalid-length";
      return length < SHORTEST_IN_8_BYTES ? "non-minimal-length" : null;
    default:
      return null;
  }
}

/** The masking key at `at`, its first byte lowest. */
export function maskingKey(bytes: Buffer, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}
