/** A WebSocket client over a socket of its own, for the commands that talk to servers. */
import type { Socket } from "node:net";
import {
  BINARY,
  CloseCode,
  Connection,
  type ConnectionSink,
  encodeFrame,
  Inflater,
  nextMaskingKey,
  PING,
  PONG,
  TEXT,
} from "hawser/protocol";
import type { Agreement } from "./client-handshake.js";

/** How a connection ended. */
export interface Ending {
  /** 1006: without a close frame; 1005: with one that had no code. */
  readonly code: number;
  readonly reason: string;
  readonly initiator: "us" | "them";
  /** Why there was no close frame, or what the server did wrong; "" for an end in good order. */
  readonly fault: string;
}

/** What happens on a connection. */
export interface ClientHandlers {
  /** A whole message is `bytes[start, end)`, the handler's to keep; text is UTF-8. */
  onMessage(bytes: Buffer, start: number, end: number, isBinary: boolean): void;
  onPong?(payload: Buffer): void;
  /** A ping has come, and was answered. */
  onPing?(payload: Buffer): void;
  /** The socket has taken what was waiting for it. */
  onDrain?(): void;
  /** The connection is over. Called once. */
  onEnd(ending: Ending): void;
}

export interface ClientSettings {
  /** Largest message that is taken, in bytes. */
  readonly maxMessageBytes: number;
  /** How long the server has to answer our close frame, and to end the connection after its own. In milliseconds. */
  readonly closeTimeoutMs: number;
}

export class WebSocketClient {
  /** "" if none. */
  readonly subprotocol: string;
  readonly isCompressed: boolean;
  readonly #socket: Socket;
  readonly #connection: Connection;
  readonly #closeTimeoutMs: number;
  #handlers: ClientHandlers | null = null;
  /** Came behind the handshake, before anybody listened. */
  #early: Buffer[] = [];
  #ending: Ending | null = null;
  #fault: string | null = null;
  #closed = false;
  #closeTimer: NodeJS.Timeout | null = null;

  /** @internal The handshake is over, and `rest` came behind it. See `openWebSocket`. */
  constructor(socket: Socket, { subprotocol, deflate }: Agreement, settings: ClientSettings, rest: Buffer) {
    this.subprotocol = subprotocol;
    this.isCompressed = deflate !== null;
    this.#socket = socket;
    this.#closeTimeoutMs = settings.closeTimeoutMs;
    const inflater = deflate === null ? null : new Inflater(deflate, "client");
    this.#connection = new Connection(
      { role: "client", nextMaskingKey, maxMessageBytes: settings.maxMessageBytes, inflater },
      this.#sink(),
    );
    if (rest.length > 0) this.#early.push(rest);
    socket.on("data", (chunk: Buffer) => this.#onData(chunk));
    socket.on("drain", () => this.#handlers?.onDrain?.());
    socket.on("error", (error: NodeJS.ErrnoException) => (this.#fault = error.code ?? error.message));
    socket.on("close", () => this.#onSocketClosed());
  }

  /** Begins to hand on what comes, also what has come already. To be called once. */
  listen(handlers: ClientHandlers): void {
    this.#handlers = handlers;
    for (const chunk of this.#early) this.#onData(chunk);
    this.#early = [];
    if (this.#closed) this.#onSocketClosed();
  }

  /** Whether messages can be sent. */
  get isOpen(): boolean {
    return this.#connection.state === "open" && this.#socket.writable;
  }

  /** Bytes that were sent and have not left the process. */
  get bufferedBytes(): number {
    return this.#socket.writableLength;
  }

  /** A string as text, bytes as binary, unless said otherwise. Nothing happens when the connection is no longer open. */
  send(payload: string | Uint8Array, isBinary: boolean = typeof payload !== "string"): void {
    if (this.isOpen)
      this.#socket.write(encodeFrame(isBinary ? BINARY : TEXT, payload, { maskingKey: nextMaskingKey() }));
  }

  /** Up to 125 bytes. */
  ping(payload: Uint8Array): void {
    if (this.isOpen) this.#socket.write(encodeFrame(PING, payload, { maskingKey: nextMaskingKey() }));
  }

  /** What `work` sends leaves in one write. */
  batch(work: () => void): void {
    this.#socket.cork();
    work();
    this.#socket.uncork();
  }

  /** Stops reading, until `resume`: the server's messages wait in its own buffers then. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Begins to close; nothing happens when that has begun. The end is told to `onEnd`, at the latest after the close timeout. */
  close(code: number = CloseCode.normal, reason = ""): void {
    const frame = this.#connection.close(code, reason);
    if (frame === null) return;
    this.#socket.write(frame);
    this.#setCloseTimer("no answer to the close frame");
  }

  /** Cuts the connection at once. */
  terminate(): void {
    this.#fault ??= "cut";
    this.#socket.destroy();
  }

  #onData(chunk: Buffer): void {
    if (this.#handlers === null) {
      this.#early.push(chunk);
      return;
    }
    // What is sent while the chunk is read leaves in one write.
    this.#socket.cork();
    this.#connection.receive(chunk, 0);
    this.#socket.uncork();
  }

  #sink(): ConnectionSink {
    return {
      onMessage: (bytes, start, end, isBinary) => this.#handlers?.onMessage(bytes, start, end, isBinary),
      onPing: (payload) => {
        this.#socket.write(encodeFrame(PONG, payload, { maskingKey: nextMaskingKey() }));
        this.#handlers?.onPing?.(payload);
      },
      onPong: (payload) => this.#handlers?.onPong?.(payload),
      onClose: ({ code, reason }, reply) => {
        this.#ending = { code, reason, initiator: reply === null ? "us" : "them", fault: "" };
        if (reply !== null) this.#socket.write(reply);
        // RFC 6455 7.1.1: the server ends the TCP connection, and the client waits for it, within reason.
        this.#setCloseTimer("");
      },
      onViolation: (violation, farewell) => {
        const fault = `the server broke the protocol: ${violation.reason}`;
        this.#ending = { code: violation.code, reason: violation.reason, initiator: "us", fault };
        if (farewell !== null) this.#socket.write(farewell);
        this.#socket.end();
        this.#setCloseTimer("");
      },
    };
  }

  #setCloseTimer(fault: string): void {
    if (this.#closeTimer !== null) clearTimeout(this.#closeTimer);
    this.#closeTimer = setTimeout(() => {
      this.#fault ??= fault;
      this.#socket.destroy();
    }, this.#closeTimeoutMs);
  }

  #onSocketClosed(): void {
    this.#closed = true;
    if (this.#closeTimer !== null) clearTimeout(this.#closeTimer);
    const handlers = this.#handlers;
    if (handlers === null) return;
    const wasOpen = this.#connection.state === "open";
    this.#connection.abandon();
    handlers.onEnd(
      this.#ending ?? {
        code: CloseCode.abnormal,
        reason: "",
        initiator: wasOpen ? "them" : "us",
        fault: this.#fault ?? "the connection ended without a close frame",
      },
    );
  }
}
