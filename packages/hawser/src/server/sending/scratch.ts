import {
  byteLengthOf,
  headerLength,
  MAX_HEADER,
  mostBytesOf,
  writeFrame,
  writeHeaderBefore,
  writeMessage,
} from "../../protocol/encoder.js";
import type { BINARY, Opcode, TEXT } from "../../protocol/opcodes.js";

const SIZE = 64 * 1024;
/** To copy so many bytes for one client costs more than to write them by themselves. */
export const LONG_BYTES: number = 16 * 1024;

/** An outbox whose client is being read, or was read last in this turn. */
export interface ScratchHolder {
  /** Another client is about to be read: what was gathered here leaves, and then calls `release`. */
  leaveScratch(): void;
}

/**
 * Where what is sent to a client while it is being read is written, frame behind frame, to leave as one buffer: no buffer and no list
 * entry per message. One for the whole server is enough, since clients are read one at a time.
 *
 * Messages that are sent back as they came lie one behind the other already, with room for a header before each (PayloadMemory): as
 * long as nothing else comes in between, they are not even copied.
 *
 * Whose it is, by what happens. Yielding is a holder whose client has been read: its handlers may send more in this turn, but whoever is
 * read next has precedence.
 *
 * |               | free      | held by a                       | yielding by a                           |
 * | ------------- | --------- | ------------------------------- | --------------------------------------- |
 * | `hold(a)`     | held by a | held by a                       | held by a                               |
 * | `hold(b)`     | held by b | held by a: b has to do without  | held by b, once a has left              |
 * | `yield(a)`    | free      | yielding by a                   | yielding by a                           |
 * | `endTurn(a)`  | free      | held by a                       | free                                    |
 * | `release(a)`  | free      | free                            | free                                    |
 * | `discard(a)`  | free      | free, and what is here is gone  | free, and what is here is gone          |
 *
 * From somebody else than the holder the last four change nothing.
 */
export class Scratch {
  readonly #bytes: Buffer = Buffer.allocUnsafeSlow(SIZE);
  readonly #words: DataView = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, SIZE);
  #length = 0;
  /** Frames that are left where they lie, `#run[#runStart, #runStart + #length)`; null: they are in `#bytes`. */
  #run: Buffer | null = null;
  #runStart = 0;
  /** Null: it is free. */
  #holder: ScratchHolder | null = null;
  #isYielding = false;

  /** Whether what is sent to its client may be written here: it is held by this one, or yielding. */
  isHeldBy(holder: ScratchHolder): boolean {
    return this.#holder === holder;
  }

  /** Its client is about to be read. A handler may make another client's intake go on: that one has to do without. */
  hold(holder: ScratchHolder): void {
    if (this.#isYielding && this.#holder !== holder) this.#holder!.leaveScratch();
    this.#holder ??= holder;
    if (this.#holder === holder) this.#isYielding = false;
  }

  /** Its client has been read, and its handlers may send more. @returns false when it does not hold this */
  yield(holder: ScratchHolder): boolean {
    if (this.#holder !== holder) return false;
    this.#isYielding = true;
    return true;
  }

  /** The turn ends: its client may be read just now, in what was put off until then. */
  endTurn(holder: ScratchHolder): void {
    if (this.#isYielding) this.release(holder);
  }

  /** To be called once what is here has been removed. */
  release(holder: ScratchHolder): void {
    if (this.#holder !== holder) return;
    this.#holder = null;
    this.#isYielding = false;
  }

  /** Its client is gone. */
  discard(holder: ScratchHolder): void {
    if (this.#holder !== holder) return;
    this.#length = 0;
    this.#run = null;
    this.release(holder);
  }

  /** Bytes that wait here for this one's client. */
  lengthFor(holder: ScratchHolder): number {
    return this.#holder === holder ? this.#length : 0;
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
   * @param opcode of bytes: a string is always text @default BINARY
   * @returns its length in bytes; -1 when what is here should leave first
   */
  addNew(payload: string | Uint8Array, opcode?: typeof TEXT | typeof BINARY): number {
    if (!this.hasRoomFor(mostBytesOf(payload)) && !this.hasRoomFor(byteLengthOf(payload))) return -1;
    this.#endRun();
    const length = writeMessage(this.#bytes, this.#length, payload, opcode);
    this.#length += headerLength(length) + length;
    return length;
  }

  /** Adds a frame that is encoded already. */
  add(frame: Buffer): void {
    this.#endRun();
    this.#bytes.set(frame, this.#length);
    this.#length += frame.length;
  }

  /** @returns all that was added: a buffer of its own, or a view of what the messages keep in memory anyway */
  removeAll(): Buffer {
    const length = this.#length;
    this.#length = 0;
    const run = this.#run;
    if (run !== null) {
      this.#run = null;
      return run.subarray(this.#runStart, this.#runStart + length);
    }
    const removed = Buffer.allocUnsafe(length);
    this.#bytes.copy(removed, 0, 0, length);
    return removed;
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
