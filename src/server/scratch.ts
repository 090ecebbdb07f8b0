import { MAX_HEADER, writeFrame } from "../protocol/encoder.js";
import type { Opcode } from "../protocol/opcodes.js";

const SIZE = 64 * 1024;

/**
 * Where what is sent to a client while it is being read is written, frame behind frame, to leave as one buffer: no buffer and no list
 * entry per message. One for the whole server is enough, since clients are read one at a time.
 */
export class Scratch {
  readonly #bytes: Buffer = Buffer.allocUnsafeSlow(SIZE);
  readonly #words: DataView = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, SIZE);
  #length = 0;

  /** Whose client is being read. */
  owner: object | null = null;

  /** Bytes that wait here for this owner. */
  lengthFor(owner: object): number {
    return this.owner === owner ? this.#length : 0;
  }

  hasRoomFor(bytes: number): boolean {
    return this.#length + bytes + MAX_HEADER <= SIZE;
  }

  /** Adds a frame with the payload `bytes[start, end)`. */
  addFrame(opcode: Opcode, bytes: Buffer, start: number, end: number): void {
    this.#length = writeFrame(this.#bytes, this.#words, this.#length, opcode, bytes, start, end);
  }

  /** Adds a frame that is encoded already. */
  add(frame: Buffer): void {
    this.#bytes.set(frame, this.#length);
    this.#length += frame.length;
  }

  /** All that was added, as a buffer of its own. */
  take(): Buffer {
    const taken = Buffer.allocUnsafe(this.#length);
    this.#bytes.copy(taken, 0, 0, this.#length);
    this.#length = 0;
    return taken;
  }
}
