/** A second look at a stream, for the explanations: which of its compressed messages end their deflate stream. */
import { constants, inflateRawSync } from "node:zlib";

import { xorMask } from "../harness/frames.js";

/** Whether a message has a block with BFINAL set, so that its deflate stream is over (RFC 7692 7.2.3.4). */
export function hasFinalBlock(bytes: Buffer): boolean {
  let history = Buffer.alloc(0);
  for (const payload of compressedMessages(bytes)) {
    const dictionary = history.length > 0 ? { dictionary: history } : {};
    const tailed = Buffer.concat([payload, Buffer.from("0000ffff", "hex")]);
    try {
      // After the tail, 0xff is a block of the reserved type 3: an error, unless the stream was over before
      inflateRawSync(Buffer.concat([tailed, Buffer.from([0xff])]), {
        finishFlush: constants.Z_SYNC_FLUSH,
        ...dictionary,
      });
      return true;
    } catch {
      try {
        const output = inflateRawSync(tailed, { finishFlush: constants.Z_SYNC_FLUSH, ...dictionary });
        history = Buffer.concat([history, output]).subarray(-32_768);
      } catch {
        return false;
      }
    }
  }
  return false;
}

function compressedMessages(bytes: Buffer): Buffer[] {
  const messages: Buffer[] = [];
  let parts: Buffer[] | undefined;
  for (let at = 0; at < bytes.length;) {
    const end = at + frameLength(bytes.subarray(at));
    if (end > bytes.length) break;
    const first = bytes[at] as number;
    const payload = payloadOf(bytes.subarray(at, end));
    if ((first & 0x4f) === 0x41 || (first & 0x4f) === 0x42) parts = [payload];
    else if ((first & 0x0f) === 0) parts?.push(payload);
    if (first >= 0x80 && (first & 0x0f) < 8 && parts !== undefined) {
      messages.push(Buffer.concat(parts));
      parts = undefined;
    }
    at = end;
  }
  return messages;
}

function payloadOf(frame: Buffer): Buffer {
  const form = (frame[1] as number) & 0x7f;
  const head = form === 126 ? 4 : form === 127 ? 10 : 2;
  return xorMask(frame.subarray(head + 4), frame.subarray(head, head + 4));
}

/** As its header has it; the bytes may be no frame at all. */
export function frameLength(bytes: Buffer): number {
  const form = (bytes[1] ?? 0) & 0x7f;
  const masked = ((bytes[1] ?? 0) & 0x80) === 0 ? 0 : 4;
  if (form === 126 && bytes.length >= 4) return 4 + masked + bytes.readUInt16BE(2);
  if (form === 127 && bytes.length >= 10) return 10 + masked + Number(bytes.readBigUInt64BE(2));
  return 2 + masked + form;
}
