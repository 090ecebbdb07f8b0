import { ABSENT, HEADER_BYTES } from "./frame-writer.js";

/** The other side sent what is no frame, or one that is not allowed. */
export class FrameFault extends Error {
  override readonly name = "FrameFault";
}

/** The fields of one frame, in their order. What it reads is the reader's own: nothing of it lies in the frame's memory. */
export class FieldReader {
  #memory: Buffer = Buffer.alloc(0);
  #at = 0;
  #end = 0;
  kind = 0;
  id = 0;

  /** @internal */
  begin(memory: Buffer, start: number, end: number): void {
    this.#memory = memory;
    this.kind = memory[start + 4]!;
    this.id = memory.readUInt32LE(start + 5);
    this.#at = start + HEADER_BYTES;
    this.#end = end;
  }

  byte(): number {
    return this.#memory[this.#pass(1)]!;
  }

  count(): number {
    return this.#memory.readUInt32LE(this.#pass(4));
  }

  number(): number {
    return this.#memory.readDoubleLE(this.#pass(8));
  }

  text(): string {
    const text = this.optionalText();
    if (text === undefined) throw new FrameFault("a text is missing");
    return text;
  }

  optionalText(): string | undefined {
    const length = this.count();
    if (length === ABSENT) return undefined;
    const start = this.#pass(length);
    return this.#memory.toString("utf8", start, start + length);
  }

  texts(): string[] {
    return this.list((fields) => fields.text());
  }

  /** As many as were counted. The count is not believed: each of them has to be there. */
  list<Value>(read: (fields: FieldReader) => Value): Value[] {
    const values: Value[] = [];
    for (let left = this.count(); left > 0; left--) values.push(read(this));
    return values;
  }

  data(): Uint8Array {
    const length = this.count();
    const start = this.#pass(length);
    const bytes = Buffer.allocUnsafeSlow(length);
    this.#memory.copy(bytes, 0, start, start + length);
    return bytes;
  }

  /** @throws FrameFault when something is left */
  end(): void {
    if (this.#at !== this.#end) throw new FrameFault("there is more in a frame than its fields");
  }

  #pass(bytes: number): number {
    const start = this.#at;
    if (bytes > this.#end - start) throw new FrameFault("a frame is shorter than its fields");
    this.#at = start + bytes;
    return start;
  }
}

/** Cuts a stream of bytes into frames. */
export class FrameReader {
  readonly #fields = new FieldReader();
  /** What has come and is not read, in order. More than one only while a frame is not whole. */
  #chunks: Buffer[] = [];
  /** Where the next frame begins in the first. */
  #at = 0;
  #bytes = 0;
  /** The longest frame that is taken, without its length. */
  maxBytes: number;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
  }

  /** The next whole frame, to be read before the one after it. @throws FrameFault */
  next(): FieldReader | undefined {
    if (this.#bytes < 4) return undefined;
    if (this.#chunks[0]!.length - this.#at < 4) this.#join();
    const start = this.#at;
    const length = this.#chunks[0]!.readUInt32LE(start);
    if (length < HEADER_BYTES - 4 || length > this.maxBytes) {
      throw new FrameFault(`a frame of ${length} bytes, where at most ${this.maxBytes} are taken`);
    }
    if (this.#bytes < 4 + length) return undefined;
    if (this.#chunks[0]!.length - start < 4 + length) this.#join();
    const [memory] = this.#chunks as [Buffer];
    const begin = this.#at;
    this.#at += 4 + length;
    this.#bytes -= 4 + length;
    if (this.#at === memory.length) {
      this.#chunks.shift();
      this.#at = 0;
    }
    this.#fields.begin(memory, begin, begin + 4 + length);
    return this.#fields;
  }

  #join(): void {
    const [first, ...rest] = this.#chunks as [Buffer, ...Buffer[]];
    this.#chunks = [Buffer.concat([first.subarray(this.#at), ...rest])];
    this.#at = 0;
  }
}
