/// <reference types="node" preserve="true" />
/** RFC 6455 and RFC 7692 as pure code: bytes in, events out; values in, bytes out. No sockets, no timers, no clock. */

export { CloseCode, type CloseBody, closeBody, isValidCloseCode, readCloseBody } from "./close-codes.js";
export { Connection, type ConnectionSink } from "./connection.js";
export { Deflater, type DeflateEffort, type DeflateRole, deflateShared, Inflater } from "./deflate.js";
export { type DeflateOptions, type DeflateParameters, negotiateDeflate } from "./deflate-negotiation.js";
export { encodeClose, encodeFrame, encodePing, encodePong, type FrameOptions } from "./encoder.js";
export { type Extension, formatExtension, parseExtensions } from "./extensions.js";
export {
  acceptValue,
  checkHandshake,
  type HandshakeOptions,
  type HandshakeRequest,
  type HandshakeResult,
} from "./handshake.js";
export { type HandshakeFault, handshakeFaults } from "./handshake-faults.js";
export { mask } from "./mask.js";
export { nextMaskingKey } from "./masking-keys.js";
export { PayloadMemory } from "./payload-memory.js";
export { BINARY, CLOSE, CONTINUATION, type Opcode, PING, PONG, TEXT } from "./opcodes.js";
export type { MessageInflater, ParserOptions } from "./parser-options.js";
export { type ConnectionEvent, type ConnectionState, transitions } from "./states.js";
export { chooseSubprotocol } from "./subprotocol.js";
export { isToken } from "./tokens.js";
export { type Violation, type ViolationName, violations } from "./violations.js";
