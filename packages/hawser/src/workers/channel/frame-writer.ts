/** Bytes of a frame before its fields: how long the rest is, its kind, and the number of the request. */
export const HEADER_BYTES = 9;
/** In place of a text's length: there is none. */
export const ABSENT = 0xffff_ffff;

const FIRST_BYTES = 16 * 1024;
/** Less than this is copied when it leaves, so that the memory serves for the next turn; more is handed over. */
const COPIED_BYTES = 16 * 1024;

/** Frames, one behind another in one piece of memory: what leaves in one write. */
export class FrameWriter {
  #memory = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #begin = 0;
  #end = 0;

  /** Of all frames that have not been taken. */
  get bytes(): number {
    return this.#end;
  }

  begin(kind: number, id: number): this {
    this.#makeRoom(HEADER_BYTES);
    this.#begin = this.#end;
    this.#memory[this.#end + 4] = kind;
    this.#memory.writeUInt32LE(id, this.#end + 5);
    this.#end += HEADER_BYTES;
    return this;
  }

  /** The frame is whole. */
  end(): void {
    this.#memory.writeUInt32LE(this.#end - this.#begin - 4, this.#begin);
  }

  /** A whole frame that was written elsewhere. */
  append(frame: Uint8Array): void {
    this.#makeRoom(frame.length);
    this.#memory.set(frame, this.#end);
    this.#end += frame.length;
  }

  byte(value: number): this {
    this.#makeRoom(1);
    this.#memory[this.#end++] = value;
    return this;
  }

  count(value: number): this {
    this.#makeRoom(4);
    this.#end = this.#memory.writeUInt32LE(value, this.#end);
    return this;
  }

  /** Any number, a time or an offset. */
  number(value: number): this {
    this.#makeRoom(8);
    this.#end = this.#memory.writeDoubleLE(value, this.#end);
    return this;
  }

  text(value: string | undefined): this {
    if (value === undefined) return this.count(ABSENT);
    // A UTF-16 unit takes three bytes of UTF-8 at most.
    this.#makeRoom(4 + 3 * value.length);
    const length = this.#memory.write(value, this.#end + 4);
    this.#memory.writeUInt32LE(length, this.#end);
    this.#end += 4 + length;
    return this;
  }

  texts(values: readonly string[]): this {
    this.count(values.length);
    for (const value of values) this.text(value);
    return this;
  }

  data(bytes: Uint8Array): this {
    this.#makeRoom(4 + bytes.byteLength);
    this.#memory.writeUInt32LE(bytes.byteLength, this.#end);
    this.#memory.set(bytes, this.#end + 4);
    this.#end += 4 + bytes.byteLength;
    return this;
  }

  /** All frames, which are the caller's from now on. */
  take(): Buffer {
    const frames = this.#memory.subarray(0, this.#end);
    this.#end = 0;
    if (frames.length <= COPIED_BYTES) return Buffer.from(frames);
    this.#memory = Buffer.allocUnsafeSlow(FIRST_BYTES);
    return frames;
  }

  #makeRoom(bytes: number): void {
    const needed = this.#end + bytes;
    if (needed <= this.#memory.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#memory.length));
    this.#memory.copy(larger, 0, 0, this.#end);
    this.#memory = larger;
  }
}
