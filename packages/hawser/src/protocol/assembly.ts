import { maskTo } from "./mask.js";
import { PayloadMemory } from "./payload-memory.js";
import { checkUtf8 } from "./utf8.js";

/** Memory that is longer is one message's alone. */
export const SLAB_BYTES: number = 8 * 1024;
/** In small slabs: a client that never sends the rest of its message keeps one of them in memory, however little it has sent. */
const slabs = new PayloadMemory(SLAB_BYTES);

/** A message that comes in parts is gathered here: in memory that grows, so a thousand tiny fragments cost what their bytes cost. */
export class Assembly {
  /** The message is `memory[start, start + length)`; before it is room for the header of a frame that sends it on. */
  memory: Buffer = NOTHING;
  start = 0;
  length = 0;
  /** How long it may become where it is. */
  capacity = 0;
  readonly isBinary: boolean;
  /** RFC 7692 6: the first frame says so, for the whole message. */
  readonly compressed: boolean;
  /** Payload bytes of the frame it is at: those that have come, and those still to come. */
  phase = 0;
  remaining = 0;
  emptyFragments = 0;
  /** How far its text is known to be UTF-8. */
  checked = 0;

  constructor(isBinary: boolean, compressed: boolean) {
    this.isBinary = isBinary;
    this.compressed = compressed;
  }

  /**
   * Adds `chunk[start, end)` of the frame it is at, unmasked. `expected` is the most that the message can still bring, `end - start`
   * included; Infinity while more frames are to follow.
   * What is set aside is at most twice what has come (or 256 bytes), whatever length was declared: a header alone buys no
   * memory. It doubles, so that a byte is copied a few times at most, however small the fragments are.
   * @returns 0 when all that was added is ASCII for certain, else 0x80 or more
   */
  append(chunk: Buffer, start: number, end: number, expected: number, key = 0): number {
    const length = this.length + end - start;
    if (length > this.capacity)
      this.#move(Math.max(length, Math.min(this.length + expected, Math.max(2 * length, 256))));
    const seen = maskTo(chunk, start, end, key, this.phase, this.memory, this.start + this.length);
    this.phase += end - start;
    this.length = length;
    return seen;
  }

  /**
   * Goes on to check its text, as far as that has come.
   * @param isAscii what was not checked yet is ASCII for certain
   * @returns false at the first byte that no text could hold
   */
  checkText(isAscii: boolean): boolean {
    const end = this.start + this.length;
    const checked = isAscii ? end : checkUtf8(this.memory, this.start + this.checked, end);
    if (checked < this.start) return false;
    this.checked = checked - this.start;
    return true;
  }

  /** A view of it. */
  get bytes(): Buffer {
    return this.memory.subarray(this.start, this.start + this.length);
  }

  #move(capacity: number): void {
    const start = slabs.reserve(capacity);
    this.memory.copy(slabs.bytes, start, this.start, this.start + this.length);
    this.memory = slabs.bytes;
    this.start = start;
    this.capacity = capacity;
  }
}

const NOTHING = Buffer.alloc(0);
