import { isUtf8 } from "node:buffer";
import { Assembly } from "./assembly.js";
import { type CloseBody, readCloseBody } from "./close-codes.js";
import {
  headerFault,
  lengthBytes,
  lengthFault,
  MASKING_KEY,
  maskingKey,
  MAX_HEADER,
  payloadLength,
} from "./frame-header.js";
import { maskTo, unmaskFrames } from "./mask.js";
import { BINARY, CLOSE, MAX_CONTROL_PAYLOAD, PING, PONG } from "./opcodes.js";
import type { MessageInflater, ParserOptions } from "./parser-options.js";
import { PayloadMemory } from "./payload-memory.js";
import { type Violation, type ViolationName, violation } from "./violations.js";

/** An honest client may send an empty fragment now and then; a stream of them is work without end for a message without size. */
const MAX_EMPTY_FRAGMENTS = 128;

/** A header, and with it a whole control frame. */
const MAX_HELD = MAX_HEADER + MAX_CONTROL_PAYLOAD;

/** A frame is a unit of work, and so are this many bytes, as powers of two: 2 KiB. */
const WORK_SHIFT = 11;
/** More than one chunk can be. */
const ANY_WORK = 0x3fffffff;

const NEED_MORE = 0;
const FAILED = -1;

/** Messages as frames without a masking key, one behind the other: `bytes[next, last)`. */
interface Unmasked {
  readonly bytes: Buffer;
  next: number;
  readonly last: number;
  readonly isAscii: boolean;
  /** How many bytes they take in what is read. */
  length: number;
}

/**
 * Bytes in, messages and control frames out (RFC 6455 section 5). It reads straight off the chunks that the socket delivers, which
 * may be overwritten afterwards: a payload is unmasked into memory of its own, and handed on as offsets into that, without a view.
 */
export abstract class Parser {
  readonly #inflater: MessageInflater | null;
  readonly #memory: PayloadMemory;
  readonly #maxMessageBytes: number;
  readonly #expectsMask: boolean;

  // The header that was read last.
  #fin = false;
  /** RSV1. */
  #marked = false;
  #opcode = 0;
  #length = 0;
  /** 0 where frames are not masked. */
  #key = 0;

  /** The message that comes in parts, while it does. */
  #message: Assembly | null = null;

  /** A header, or a whole control frame, of which only a part has come. */
  #held: Buffer | null = null;
  #heldLength = 0;

  #paused = false;
  #workLeft = ANY_WORK;
  /** Messages that come next in what is to be read, unmasked before it was paused. */
  #unmasked: Unmasked | null = null;
  #halted = false;

  constructor(options: ParserOptions) {
    this.#inflater = options.inflater;
    this.#memory = options.memory ?? new PayloadMemory();
    this.#maxMessageBytes = options.maxMessageBytes;
    this.#expectsMask = options.role === "server";
  }

  // What it finds. Called while `receive` runs; must not throw and must not call `receive`.

  /**
   * A whole message is `bytes[start, end)`, unmasked and decompressed; text is UTF-8. The bytes are its receiver's to keep, and so are
   * those right before them, where there are any, up to the length of a frame's header: see `writeHeaderBefore`.
   */
  protected abstract onMessage(bytes: Buffer, start: number, end: number, isBinary: boolean): void;
  protected abstract onPing(payload: Buffer): void;
  protected abstract onPong(payload: Buffer): void;
  /** The peer's close frame. Nothing is parsed after it. */
  protected abstract onClose(body: CloseBody): void;
  /** The peer broke a rule. Nothing is parsed after it. */
  protected abstract onViolation(violation: Violation): void;

  /** Whether a message or frame has begun and not ended. */
  get inMessage(): boolean {
    return this.#message !== null || this.#heldLength > 0;
  }

  /** How much of the work that `receive` was allowed it has not done. Less than 0: the last message was more than that. */
  get workLeft(): number {
    return this.#workLeft;
  }

