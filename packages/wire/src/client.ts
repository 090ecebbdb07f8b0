/** A client's end of `hawser.v1`: it writes requests and reads messages. */
export { readBinaryMessage, writeBinaryCall, writeBinaryPub } from "./client/binary.js";
export type {
  ByeMessage,
  CallMessage,
  CancelMessage,
  ErrMessage,
  GapMessage,
  HelloMessage,
  Member,
  Message,
  OkMessage,
  PresenceMessage,
  PubMessage,
  UnsubMessage,
} from "./client/message.js";
export { readMessage } from "./client/read-message.js";
export {
  PING,
  type SubEntry,
  writeAuth,
  writeBack,
  writeCall,
  writeCancel,
  writeCount,
  writeErr,
  writeHello,
  writeOk,
  writePub,
  writeSub,
  writeSubLast,
  writeUnsub,
  writeWho,
} from "./client/write-request.js";
