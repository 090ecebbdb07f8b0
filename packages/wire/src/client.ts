/** A client's end of `hawser.v1`: it writes requests and reads messages. */
export { readBinaryMessage, writeBinaryCall, writeBinaryPub } from "./client/binary.js";
export type * from "./client/message.js";
export { readMessage } from "./client/read-message.js";
export * from "./client/write-request.js";
