/** Bytes in, events out: what the tests of the parser and the connection are written with. */
import { createHash } from "node:crypto";
import type { CloseBody } from "#hawser/protocol/close-codes.js";
import { readBuffer } from "#hawser/protocol/mask.js";
import { Parser } from "#hawser/protocol/parser.js";
import type { ParserOptions } from "#hawser/protocol/parser-options.js";
import type { Violation } from "#hawser/protocol/violations.js";

/** What a parser finds, told to somebody else. */
export interface ParserSink {
  onMessage(bytes: Buffer, start: number, end: number, isBinary: boolean): void;
  onPing(payload: Buffer): void;
  onPong(payload: Buffer): void;
  onClose(body: CloseBody): void;
  onViolation(violation: Violation): void;
}

export class SinkParser extends Parser {
  readonly #sink: ParserSink;

  constructor(options: ParserOptions, sink: ParserSink) {
    super(options);
    this.#sink = sink;
  }

  /** The tests halt it from outside. */
  override halt(): void {
    super.halt();
  }

  protected override onMessage(bytes: Buffer, start: number, end: number, isBinary: boolean): void {
    this.#sink.onMessage(bytes, start, end, isBinary);
  }
  protected override onPing(payload: Buffer): void {
    this.#sink.onPing(payload);
  }
  protected override onPong(payload: Buffer): void {
    this.#sink.onPong(payload);
  }
  protected override onClose(body: CloseBody): void {
    this.#sink.onClose(body);
  }
  protected override onViolation(violation: Violation): void {
    this.#sink.onViolation(violation);
  }
}

/**
 * Notes what was found, a line for each. The bytes are read when the lines are asked for and not before: what a sink was
 * handed is its to keep, so nothing that came later may have changed it.
 */
export class Recorder implements ParserSink {
  readonly #lines: Array<() => string> = [];

  get events(): string[] {
    return this.#lines.map((line) => line());
  }

  onMessage(bytes: Buffer, start: number, end: number, isBinary: boolean): void {
    const payload = bytes.subarray(start, end);
    if (payload.length !== end - start) throw new Error("a message past the end of its memory");
    this.#lines.push(() => message(payload, isBinary));
  }

  onPing(payload: Buffer): void {
    this.#lines.push(() => `ping ${payload.toString("hex")}`);
  }

  onPong(payload: Buffer): void {
    this.#lines.push(() => `pong ${payload.toString("hex")}`);
  }

  onClose({ code, reason }: CloseBody): void {
    this.#lines.push(() => `close ${code} ${JSON.stringify(reason)}`);
  }

  onViolation({ name }: Violation): void {
    this.#lines.push(() => `violation ${name}`);
  }
}

export function message(payload: Uint8Array, isBinary: boolean): string {
  const bytes = Buffer.from(payload);
  if (bytes.length > 125) {
    const digest = createHash("sha1").update(bytes).digest("hex").slice(0, 8);
    return `${isBinary ? "binary" : "text"} of ${bytes.length} bytes, ${digest}`;
  }
  return isBinary ? `binary ${bytes.toString("hex")}` : `text ${JSON.stringify(bytes.toString("utf8"))}`;
}

/** Bytes that all differ from their neighbours; every seventh is ASCII no more. */
export function payloadOf(length: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, i) => (i * 31 + (i >> 8) * 7 + 1) & (i % 7 === 0 ? 0xff : 0x7f)));
}

export function hex(text: string): Buffer {
  const digits = text.replaceAll(" ", "");
  if (digits.length % 2 === 1 || /[^0-9a-f]/.test(digits)) throw new Error(`not hex: ${text}`);
  return Buffer.from(digits, "hex");
}

/** An unmasked frame as a client would send it. It may be cut short, but not in its header. */
export function masked(frame: Buffer, key: Buffer): Buffer {
  const form = frame[1]! & 0x7f;
  const start = form === 127 ? 10 : form === 126 ? 4 : 2;
  const head = Buffer.from(frame.subarray(0, start));
  head[1]! |= 0x80;
  return Buffer.concat([head, key, frame.subarray(start).map((byte, i) => byte ^ key[i & 3]!)]);
}

interface Receiver {
  receive(chunk: Buffer, start: number, end: number): number;
}

/**
 * Hands over `bytes` in pieces that end at `cuts`, as a socket does: each in memory of its own, or all in the buffer that sockets share,
 * where short messages are unmasked together.
 */
export function feed(receiver: Receiver, bytes: Uint8Array, cuts: readonly number[] = [], isShared = false): void {
  let from = 0;
  for (const cut of [...cuts, bytes.length]) {
    const piece = bytes.subarray(from, cut);
    // What is in front of `start` was read before, what is behind `end` is left from another read.
    const start = from & 3;
    const end = start + piece.length;
    const chunk = isShared && end + 20 <= readBuffer().length ? readBuffer() : Buffer.alloc(end + 20);
    chunk.fill(0xee, 0, end + 20).set(piece, start);
    const asItWas = Buffer.from(chunk.subarray(0, end + 20));
    for (let at = start, turns = 0; at < end; turns++) {
      at = receiver.receive(chunk, at, end);
      if (turns > bytes.length) throw new Error("receive goes nowhere");
    }
    if (!asItWas.equals(chunk.subarray(0, end + 20))) throw new Error("wrote into the chunk");
    // The next read overwrites it.
    chunk.fill(0xee, 0, end + 20);
    from = cut;
  }
}

/** Every way to cut `length` bytes that the tests try: nowhere, once anywhere, after each byte. */
export function* everyCut(length: number): Generator<number[]> {
  yield [];
  for (let cut = 0; cut <= length; cut++) yield [cut];
  yield Array.from({ length }, (_, index) => index);
}
