import { limits } from "./limits.js";

/**
 * A binary frame: what it is and its flags in one byte, the length of the name, a number of six bytes (big-endian); then the name, a
 * second name if the flag says so, and the payload to the end. What the number and the names are depends on the kind.
 */
export interface BinaryFrame {
  readonly kind: number;
  readonly number: number;
  readonly name: string;
  /** Undefined without the flag. */
  readonly second: string | undefined;
  /** A view of the frame. */
  readonly payload: Uint8Array;
}

/** What a binary frame is: the low four bits of its first byte. */
export const BinaryKind = {
  /** From the server: offset, topic, whom it is from. From a client: id, topic, key. 0 is for no offset and for no answer. */
  pub: 1,
  /** From the server: id of the call. */
  ok: 2,
  /** From a client: id, name of the call. */
  call: 3,
} as const;

const HEADER = 8;
/** The only flag there is; the other three of the high four bits are 0. */
const SECOND_NAME = 0x10;
/** The first byte that has a flag which is not given out. */
const NO_SUCH_FLAG = 0x20;

/** @throws RangeError for a number or a name that the header has no room for */
export function writeBinary({ kind, number, name, second, payload }: BinaryFrame): Uint8Array {
  const encoder = new TextEncoder();
  const first = encoder.encode(name);
  const other = second === undefined ? undefined : encoder.encode(second);
  if (!(number >= 0 && number <= limits.binaryNumber)) throw new RangeError(`${number} does not fit into six bytes`);
  if (first.length > limits.nameBytes || (other?.length ?? 0) > limits.nameBytes) {
    throw new RangeError(`a name has at most ${limits.nameBytes} bytes`);
  }
  const at = HEADER + first.length + (other === undefined ? 0 : 1 + other.length);
  const frame = new Uint8Array(at + payload.length);
  const view = new DataView(frame.buffer);
  frame[0] = other === undefined ? kind : kind | SECOND_NAME;
  frame[1] = first.length;
  view.setUint16(2, number / 2 ** 32);
  view.setUint32(4, number % 2 ** 32);
  frame.set(first, HEADER);
  if (other !== undefined) {
    frame[HEADER + first.length] = other.length;
    frame.set(other, HEADER + first.length + 1);
  }
  frame.set(payload, at);
  return frame;
}

/** @returns undefined for what is no such frame: too short, an unknown flag, a name that is not UTF-8 */
export function readBinary(frame: Uint8Array): BinaryFrame | undefined {
  if (frame.length < HEADER || frame[0]! >= NO_SUCH_FLAG) return undefined;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  const nameEnd = HEADER + frame[1]!;
  const hasSecond = (frame[0]! & SECOND_NAME) !== 0;
  // A length that is not there is NaN, and no frame is long enough for it.
  const at = hasSecond ? nameEnd + 1 + (frame[nameEnd] ?? Number.NaN) : nameEnd;
  if (!(at <= frame.length)) return undefined;
  try {
    const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    return {
      kind: frame[0]! & 0x0f,
      number: view.getUint16(2) * 2 ** 32 + view.getUint32(4),
      name: decoder.decode(frame.subarray(HEADER, nameEnd)),
      second: hasSecond ? decoder.decode(frame.subarray(nameEnd + 1, at)) : undefined,
      payload: frame.subarray(at),
    };
  } catch {
    return undefined;
  }
}
