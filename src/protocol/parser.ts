import { isUtf8 } from "node:buffer";
import { Assembly } from "./assembly.js";
import { type CloseBody, readCloseBody } from "./close-codes.js";
import { MAX_HEADER } from "./encoder.js";
import { maskTo } from "./mask.js";
import { BINARY, CLOSE, CONTINUATION, MAX_CONTROL_PAYLOAD, PING, PONG, TEXT } from "./opcodes.js";
import { PayloadMemory } from "./payload-memory.js";
import { checkUtf8 } from "./utf8.js";
import { type Violation, type ViolationName, violation } from "./violations.js";

/** What the parser finds. Called while `receive` runs; must not throw and must not call `receive`. */
export interface ParserSink {
  /**
   * A whole message is `bytes[start, end)`, unmasked and decompressed; text is UTF-8. The bytes are the sink's to keep, and so are those
   * right before them, where there are any, up to the length of a frame's header: see `writeHeaderBefore`.
   */
  onMessage(bytes: Buffer, start: number, end: number, isBinary: boolean): void;
  onPing(payload: Buffer): void;
  onPong(payload: Buffer): void;
  /** The peer's close frame. Nothing is parsed after it. */
  onClose(body: CloseBody): void;
  /** The peer broke a rule. Nothing is parsed after it. */
  onViolation(violation: Violation): void;
}

export interface ParserOptions {
  /** A server takes masked frames only, a client unmasked ones only (RFC 6455 5.1). */
  readonly role: "server" | "client";
  /** Largest message in bytes, counted after decompression too. */
  readonly maxMessageBytes: number;
  /** Set when permessage-deflate was negotiated (RFC 7692). */
  readonly inflater: MessageInflater | null;
  /** Where payloads are put, for any number of parsers. @default memory of its own */
  readonly memory?: PayloadMemory;
}

export interface MessageInflater {
  inflate(payload: Uint8Array, maxBytes: number): Buffer | "too-big" | "invalid";
}

/** An honest client may send an empty fragment now and then; a stream of them is work without end for a message without size. */
const MAX_EMPTY_FRAGMENTS = 128;

/** A header is 14 bytes at most; with it, a whole control frame. */
const MAX_HELD = 14 + MAX_CONTROL_PAYLOAD;

const NEED_MORE = 0;
const FAILED = -1;

/**
 * Bytes in, messages and control frames out (RFC 6455 section 5). It reads straight off the chunks that the socket delivers, which
 * may be overwritten afterwards: a payload is unmasked into memory of its own, and handed on as offsets into that, without a view.
 */
export class Parser {
  readonly #sink: ParserSink;
  readonly #inflater: MessageInflater | null;
  readonly #memory: PayloadMemory;
  readonly #maxMessageBytes: number;
  readonly #expectsMask: boolean;

  // The header that was read last.
  #fin = false;
  #opcode = 0;
  #length = 0;
  /** 0 where frames are not masked. */
  #key = 0;

  /** Payload bytes of a data frame that have still to come; `#phase` have been gathered already. */
  #remaining = 0;
  #phase = 0;

  /** The message that is being gathered: the opcode of its first frame, 0 when there is none. */
  #messageOpcode = 0;
  #compressed = false;
  #emptyFragments = 0;
  #assembly: Assembly | null = null;
  /** How far its text is known to be UTF-8. */
  #checked = 0;

  /** A header, or a whole control frame, of which only a part has come. */
  #held: Buffer | null = null;
  #heldLength = 0;

  #paused = false;
  #halted = false;

  constructor(options: ParserOptions, sink: ParserSink) {
    this.#sink = sink;
    this.#inflater = options.inflater;
    this.#memory = options.memory ?? new PayloadMemory();
    this.#maxMessageBytes = options.maxMessageBytes;
    this.#expectsMask = options.role === "server";
  }

  /** Whether a message or frame has begun and not ended. */
  get inMessage(): boolean {
    return this.#messageOpcode !== 0 || this.#remaining > 0 || this.#heldLength > 0;
  }

  /** Payload bytes that are kept for a message which is not complete. */
  get assembledBytes(): number {
    return this.#assembly === null ? 0 : this.#assembly.length;
  }

  /** To be called by the sink: `receive` returns after the frame it is at. */
  pause(): void {
    this.#paused = true;
  }

  /** Ignores whatever comes from now on, and drops what is half read. */
  halt(): void {
    this.#halted = true;
    this.#remaining = 0;
    this.#endMessage();
    this.#heldLength = 0;
    this.#held = null;
  }

