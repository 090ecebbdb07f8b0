import { randomFillSync } from "node:crypto";

const STAMP_BYTES = 8;
/** Random bytes for the next ones: to ask for them costs more than the bytes. */
const random = Buffer.alloc(512 * STAMP_BYTES);
let used = random.length;

/** Eight random bytes, good until the next ones are asked for: the caller copies them. */
export function freshStamp(): Buffer {
  if (used === random.length) {
    randomFillSync(random);
    used = 0;
  }
  return random.subarray(used, (used += STAMP_BYTES));
}

/** Puts them where they are wanted, which costs less than a view of them. */
export function writeFreshStamp(to: Buffer, at: number): void {
  if (used === random.length) freshStamp();
  else used += STAMP_BYTES;
  for (let i = 0; i < STAMP_BYTES; i++) to[at + i] = random[used - STAMP_BYTES + i]!;
}

/** A word that was not there before. */
export function freshWord(): string {
  return freshStamp().toString("base64url");
}
