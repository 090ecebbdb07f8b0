import type { CloseBody } from "./close-codes.js";
import { encodeClose } from "./encoder.js";
import { Parser } from "./parser.js";
import type { ParserOptions } from "./parser-options.js";
import { type ConnectionEvent, type ConnectionState, transitions } from "./states.js";
import type { Violation } from "./violations.js";

/** What happens on a connection. Called while `receive` runs; must not throw and must not call `receive`. */
export interface ConnectionSink {
  /** A whole message is `bytes[start, end)`, unmasked and decompressed; text is UTF-8. The bytes are the sink's to keep. */
  onMessage(bytes: Buffer, start: number, end: number, isBinary: boolean): void;
  /** To be answered with a pong of the same payload (RFC 6455 5.5.3). */
  onPing(payload: Buffer): void;
  onPong(payload: Buffer): void;
  /** The peer's close frame. `reply` is the close frame to answer with, null when ours went out before. */
  onClose(body: CloseBody, reply: Buffer | null): void;
  /** The peer broke a rule. `farewell` is the close frame to send, null when ours went out before. */
  onViolation(violation: Violation, farewell: Buffer | null): void;
}

interface ConnectionOptions extends ParserOptions {
  /** Messages and pings are handed on until the peer's close frame has come, and not just until our own is out. @default false */
  readonly hearsWhileClosing?: boolean | undefined;
}

interface ServerOptions extends ConnectionOptions {
  readonly role: "server";
}

interface ClientOptions extends ConnectionOptions {
  readonly role: "client";
  /** RFC 6455 5.3: each frame of a client takes a fresh key of 32 bits from a strong source of entropy. */
  readonly nextMaskingKey: () => number;
}

/** One WebSocket connection after its handshake, without I/O: bytes in, events out. */
export class Connection extends Parser {
  readonly #sink: ConnectionSink;
  readonly #nextMaskingKey: (() => number) | null;
  readonly #hearsWhileClosing: boolean;
  #state: ConnectionState = "open";

  constructor(options: ServerOptions | ClientOptions, sink: ConnectionSink) {
    super(options);
    this.#sink = sink;
    this.#nextMaskingKey = options.role === "client" ? options.nextMaskingKey : null;
    this.#hearsWhileClosing = options.hearsWhileClosing ?? false;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** @returns the close frame to send, or null when one went out already (RFC 6455 5.5.1: a single one) */
  close(code: number, reason: string): Buffer | null {
    return this.#on("closeSent") ? this.#closeFrame(code, reason) : null;
  }

  /** Ignores whatever comes from now on. */
  abandon(): void {
    this.halt();
    this.#on("failed");
  }

  protected override onMessage(bytes: Buffer, start: number, end: number, isBinary: boolean): void {
    // RFC 6455 1.4: after its close frame an endpoint takes no interest in further data.
    if (this.#state === "open" || this.#hearsWhileClosing) this.#sink.onMessage(bytes, start, end, isBinary);
  }

  protected override onPing(payload: Buffer): void {
    // RFC 6455 5.5.3: a pong is sent unless a close frame was received; after our own one nothing is to be sent (5.5.1: data).
    if (this.#state === "open" || this.#hearsWhileClosing) this.#sink.onPing(payload);
  }

  protected override onPong(payload: Buffer): void {
    this.#sink.onPong(payload);
  }

  protected override onClose(body: CloseBody): void {
    const reply = this.#state === "open" ? this.#closeFrame(body.code, "") : null;
    if (this.#on("closeReceived")) this.#sink.onClose(body, reply);
  }

  protected override onViolation(violation: Violation): void {
    const farewell = this.#state === "open" ? this.#closeFrame(violation.code, violation.reason) : null;
    if (this.#on("failed")) this.#sink.onViolation(violation, farewell);
  }

  /** RFC 6455 5.1: a client masks all its frames, a server none. */
  #closeFrame(code: number, reason: string): Buffer {
    const next = this.#nextMaskingKey;
    return next === null ? encodeClose(code, reason) : encodeClose(code, reason, { maskingKey: next() });
  }

  #on(event: ConnectionEvent): boolean {
    const next = transitions[this.#state][event];
    if (next === undefined) return false;
    this.#state = next;
    return true;
  }
}
