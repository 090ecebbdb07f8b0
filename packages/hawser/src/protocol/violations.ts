import { CloseCode } from "./close-codes.js";

export type ViolationName =
  | "reserved-bits"
  | "reserved-opcode"
  | "unmasked-frame"
  | "masked-frame"
  | "fragmented-control"
  | "control-too-long"
  | "non-minimal-length"
  | "invalid-length"
  | "unexpected-continuation"
  | "expected-continuation"
  | "invalid-close-payload"
  | "invalid-close-code"
  | "invalid-utf8"
  | "invalid-compressed-data"
  | "message-too-big"
  | "too-many-empty-fragments";

/**
 * What a peer can do wrong after the handshake: the close code that answers it, and the reason that the close frame gives.
 * RFC 6455 unless said otherwise. Names are never reused for something else.
 */
export const violations: Readonly<Record<ViolationName, readonly [code: number, reason: string]>> = {
  "reserved-bits": [CloseCode.protocolError, "a reserved bit is set without an extension that defines it (5.2)"],
  "reserved-opcode": [CloseCode.protocolError, "the opcode is reserved (5.2)"],
  "unmasked-frame": [CloseCode.protocolError, "a client has to mask its frames (5.1)"],
  "masked-frame": [CloseCode.protocolError, "a server must not mask its frames (5.1)"],
  "fragmented-control": [CloseCode.protocolError, "a control frame must not be fragmented (5.5)"],
  "control-too-long": [CloseCode.protocolError, "a control frame holds at most 125 bytes (5.5)"],
  "non-minimal-length": [CloseCode.protocolError, "the length has to take as few bytes as it can (5.2)"],
  "invalid-length": [CloseCode.protocolError, "the most significant bit of a 64-bit length has to be 0 (5.2)"],
  "unexpected-continuation": [CloseCode.protocolError, "a continuation frame has nothing to continue (5.4)"],
  "expected-continuation": [CloseCode.protocolError, "a message began inside another one (5.4)"],
  "invalid-close-payload": [CloseCode.protocolError, "a close frame's body begins with a two-byte code (5.5.1)"],
  "invalid-close-code": [CloseCode.protocolError, "the close code must not be sent (7.4)"],
  "invalid-utf8": [CloseCode.invalidData, "text has to be UTF-8 (8.1)"],
  "invalid-compressed-data": [CloseCode.invalidData, "the compressed data is broken (RFC 7692 7.2.2)"],
  "message-too-big": [CloseCode.messageTooBig, "the message is too big"],
  "too-many-empty-fragments": [CloseCode.policyViolation, "too many empty fragments"],
};

export interface Violation {
  readonly name: ViolationName;
  readonly code: number;
  readonly reason: string;
  /** What is wrong, where the name alone does not say: the first two bytes of the frame's header, or a close code. */
  readonly value?: number | undefined;
}

/** @param value see `Violation` */
export function violation(name: ViolationName, value?: number): Violation {
  const [code, reason] = violations[name];
  return { name, code, reason, value };
}