  /**
   * Reads `chunk[start, end)`, and neither changes nor keeps it.
   * @returns where it stopped: `end`, or less after `pause`; call again with the rest to go on.
   */
  receive(chunk: Buffer, start: number, end: number = chunk.length): number {
    let at = start;
    this.#paused = false;
    while (at < end && !this.#paused) {
      if (this.#halted) return end;
      if (this.#remaining > 0) at = this.#takePayload(chunk, at, end);
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
      this.#takeWholeFrame(chunk, payload, next);
      return next;
    }
    if (this.#opcode >= CLOSE) return this.#hold(chunk, at, end);
    this.#beginPayload();
    return payload;
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
        if (this.#messageOpcode === 0) return this.#fail("unexpected-continuation");
      } else if (this.#messageOpcode !== 0) return this.#fail("expected-continuation");
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
      if (length > this.#maxMessageBytes && !this.#mayExceed(length, first)) return this.#fail("message-too-big");
      if (this.#messageOpcode !== 0 && !this.#hasRoomFor(length)) return this.#fail("message-too-big");
    }
    if (this.#expectsMask) {
      if (end - next < 4) return NEED_MORE;
      this.#key = bytes[next]! | (bytes[next + 1]! << 8) | (bytes[next + 2]! << 16) | (bytes[next + 3]! << 24);
      next += 4;
    }
    if (opcode === TEXT || opcode === BINARY) this.#compressed = (first & 0x40) !== 0;
    this.#fin = fin;
    this.#opcode = opcode;
    this.#length = length;
    return next;
  }

  /** RFC 7692 6: RSV1 marks a compressed message, on its first frame alone. */
  #mayReserve(first: number): boolean {
    const opcode = first & 0x0f;
    return (first & 0x30) === 0 && this.#inflater !== null && (opcode === TEXT || opcode === BINARY);
  }

  #mayExceed(length: number, first: number): boolean {
    const compressed = (first & 0x0f) === CONTINUATION ? this.#compressed : (first & 0x40) !== 0;
    return compressed && length <= this.#limit(true);
  }

  #hasRoomFor(length: number): boolean {
    return this.assembledBytes + length <= this.#limit(this.#compressed);
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
    if (payload === NEED_MORE) {
      this.#heldLength = filled;
      return end;
    }
    if (this.#opcode >= CLOSE) {
      const whole = payload + this.#length;
      if (filled < whole) {
        this.#heldLength = filled;
        return end;
      }
      this.#heldLength = 0;
      // The sink may keep a view of the payload, so it gets the buffer, and the next beginning another one.
      this.#held = null;
      this.#takeWholeFrame(held, payload, whole);
      return at + whole - before;
    }
    this.#heldLength = 0;
    this.#held = null;
    const begin = at + payload - before;
    if (begin + this.#length > end) {
      this.#beginPayload();
      return begin;
    }
    this.#takeWholeFrame(chunk, begin, begin + this.#length);
    return begin + this.#length;
  }

  #takeWholeFrame(bytes: Buffer, start: number, end: number): void {
    if (this.#opcode < CLOSE && (!this.#fin || this.#messageOpcode !== 0 || this.#compressed)) {
      this.#beginFragment();
      this.#endFragment(bytes, start, end);
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
    else this.#sink.onMessage(kept, at, keptEnd, isBinary);
  }

  #takeControl(payload: Buffer): void {
    if (this.#opcode === PING) this.#sink.onPing(payload);
    else if (this.#opcode === PONG) this.#sink.onPong(payload);
    else {
      const body = readCloseBody(payload);
      if (typeof body === "string") {
        this.#fail(body);
        return;
      }
      this.halt();
      this.#sink.onClose(body);
    }
  }

  /** A data frame's header was read, and its payload goes past this chunk. */
  #beginPayload(): void {
    this.#beginFragment();
    this.#remaining = this.#length;
  }

  #takePayload(chunk: Buffer, at: number, end: number): number {
    const expected = this.#remaining;
    const next = Math.min(end, at + expected);
    this.#remaining -= next - at;
    if (this.#remaining === 0) this.#endFragment(chunk, at, next);
    else this.#gather(chunk, at, next, expected);
    return next;
  }

  #beginFragment(): void {
    this.#phase = 0;
    if (this.#opcode === CONTINUATION) return;
    this.#messageOpcode = this.#opcode;
    this.#assembly ??= new Assembly();
  }

  /** The last bytes of a frame are here. */
  #endFragment(bytes: Buffer, start: number, end: number): void {
    if (!this.#fin && this.#length === 0 && ++this.#emptyFragments > MAX_EMPTY_FRAGMENTS) {
      this.#fail("too-many-empty-fragments");
      return;
    }
    if (!this.#gather(bytes, start, end, end - start) || !this.#fin) return;
    const { memory, bytes: payload, length } = this.#assembly!;
    const isBinary = this.#messageOpcode === BINARY;
    if (this.#compressed) this.#takeCompressed(payload.subarray(0, length), isBinary);
    else if (!isBinary && this.#checked < length) this.#fail("invalid-utf8");
    else {
      this.#endMessage();
      // For one without a byte no memory was set aside, and so no room for a header.
      const at = length === 0 ? 0 : MAX_HEADER;
      this.#sink.onMessage(memory, at, at + length, isBinary);
    }
  }

  /** Adds to the message, and fails at the first byte that no text could hold. `expected` is what its frame can still bring. */
  #gather(bytes: Buffer, start: number, end: number, expected: number): boolean {
    const assembly = this.#assembly!;
    assembly.append(bytes, start, end, this.#fin ? expected : Infinity, this.#key, this.#phase);
    this.#phase += end - start;
    if (this.#messageOpcode !== TEXT || this.#compressed) return true;
    const checked = checkUtf8(assembly.bytes, this.#checked, assembly.length);
    if (checked < 0) {
      this.#fail("invalid-utf8");
      return false;
    }
    this.#checked = checked;
    return true;
  }

  #takeCompressed(payload: Buffer, isBinary: boolean): void {
    const message = this.#inflater!.inflate(payload, this.#maxMessageBytes);
    this.#endMessage();
    if (message === "too-big") this.#fail("message-too-big");
    else if (message === "invalid") this.#fail("invalid-compressed-data");
    else if (!isBinary && !isUtf8(message)) this.#fail("invalid-utf8");
    else this.#sink.onMessage(message, 0, message.length, isBinary);
  }

  #endMessage(): void {
    this.#messageOpcode = 0;
    this.#emptyFragments = 0;
    this.#checked = 0;
    this.#assembly = null;
  }

  #fail(name: ViolationName): typeof FAILED {
    this.halt();
    this.#sink.onViolation(violation(name));
    return FAILED;
  }
}
