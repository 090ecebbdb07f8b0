import { MAX_HEADER } from "./encoder.js";
import { maskTo } from "./mask.js";

/** A message that comes in parts is gathered here: one growing buffer, so a thousand tiny fragments cost what their bytes cost. */
export class Assembly {
  /** The message's bytes are a view of this one, MAX_HEADER bytes from its start: room for the header of a frame that sends it on. */
  memory: Buffer = NOTHING;
  bytes: Buffer = NOTHING;
  length = 0;
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
    if (length > this.bytes.length) {
      const capacity = Math.max(length, Math.min(this.length + expected, Math.max(2 * length, 256)));
      this.memory = Buffer.allocUnsafeSlow(MAX_HEADER + capacity);
      const grown = this.memory.subarray(MAX_HEADER);
      this.bytes.copy(grown, 0, 0, this.length);
      this.bytes = grown;
    }
    const seen = maskTo(chunk, start, end, key, this.phase, this.bytes, this.length);
    this.phase += end - start;
    this.length = length;
    return seen;
  }
}

const NOTHING = Buffer.alloc(0);
