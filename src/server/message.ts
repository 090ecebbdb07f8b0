import { encodeFrame, writeHeaderBefore } from "../protocol/encoder.js";
import { BINARY, TEXT } from "../protocol/opcodes.js";
import { LONG_BYTES, type Scratch } from "./scratch.js";
import { UsageError } from "./usage-error.js";

/** One message as it came: bytes, which become text or JSON only when asked. Pass it to `send` or `publish` to relay it undecoded. */
export class Message {
  readonly isBinary: boolean;
  readonly #chunk: Buffer;
  readonly #start: number;
  readonly #end: number;

  /** @internal The message is `chunk[start, end)`. */
  constructor(chunk: Buffer, start: number, end: number, isBinary: boolean) {
    this.#chunk = chunk;
    this.#start = start;
    this.#end = end;
    this.isBinary = isBinary;
  }

  /** Length in bytes. */
  get byteLength(): number {
    return this.#end - this.#start;
  }

  /**
   * The payload, without a copy: a view that keeps up to 32 KiB around it in memory as long as it is kept. Not to be written to: when
   * the message is sent on, it may be these very bytes that leave.
   */
  get bytes(): Buffer {
    return this.#chunk.subarray(this.#start, this.#end);
  }

  /** @internal Adds it as a frame. @returns as `Scratch.addReceived` */
  addTo(scratch: Scratch): number {
    return scratch.addReceived(opcodeOf(this), this.#chunk, this.#start, this.#end);
  }

  /** @internal It as a frame: a long one is not copied, and shares its bytes with `bytes`. */
  toFrame(): Buffer {
    const at =
      this.byteLength < LONG_BYTES ? -1 : writeHeaderBefore(opcodeOf(this), this.#chunk, this.#start, this.#end);
    return at < 0 ? encodeFrame(opcodeOf(this), this.bytes) : this.#chunk.subarray(at, this.#end);
  }

  /** The payload as text. A text message is UTF-8 for certain; in a binary one, what is not becomes U+FFFD. */
  text(): string {
    return this.#chunk.toString("utf8", this.#start, this.#end);
  }

  /** The payload parsed as JSON. @throws SyntaxError */
  json(): unknown {
    return JSON.parse(this.text());
  }
}

// Not a member: V8 calls its runtime for a private getter, and notes in each object that it has private methods.
function opcodeOf({ isBinary }: Message): typeof TEXT | typeof BINARY {
  return isBinary ? BINARY : TEXT;
}

/** What `send` and `publish` take: text, bytes (sent as a binary message), or a message that came in (sent as its own type). */
export type Payload = string | Uint8Array | Message;

/** @throws UsageError for what cannot be sent */
export function checkPayload(payload: Payload): void {
  if (typeof payload === "string" || payload instanceof Uint8Array || payload instanceof Message) return;
  throw new UsageError(`send: takes a string, a Uint8Array or a received message, got ${describe(payload)}`);
}

function describe(value: unknown): string {
  return typeof value === "object" && value !== null
    ? `an object (${value.constructor?.name ?? "without a prototype"})`
    : String(value);
}
