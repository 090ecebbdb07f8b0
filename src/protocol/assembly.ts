/** A message that comes in parts is gathered here: one growing buffer, so a thousand tiny fragments cost what their bytes cost. */
export class Assembly {
  bytes: Buffer = NOTHING;
  length = 0;

  /**
   * Adds `chunk[start, end)`. `expected` is the most that the message can still bring, `end - start` included; Infinity while
   * more frames are to follow.
   * What is set aside is at most twice what has come (or 256 bytes), whatever length was declared: a header alone buys no
   * memory. It doubles, so that a byte is copied a few times at most, however small the fragments are.
   */
  append(chunk: Buffer, start: number, end: number, expected: number): void {
    const length = this.length + end - start;
    if (length > this.bytes.length) {
      const grown = Buffer.allocUnsafeSlow(
        Math.max(length, Math.min(this.length + expected, Math.max(2 * length, 256))),
      );
      this.bytes.copy(grown, 0, 0, this.length);
      this.bytes = grown;
    }
    chunk.copy(this.bytes, this.length, start, end);
    this.length = length;
  }
}

const NOTHING = Buffer.alloc(0);
