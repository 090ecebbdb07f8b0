import { constants, deflateRawSync } from "node:zlib";

/** RFC 7692 7.2.1: a raw deflate stream without the four bytes that a flush ends with. */
export function deflated(content: string | Buffer): Buffer {
  const chunk = deflateRawSync(content, { finishFlush: constants.Z_SYNC_FLUSH, level: 9 });
  return chunk.subarray(0, chunk.length - 4);
}
