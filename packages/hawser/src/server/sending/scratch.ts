import {
  byteLengthOf,
  headerLength,
  MAX_HEADER,
  mostBytesOf,
  writeFrame,
  writeHeaderBefore,
  writeMessage,
} from "../../protocol/encoder.js";
import type { Opcode } from "../../protocol/opcodes.js";

const SIZE = 64 * 1024;
/** To copy so many bytes for one client costs more than to write them by themselves. */
export const LONG_BYTES: number = 16 * 1024;

export interface ScratchOwner {
  /** Another client is about to be read. */
  letGo(): void;
}

/**
 * Where what is sent to a client while it is being read is written, frame behind frame, to leave as one buffer: no buffer and no list
 * entry per message. One for the whole server is enough, since clients are read one at a time.
 *
 * Messages that are sent back as they came lie one behind the other already, with room for a header before each (PayloadMemory): as
 * long as nothing else comes in between, they are not even copied.
 */
export class Scratch {
  readonly #bytes: Buffer = Buffer.allocUnsafeSlow(SIZE);
  readonly #words: DataView = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, SIZE);
  #length = 0;
  /** Frames that are left where they lie, `#run[#runStart, #runStart + #length)`; null: they are in `#bytes`. */
  #run: Buffer | null = null;
  #runStart = 0;

  /** Whose client is being read, or was read last in this turn. */
  owner: ScratchOwner | null = null;
  /** That client has been read. Its handlers may send more in this turn; but whoever is read next has precedence. */
  isLent = false;

  /** Bytes that wait here for this owner. */
  lengthFor(owner: ScratchOwner): number {
    return this.owner === owner ? this.#length : 0;
  }

  hasRoomFor(bytes: number): boolean {
    return this.#length + bytes + MAX_HEADER <= SIZE;
  }

  /**
   * Adds a message that has come in, `bytes[start, end)`, as a frame.
   * @returns its length in bytes; -1 when what is here should leave first
   */
  addReceived(opcode: Opcode, bytes: Buffer, start: number, end: number): number {
    const length = end - start;
    if (!this.hasRoomFor(length)) return -1;
    if (this.#extendRun(opcode, bytes, start, end)) return length;
    if (this.#run !== null && this.#length >= LONG_BYTES) return -1;
    this.#endRun();
    this.#length = writeFrame(this.#bytes, this.#words, this.#length, opcode, bytes, start, end);
    return length;
  }

  /**
   * Adds text or bytes as a frame.
   * @returns its length in bytes; -1 when what is here should leave first
   */
  addNew(payload: string | Uint8Array): number {
    if (!this.hasRoomFor(mostBytesOf(payload)) && !this.hasRoomFor(byteLengthOf(payload))) return -1;
    this.#endRun();
    const length = writeMessage(this.#bytes, this.#length, payload);
    this.#length += headerLength(length) + length;
    return length;
  }

  /** Adds a frame that is encoded already. */
  add(frame: Buffer): void {
    this.#endRun();
    this.#bytes.set(frame, this.#length);
    this.#length += frame.length;
  }

  /** All that was added: a buffer of its own, or a view of what the messages keep in memory anyway. */
  take(): Buffer {
    const length = this.#length;
    this.#length = 0;
    const run = this.#run;
    if (run !== null) {
      this.#run = null;
      return run.subarray(this.#runStart, this.#runStart + length);
    }
    const taken = Buffer.allocUnsafe(length);
    this.#bytes.copy(taken, 0, 0, length);
    return taken;
  }

  #extendRun(opcode: Opcode, bytes: Buffer, start: number, end: number): boolean {
    const isFirst = this.#length === 0;
    if (!isFirst && this.#run !== bytes) return false;
    const at = writeHeaderBefore(opcode, bytes, start, end);
    if (at < 0) return false;
    if (isFirst) {
      this.#run = bytes;
      this.#runStart = at;
    } else if (at !== this.#runStart + this.#length) return false;
    this.#length += end - at;
    return true;
  }

  #endRun(): void {
    if (this.#run === null) return;
    this.#run.copy(this.#bytes, 0, this.#runStart, this.#runStart + this.#length);
    this.#run = null;
  }
}
