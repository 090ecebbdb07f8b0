/** Bytes and text that keep nothing else in memory: what waits for a slow client must not keep other messages with it. */

/** To hold on to less memory than this costs more than a copy. */
const HOLD_PAYS_FROM = 128;
/** A part of larger memory keeps all of it: it is copied when it is at most so long, and less than half of that. */
const COPY_PAYS_TO = 64 * 1024;

/** Whether it is to be copied: it is very short, or lies in much larger memory, which it would keep. */
export function isWorthCopying(frame: Buffer): boolean {
  const { length } = frame;
  return length < HOLD_PAYS_FROM || (length <= COPY_PAYS_TO && frame.buffer.byteLength > 2 * length);
}

/** The same bytes where they keep nothing else in memory. */
export function ownMemory(bytes: Buffer): Buffer {
  if (bytes.buffer.byteLength <= 2 * bytes.length) return bytes;
  const own = Buffer.allocUnsafeSlow(bytes.length);
  own.set(bytes);
  return own;
}

/** The same text in memory of its own: a part of a longer string would keep all of that. */
export function ownString(text: string): string {
  const own = Buffer.from(text, "latin1").toString("latin1");
  return own === text ? own : Buffer.from(text, "utf16le").toString("utf16le");
}
