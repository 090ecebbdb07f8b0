/** A server's end of `hawser.v1`: it reads requests and writes messages. */
export { type FieldKind, type FieldKindName, fieldKinds } from "./server/field-kinds.js";
export { nestsDeeperThan } from "./server/payload.js";
export { payloadBytes } from "./server/payload-bytes.js";
export { readBinaryRequest, readRequest } from "./server/read-request.js";
export type { Fault, JsonText, Payload, Position, Request, RequestVerb } from "./server/request.js";
export { type Field, requestFields, requestPayload } from "./server/request-fields.js";
export { coversTopic } from "./server/topic-grants.js";
export { type MatchedTopic, topicMatcher } from "./server/topic-matcher.js";
export { writeBinaryOk, writeBinaryPub } from "./server/write-binary.js";
export {
  type Answer,
  type Member,
  PING,
  type Presence,
  pubHead,
  writeBye,
  writeCall,
  writeCancel,
  writeErr,
  writeGap,
  writeHello,
  writeMembers,
  writeOk,
  writePresence,
  writePub,
  writeUnsub,
} from "./server/write-message.js";
