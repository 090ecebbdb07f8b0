/** A message that comes in parts is gathered here: one growing buffer, so a thousand tiny fragments cost what their bytes cost. */
export class Assembly {
  bytes: Buffer = NOTHING;
  length = 0;

  /**
   * Adds `chunk[start, end)`. `expected` is how many bytes the frame has still to bring, `end - start` among them.
   * What is set aside stays below twice what has come, whatever length was declared: a header alone buys no memory.
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

  clear(): void {
    this.bytes = NOTHING;
    this.length = 0;
  }
}

const NOTHING = Buffer.alloc(0);
