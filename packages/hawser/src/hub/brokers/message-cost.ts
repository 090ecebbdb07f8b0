import type { StoredMessage } from "./broker.js";

/** What stands around the bytes of a message, by measurement: two objects, the stamp, and a buffer of its own. */
const AROUND = 360;

/** What a message costs for as long as it is kept. */
export function messageCost({ bytes, by, from }: StoredMessage): number {
  return AROUND + bytes.byteLength + (by?.length ?? 0) + (from?.length ?? 0);
}
