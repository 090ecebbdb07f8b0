/** Masking keys from a strong source of entropy (RFC 6455 5.3), many at a time: a call for each would cost more than the frame. */
import { randomFillSync } from "node:crypto";

const keys = new Int32Array(1024);
let used = keys.length;

/** A fresh key of 32 bits, for `Connection` and `encodeFrame` of a client. */
export function nextMaskingKey(): number {
  if (used === keys.length) {
    randomFillSync(keys);
    used = 0;
  }
  return keys[used++] ?? 0;
}