  /** The memory of a message, or of the beginning of a frame, that has come in part; null: nothing has. */
  get partial(): Buffer | null {
    if (this.#message !== null) return this.#message.memory;
    return this.#heldLength > 0 ? this.#held : null;
  }

  /** Payload bytes that are kept for a message which is not complete. */
  get assembledBytes(): number {
    return this.#message === null ? 0 : this.#message.length;
  }

  /** To be called while `receive` runs, which then returns after the frame it is at. */
  pause(): void {
    this.#paused = true;
  }

  /** Ignores whatever comes from now on, and drops what is half read. */
  protected halt(): void {
    this.#halted = true;
    this.#unmasked = null;
    this.#message = null;
    this.#heldLength = 0;
    this.#held = null;
  }

  /**
   * Reads `chunk[start, end)`, and neither changes nor keeps it.
   * @param work It returns after the frame with which so much is done: 1 for each frame, of whatever kind, and 1 for each 2 KiB that are
   * unmasked or inflated. So a caller can bound how long a peer keeps it, which the length of a chunk does not. @default no bound
   * @returns where it stopped: `end`, or less after `pause` or so much work; call again with the rest to go on, wherever it lies: the very
   * bytes come next, for messages among them may have been unmasked already
   */
  receive(chunk: Buffer, start: number, end: number = chunk.length, work: number = ANY_WORK): number {
    let at = start;
    this.#paused = false;
    this.#workLeft = work;
    while (at < end && this.#workLeft > 0 && !this.#paused) {
      if (this.#halted) return end;
      const unmasked = this.#unmasked;
      if (unmasked !== null) {
        this.#unmasked = null;
        // Whoever goes on with a part of the rest has it read once more.
        if (at + unmasked.length <= end) {
          at = this.#handOn(unmasked, at, end);
          continue;
        }
      }
      const message = this.#message;
      if (message !== null && message.remaining > 0) at = this.#takePayload(message, chunk, at, end);
      else if (this.#heldLength > 0) at = this.#completeHeld(chunk, at, end);
      else at = this.#takeFrame(chunk, at, end);
    }
    return at;
  }

  #takeFrame(chunk: Buffer, at: number, end: number): number {
    const payload = this.#readHeader(chunk, at, end);
    if (payload === FAILED) return end;
    if (payload === NEED_MORE) return this.#hold(chunk, at, end);
    const next = payload + this.#length;
    if (next <= end) {
      // When there is as much again behind it, more of the same are likely to follow.
      const stopped = end - next < next - at ? at : this.#takeMessages(chunk, at, end);
      if (stopped > at) return stopped;
      this.#takeWholeFrame(chunk, payload, next);
      return next;
    }
    if (this.#opcode >= CLOSE) return this.#hold(chunk, at, end);
    this.#beginPayload();
    return payload;
  }

  /**
   * Takes the messages of one frame each that come next, all at once.
   * @returns where it stopped; `at` when they have to be taken one by one
   */
  #takeMessages(chunk: Buffer, at: number, end: number): number {
    if (this.#message !== null || !this.#expectsMask) return at;
    const unmasked = unmaskFrames(chunk, at, end, this.#maxMessageBytes);
    if (unmasked === null) return at;
    const { frames, isAscii } = unmasked;
    const length = unmasked.end - at;
    const next = this.#memory.reserveFrames(frames.length);
    const { bytes } = this.#memory;
    bytes.set(frames, next);
    return this.#handOn({ bytes, next, last: next + frames.length, isAscii, length }, at, end);
  }

  /**
   * Hands on messages until it is paused: the others are handed on when `receive` is called again.
   * @param at where they begin in what is read
   * @returns where the first that was not handed on begins
   */
  #handOn(unmasked: Unmasked, at: number, end: number): number {
    const { bytes, last, isAscii } = unmasked;
    let { next } = unmasked;
    let taken = at;
    while (next < last && this.#workLeft > 0 && !this.#paused) {
      const isBinary = (bytes[next]! & 0x0f) === BINARY;
      const length = payloadLength(bytes, next);
      const header = 2 + lengthBytes(bytes[next + 1]!);
      const start = next + header;
      next = start + length;
      taken += header + MASKING_KEY + length;
      this.#workLeft -= 1 + (length >> WORK_SHIFT);
      if (!isBinary && !isAscii && !isUtf8(bytes.subarray(start, next))) this.#fail("invalid-utf8");
      else this.onMessage(bytes, start, next, isBinary);
      if (this.#halted) return end;
    }
    if (next < last) {
      unmasked.next = next;
      unmasked.length -= taken - at;
      this.#unmasked = unmasked;
    }
    return taken;
  }

  /**
   * Reads the frame header at `at` into the fields.
   * @returns where the payload begins, NEED_MORE, or FAILED after a violation
   */
  #readHeader(bytes: Buffer, at: number, end: number): number {
    if (end - at < 2) return NEED_MORE;
    const first = bytes[at]!;
    const second = bytes[at + 1]!;
    const message = this.#message;
    const fault = headerFault(first, second, this.#expectsMask, this.#inflater !== null, message !== null);
    if (fault !== null) return this.#fail(fault, (first << 8) | second);
    let next = at + 2 + lengthBytes(second);
    if (next > end) return NEED_MORE;
    const length = payloadLength(bytes, at);
    const misspelt = lengthFault(bytes, at, length);
    if (misspelt !== null) return this.#fail(misspelt);
    const opcode = first & 0x0f;
    const isMarked = (first & 0x40) !== 0;
    // Refused by what the header declares, before a byte of the payload is kept.
    if (opcode < CLOSE && this.#isTooLong(length, isMarked, message)) return this.#fail("message-too-big");
    if (this.#expectsMask) {
      if (end - next < MASKING_KEY) return NEED_MORE;
      this.#key = maskingKey(bytes, next);
      next += MASKING_KEY;
    }
    this.#fin = first >= 0x80;
    this.#marked = isMarked;
    this.#opcode = opcode;
    this.#length = length;
    return next;
  }

  /** Whether a message becomes too long with a frame of so many bytes. */
  #isTooLong(length: number, isMarked: boolean, message: Assembly | null): boolean {
    if (message !== null) return message.length + length > this.#limit(message.compressed);
    return length > this.#maxMessageBytes && length > this.#limit(isMarked);
  }

  /** What does not compress becomes a little longer instead (RFC 1951 3.2.4), and must not be refused for that. */
  #limit(compressed: boolean): number {
    return compressed ? this.#maxMessageBytes * (1 + 1 / 64) + 64 : this.#maxMessageBytes;
  }

  /** Keeps the beginning of a header or of a control frame until the rest has come. */
  #hold(chunk: Buffer, at: number, end: number): number {
    this.#held ??= Buffer.allocUnsafeSlow(MAX_HELD);
    chunk.copy(this.#held, 0, at, end);
    this.#heldLength = end - at;
    return end;
  }

  #completeHeld(chunk: Buffer, at: number, end: number): number {
    const held = this.#held!;
    const before = this.#heldLength;
    const filled = before + chunk.copy(held, before, at, Math.min(end, at + MAX_HELD - before));
    const payload = this.#readHeader(held, 0, filled);
    if (payload === FAILED) return end;
    const isControl = this.#opcode >= CLOSE;
    if (payload === NEED_MORE || (isControl && filled < payload + this.#length)) {
      this.#heldLength = filled;
      return end;
    }
    this.#heldLength = 0;
    this.#held = null;
    if (isControl) {
      this.#takeWholeFrame(held, payload, payload + this.#length);
      return at + payload + this.#length - before;
    }
    const begin = at + payload - before;
    if (begin + this.#length > end) {
      this.#beginPayload();
      return begin;
    }
    this.#takeWholeFrame(chunk, begin, begin + this.#length);
    return begin + this.#length;
  }

  #takeWholeFrame(bytes: Buffer, start: number, end: number): void {
    this.#workLeft -= 1 + (this.#length >> WORK_SHIFT);
    if (this.#opcode < CLOSE && (!this.#fin || this.#message !== null || this.#marked)) {
      this.#endFragment(this.#beginFragment(), bytes, start, end);
      return;
    }
    const at = this.#memory.reserve(end - start);
    const kept = this.#memory.bytes;
    const seen = maskTo(bytes, start, end, this.#key, 0, kept, at);
    const keptEnd = at + end - start;
    if (this.#opcode >= CLOSE) {
      this.#takeControl(kept.subarray(at, keptEnd));
      return;
    }
    const isBinary = this.#opcode === BINARY;
    if (!isBinary && seen >= 0x80 && !isUtf8(kept.subarray(at, keptEnd))) this.#fail("invalid-utf8");
    else this.onMessage(kept, at, keptEnd, isBinary);
  }

  #takeControl(payload: Buffer): void {
    if (this.#opcode === PING) this.onPing(payload);
    else if (this.#opcode === PONG) this.onPong(payload);
    else {
      const body = readCloseBody(payload);
      if (typeof body === "string") {
        this.#fail(body, payload.length > 1 ? payload.readUInt16BE() : undefined);
        return;
      }
      this.halt();
      this.onClose(body);
    }
  }

  /** A data frame's header was read, and its payload goes past this chunk. */
  #beginPayload(): void {
    this.#workLeft--;
    this.#beginFragment().remaining = this.#length;
  }

  #takePayload(message: Assembly, chunk: Buffer, at: number, end: number): number {
    const expected = message.remaining;
    const next = Math.min(end, at + expected);
    message.remaining -= next - at;
    this.#workLeft -= (next - at) >> WORK_SHIFT;
    if (message.remaining === 0) this.#endFragment(message, chunk, at, next);
    else this.#gather(message, chunk, at, next, expected);
    return next;
  }

  #beginFragment(): Assembly {
    const message = (this.#message ??= new Assembly(this.#opcode === BINARY, this.#marked));
    message.phase = 0;
    return message;
  }

  /** The last bytes of a frame are here. */
  #endFragment(message: Assembly, bytes: Buffer, start: number, end: number): void {
    if (!this.#fin && this.#length === 0 && ++message.emptyFragments > MAX_EMPTY_FRAGMENTS) {
      this.#fail("too-many-empty-fragments");
      return;
    }
    if (!this.#gather(message, bytes, start, end, end - start) || !this.#fin) return;
    const { isBinary, compressed, memory, start: first, length, checked } = message;
    if (compressed) this.#takeCompressed(message.bytes, isBinary);
    else if (!isBinary && checked < length) this.#fail("invalid-utf8");
    else {
      this.#message = null;
      this.onMessage(memory, first, first + length, isBinary);
    }
  }

  /** Adds to the message, and fails at the first byte that no text could hold. `expected` is what its frame can still bring. */
  #gather(message: Assembly, bytes: Buffer, start: number, end: number, expected: number): boolean {
    const wasChecked = message.checked === message.length;
    const seen = message.append(bytes, start, end, this.#fin ? expected : Infinity, this.#key);
    if (message.isBinary || message.compressed || message.checkText(wasChecked && seen < 0x80)) return true;
    this.#fail("invalid-utf8");
    return false;
  }

  #takeCompressed(payload: Buffer, isBinary: boolean): void {
    const message = this.#inflater!.inflate(payload, this.#maxMessageBytes);
    this.#message = null;
    if (message === "too-big") this.#fail("message-too-big");
    else if (message === "invalid") this.#fail("invalid-compressed-data");
    else {
      this.#workLeft -= message.length >> WORK_SHIFT;
      if (!isBinary && !isUtf8(message)) this.#fail("invalid-utf8");
      else this.onMessage(message, 0, message.length, isBinary);
    }
  }

  /** @param value see `Violation` */
  #fail(name: ViolationName, value?: number): typeof FAILED {
    this.halt();
    this.onViolation(violation(name, value));
    return FAILED;
  }
}
