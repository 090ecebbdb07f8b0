import { isUtf8 } from "node:buffer";
import { Assembly } from "./assembly.js";
import { type CloseBody, readCloseBody } from "./close-codes.js";
import { maskTo, unmaskFrames } from "./mask.js";
import { BINARY, CLOSE, CONTINUATION, MAX_CONTROL_PAYLOAD, PING, PONG, TEXT } from "./opcodes.js";
import { PayloadMemory } from "./payload-memory.js";
import { checkUtf8 } from "./utf8.js";
import { type Violation, type ViolationName, violation } from "./violations.js";

export interface ParserOptions {
  /** A server takes masked frames only, a client unmasked ones only (RFC 6455 5.1). */
  readonly role: "server" | "client";
  /** Largest message in bytes, counted after decompression too. */
  readonly maxMessageBytes: number;
  /** Set when permessage-deflate was negotiated (RFC 7692). */
  readonly inflater: MessageInflater | null;
  /** Where payloads are put, for any number of parsers. @default memory of its own */
  readonly memory?: PayloadMemory | undefined;
}

export interface MessageInflater {
  inflate(payload: Uint8Array, maxBytes: number): Buffer | "too-big" | "invalid";
}

/** An honest client may send an empty fragment now and then; a stream of them is work without end for a message without size. */
const MAX_EMPTY_FRAGMENTS = 128;

/** A header is 14 bytes at most; with it, a whole control frame. */
const MAX_HELD = 14 + MAX_CONTROL_PAYLOAD;

const MASKING_KEY = 4;

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
    const next = this.#memory.reserve(frames.length);
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
      let length = bytes[next + 1]!;
      let start = next + 2;
      if (length === 126) {
        length = (bytes[next + 2]! << 8) | bytes[next + 3]!;
        start = next + 4;
      }
      const header = start - next;
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
    const opcode = first & 0x0f;
    const fin = first >= 0x80;
    const message = this.#message;
    if ((first & 0x70) !== 0 && !this.#mayReserve(first)) return this.#fail("reserved-bits");
    if (opcode > BINARY && (opcode < CLOSE || opcode > PONG)) return this.#fail("reserved-opcode");
    if (second >= 0x80 !== this.#expectsMask) return this.#fail(this.#expectsMask ? "unmasked-frame" : "masked-frame");

    let length = second & 0x7f;
    let next = at + 2;
    if (opcode >= CLOSE) {
      if (!fin) return this.#fail("fragmented-control");
      if (length > MAX_CONTROL_PAYLOAD) return this.#fail("control-too-long");
    } else {
      // RFC 6455 5.4: the fragments of one message must not be interleaved with those of another.
      if (opcode === CONTINUATION) {
        if (message === null) return this.#fail("unexpected-continuation");
      } else if (message !== null) return this.#fail("expected-continuation");
      if (length === 126) {
        if (end - at < 4) return NEED_MORE;
        length = (bytes[at + 2]! << 8) | bytes[at + 3]!;
        if (length < 126) return this.#fail("non-minimal-length");
        next = at + 4;
      } else if (length === 127) {
        if (end - at < 10) return NEED_MORE;
        const high = bytes.readUInt32BE(at + 2);
        if (high >= 0x80000000) return this.#fail("invalid-length");
        length = high * 0x100000000 + bytes.readUInt32BE(at + 6);
        if (length < 65_536) return this.#fail("non-minimal-length");
        next = at + 10;
      }
      // Refused by what the header declares, before a byte of the payload is kept.
      if (
        length > this.#maxMessageBytes &&
        length > this.#limit(message === null ? (first & 0x40) !== 0 : message.compressed)
      )
        return this.#fail("message-too-big");
      if (message !== null && message.length + length > this.#limit(message.compressed))
        return this.#fail("message-too-big");
    }
    if (this.#expectsMask) {
      if (end - next < 4) return NEED_MORE;
      this.#key = bytes[next]! | (bytes[next + 1]! << 8) | (bytes[next + 2]! << 16) | (bytes[next + 3]! << 24);
      next += 4;
    }
    this.#fin = fin;
    this.#marked = (first & 0x40) !== 0;
    this.#opcode = opcode;
    this.#length = length;
    return next;
  }

  /** RFC 7692 6: RSV1 marks a compressed message, on its first frame alone. */
  #mayReserve(first: number): boolean {
    const opcode = first & 0x0f;
    return (first & 0x30) === 0 && this.#inflater !== null && (opcode === TEXT || opcode === BINARY);
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
        this.#fail(body);
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
    if (message.isBinary || message.compressed) return true;
    const isAscii = wasChecked && seen < 0x80;
    const first = message.start;
    const checked = isAscii
      ? message.length
      : checkUtf8(message.memory, first + message.checked, first + message.length) - first;
    if (checked < 0) {
      this.#fail("invalid-utf8");
      return false;
    }
    message.checked = checked;
    return true;
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

  #fail(name: ViolationName): typeof FAILED {
    this.halt();
    this.onViolation(violation(name));
    return FAILED;
  }
}
