import { utf8Length } from "./field-kinds.js";
import type { JsonText } from "./request.js";

/**
 * The payload of a frame as the bytes in which it came: a view of them. From a few kilobytes up this is quicker than to encode it again.
 * @param text the frame
 * @param json the payload that `readRequest` cut out of it
 * @param frame the same frame in UTF-8
 */
export function payloadBytes<Bytes extends Uint8Array>(text: string, json: JsonText, frame: Bytes): Bytes {
  // Behind the payload there is nothing but white space and a brace: as many bytes as characters.
  const behind = text.length - text.lastIndexOf(json) - json.length;
  const end = frame.length - behind;
  const length = frame.length === text.length ? json.length : utf8Length(json);
  return frame.subarray(end - length, end) as Bytes;
}
