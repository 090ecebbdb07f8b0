/**
 * A WebSocket client that decides about every byte it sends, and tells exactly how a connection ended.
 * It does nothing by itself: it answers neither pings nor close frames unless told to.
 */
import assert from "node:assert/strict";
import { isUtf8 } from "node:buffer";
import { type Socket, connect as connectTcp } from "node:net";
import { connect as connectTls } from "node:tls";

import { agreedCompression, type PeerCompression } from "./deflate.js";
import {
  BINARY,
  CLOSE,
  CONTINUATION,
  encodeFrame,
  type Frame,
  FrameReader,
  type FrameSpec,
  frame,
  PING,
  PONG,
  TEXT,
} from "./frames.js";
import {
  acceptFor,
  freshKey,
  type HandshakeOptions,
  type HttpResponse,
  parseResponseHead,
  upgradeRequest,
} from "./http.js";
import { PATIENCE_MS } from "./concurrency.js";
import { reset } from "./reset.js";

export interface ConnectOptions extends HandshakeOptions {
  /** Answers pings as RFC 6455 5.5.2 asks. @default false */
  answerPings?: boolean;
  /** Keeps our side of the TCP connection open after the server's FIN. @default false */
  keepHalfOpen?: boolean;
  timeoutMs?: number;
}

export type Message = { type: "text" | "binary"; bytes: Buffer; compressed: boolean };
export type Event =
  | Message
  | { type: "ping" | "pong"; bytes: Buffer }
  | { type: "close"; code: number | undefined; reason: string };

/** How the server's side of the TCP connection ended; "open" when it has not. */
export interface Ending {
  how: "fin" | "reset" | "open";
  /** The close frame that the server sent, if any; its code is undefined if the frame had no body. */
  close: { code: number | undefined; reason: string } | undefined;
  /** Milliseconds from the start of the connection to its end. */
  afterMs: number;
  /** True if we had sent our FIN before the server's came. */
  weEndedFirst: boolean;
}

export class RawClient {
  readonly url: string;
  readonly socket: Socket;
  /** Rules of RFC 6455 that the server broke. */
  readonly violations: string[];
  /** Set by `open` if the server accepted permessage-deflate. */
  compression: PeerCompression | undefined;
  /** The server's answer to the handshake. */
  response: HttpResponse | undefined;
  /** Statuses that came before it, 100 (Continue) for one. */
  readonly interim: number[] = [];

  /** What `socket` encrypts for, or the same. */
  readonly #tcp: Socket;
  readonly #options: ConnectOptions;
  readonly #reader: FrameReader = new FrameReader();
  /** Before the connection was asked for: no deadline of the server's can have begun earlier. */
  readonly #startedAt: number;
  readonly #frames: Frame[] = [];
  readonly #events: Event[] = [];
  readonly #waiting = new Set<() => void>();
  #framesRead = 0;
  #eventsRead = 0;
  #http: Buffer | undefined = Buffer.alloc(0);
  #partial: { opcode: number; compressed: boolean; parts: Buffer[] } | undefined;
  #close: Ending["close"];
  #ending: Ending | undefined;
  #weEnded = false;

  private constructor(url: string, socket: Socket, tcp: Socket, startedAt: number, options: ConnectOptions) {
    this.url = url;
    this.socket = socket;
    this.#tcp = tcp;
    this.#startedAt = startedAt;
    this.#options = options;
    this.violations = this.#reader.violations;
    socket.setNoDelay(true);
    socket.on("data", (chunk) => this.#onData(chunk));
    socket.on("end", () => this.#onEnd("fin"));
    socket.on("error", () => this.#onEnd("reset"));
    socket.on("close", () => this.#onEnd("reset"));
  }

  /** A TCP (or TLS) connection on which nothing has been sent yet. */
  static async connect(url: string, options: ConnectOptions = {}): Promise<RawClient> {
    const startedAt = performance.now();
    const { hostname, port, protocol } = new URL(url);
    const tcp = connectTcp({ host: hostname.replace(/^\[|\]$/g, ""), port: Number(port), allowHalfOpen: true });
    const secure = protocol === "wss:" || protocol === "https:";
    const socket = secure ? connectTls({ socket: tcp, rejectUnauthorized: false }) : tcp;
    await new Promise<void>((done, fail) => {
      socket.once(secure ? "secureConnect" : "connect", done);
      socket.once("error", fail);
    });
    return new RawClient(url, socket, tcp, startedAt, options);
  }

  /** A WebSocket connection: connects, upgrades, and checks the server's answer. */
  static async open(url: string, options: ConnectOptions = {}): Promise<RawClient> {
    const client = await RawClient.connect(url, options);
    const key = options.key ?? freshKey();
    const response = await client.handshake({ ...options, key });
    try {
      assert.equal(response.status, 101, `the server refused the upgrade: ${response.status} ${response.body}`);
      assert.equal(response.headers.get("upgrade")?.[0]?.toLowerCase(), "websocket", "4.2.2: Upgrade");
      assert.equal(response.headers.get("connection")?.[0]?.toLowerCase(), "upgrade", "4.2.2: Connection");
      assert.deepEqual(response.headers.get("sec-websocket-accept"), [acceptFor(key)], "4.2.2: Sec-WebSocket-Accept");
      client.compression = agreedCompression(response.headers.get("sec-websocket-extensions"), options.offer);
    } catch (error) {
      client.destroy();
      throw error;
    }
    return client;
  }

  /** Sends an upgrade request and waits for the answer. */
  async handshake(options: HandshakeOptions = this.#options): Promise<HttpResponse> {
    void this.sendBytes(upgradeRequest(this.url, options));
    const response = await this.nextResponse();
    assert.ok(response, "the server closed the connection instead of answering the upgrade request");
    return response;
  }

  /** The HTTP response (with its whole body unless it is a 101), or undefined if the connection ended without one. */
  async nextResponse(timeoutMs: number = this.#patience): Promise<HttpResponse | undefined> {
    await this.#until(() => this.#tryResponse() || this.#ending !== undefined, "an HTTP response", timeoutMs);
    return this.response;
  }

  /** True when the bytes have been handed to the kernel. Never throws: the connection may be gone already. */
  sendBytes(bytes: string | Uint8Array): Promise<boolean> {
    return new Promise((done) => {
      if (this.socket.destroyed || this.#weEnded) return done(false);
      this.socket.write(bytes, (error) => done(!error));
    });
  }

  /** Sends the bytes in pieces of `size`, each a write of its own in a later turn of the event loop. */
  async sendChopped(bytes: Uint8Array, size: number, pauseMs = 0): Promise<boolean> {
    for (let at = 0; at < bytes.length; at += size) {
      if (!(await this.sendBytes(bytes.subarray(at, at + size)))) return false;
      await new Promise<void>((next) => (pauseMs > 0 ? setTimeout(next, pauseMs) : setImmediate(next)));
    }
    return true;
  }

  sendFrame(spec: FrameSpec): Promise<boolean> {
    return this.sendBytes(encodeFrame(spec));
  }

  /** Every frame so far. */
  frames(): readonly Frame[] {
    return this.#frames;
  }

  /** The next frame, or undefined if the connection ended. */
  async nextFrame(timeoutMs: number = this.#patience): Promise<Frame | undefined> {
    await this.#until(() => this.#frames.length > this.#framesRead || this.#ending !== undefined, "a frame", timeoutMs);
    return this.#frames[this.#framesRead++];
  }

  /** The next message, ping, pong or close frame; undefined if the connection ended. */
  async nextEvent(timeoutMs: number = this.#patience): Promise<Event | undefined> {
    const event = await this.peekEvent(timeoutMs);
    if (event !== undefined) this.#eventsRead++;
    return event;
  }

  /** As `nextEvent`, but the event stays the next one. */
  async peekEvent(timeoutMs: number = this.#patience): Promise<Event | undefined> {
    await this.#until(
      () => this.#events.length > this.#eventsRead || this.#ending !== undefined,
      "an event",
      timeoutMs,
    );
    return this.#events[this.#eventsRead];
  }

  /** The next data message, whole and inflated, passing over pings and pongs. */
  async nextMessage(timeoutMs: number = this.#patience): Promise<Message> {
    for (;;) {
      const event = await this.nextEvent(timeoutMs);
      if (event?.type === "text" || event?.type === "binary") return event;
      assert.ok(event && event.type !== "close", `a message was expected, but ${describe(event, this.#ending)}`);
    }
  }

  /** Events that came and were not taken by `nextEvent` or `nextMessage`. */
  unreadEvents(): readonly Event[] {
    return this.#events.slice(this.#eventsRead);
  }

  /** Sends a message and checks that exactly it comes back. */
  async echo(text: string, timeoutMs: number = this.#patience): Promise<void> {
    await this.sendFrame(frame.text(text));
    const message = await this.nextMessage(timeoutMs);
    assert.deepEqual([message.type, message.bytes.toString()], ["text", text]);
  }

  /** Waits for the end of the server's side of the TCP connection; `how: "open"` if it does not come in time. */
  async ended(timeoutMs: number = this.#patience): Promise<Ending> {
    await this.#until(() => this.#ending !== undefined, undefined, timeoutMs);
    const afterMs = performance.now() - this.#startedAt;
    return this.#ending ?? { how: "open", close: this.#close, afterMs, weEndedFirst: this.#weEnded };
  }

  /**
   * The server must end the TCP connection by FIN, after a close frame with this code (or one of these).
   * `undefined`: any close frame, one without a body too. `"none"`: without a close frame.
   */
  async expectClose(code?: number | readonly number[] | "none", timeoutMs: number = this.#patience): Promise<Ending> {
    const ending = await this.ended(timeoutMs);
    const seen = `${describe(ending.close && { type: "close", ...ending.close }, ending)}; events unread: ${this.unreadEvents().length}`;
    if (code === "none") assert.equal(ending.close, undefined, `no close frame was expected: ${seen}`);
    else {
      assert.ok(ending.close, `a close frame was expected: ${seen}`);
      const codes = typeof code === "number" ? [code] : code;
      if (codes)
        assert.ok(codes.includes(ending.close.code ?? 1005), `close code ${codes.join(" or ")} was expected: ${seen}`);
    }
    assert.equal(ending.how, "fin", `the server must end the TCP connection: ${seen}`);
    return ending;
  }

  /** The closing handshake as a client begins it. */
  async close(code = 1000, reason = ""): Promise<Ending> {
    await this.sendFrame(frame.close(code, reason));
    const ending = await this.expectClose(code);
    this.destroy();
    return ending;
  }

  /** Our FIN: we send no more and still read. */
  end(): void {
    this.#weEnded = true;
    this.socket.end();
  }

  /** RST (SO_LINGER 0). */
  reset(): void {
    this.#weEnded = true;
    reset(this.#tcp);
    this.socket.destroy();
  }

  destroy(): void {
    this.#weEnded = true;
    this.socket.destroy();
  }

  get #patience(): number {
    return this.#options.timeoutMs ?? PATIENCE_MS;
  }

  #onData(chunk: Buffer): void {
    if (this.#http !== undefined) this.#http = Buffer.concat([this.#http, chunk]);
    else this.#onFrameBytes(chunk);
    this.#wake();
  }

  #tryResponse(): boolean {
    if (this.response !== undefined && this.#http === undefined) return true;
    const head = parseResponseHead(this.#http ?? Buffer.alloc(0));
    if (head === undefined || this.#http === undefined) return false;
    const rest = this.#http.subarray(head.length);
    if (head.response.status < 200 && head.response.status !== 101) {
      this.interim.push(head.response.status);
      this.#http = rest;
      return this.#tryResponse();
    }
    if (head.response.status !== 101) {
      const length = bodyLength(head.response, rest);
      if ((length === undefined || rest.length < length) && this.#ending === undefined) return false;
      const end = length ?? rest.length;
      head.response.body = rest.toString("utf8", 0, end);
      this.#http = rest.subarray(end);
      this.response = head.response;
      return true;
    }
    this.response = head.response;
    this.#http = undefined;
    this.#onFrameBytes(rest);
    return true;
  }

  #onFrameBytes(bytes: Buffer): void {
    for (const received of this.#reader.push(bytes)) {
      this.#frames.push(received);
      this.#onFrame(received);
    }
  }

  #onFrame(received: Frame): void {
    const { opcode, payload } = received;
    if (opcode === PING || opcode === PONG) {
      this.#events.push({ type: opcode === PING ? "ping" : "pong", bytes: payload });
      if (opcode === PING && this.#options.answerPings) void this.sendFrame(frame.pong(payload));
    } else if (opcode === CLOSE) {
      this.#close = {
        code: payload.length >= 2 ? payload.readUInt16BE(0) : undefined,
        reason: payload.toString("utf8", 2),
      };
      this.#events.push({ type: "close", ...this.#close });
    } else this.#onDataFrame(received);
  }

  #onDataFrame(received: Frame): void {
    if (received.opcode !== CONTINUATION) {
      this.#partial = { opcode: received.opcode, compressed: (received.rsv & 4) !== 0, parts: [] };
    }
    if (this.#partial === undefined) return; // the reader has noted the violation
    this.#partial.parts.push(received.payload);
    if (!received.fin) return;
    const { opcode, compressed, parts } = this.#partial;
    this.#partial = undefined;
    let bytes = parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
    if (compressed && this.compression === undefined) this.violations.push("5.2: RSV1 without a negotiated extension");
    if (compressed && this.compression !== undefined) bytes = this.compression.inflate(bytes);
    if (opcode === TEXT && !isUtf8(bytes)) this.violations.push("8.1: text message is not UTF-8");
    this.#events.push({ type: opcode === BINARY ? "binary" : "text", bytes, compressed });
  }

  #onEnd(how: "fin" | "reset"): void {
    if (this.#ending === undefined) {
      const afterMs = performance.now() - this.#startedAt;
      this.#ending = { how, close: this.#close, afterMs, weEndedFirst: this.#weEnded };
      if (how === "fin" && this.#options.keepHalfOpen !== true) this.end();
    }
    this.#wake();
  }

  #wake(): void {
    for (const check of this.#waiting) check();
  }

  /** Rejects after `timeoutMs` if `what` is given; just resolves then if it is not. */
  #until(condition: () => boolean, what: string | undefined, timeoutMs: number): Promise<void> {
    return new Promise((done, fail) => {
      const check = (): void => {
        try {
          if (condition()) settle(done);
        } catch (error) {
          settle(() => fail(error instanceof Error ? error : new Error(String(error))));
        }
      };
      const settle = (how: () => void): void => {
        clearTimeout(timer);
        this.#waiting.delete(check);
        how();
      };
      const timer = setTimeout(() => {
        if (what === undefined) return settle(done);
        settle(() =>
          fail(new Error(`waited ${timeoutMs} ms for ${what}; unread: ${this.unreadEvents().length} events`)),
        );
      }, timeoutMs);
      this.#waiting.add(check);
      check();
    });
  }
}

/** How long the body is, framing of chunks included; undefined: until the connection ends. */
function bodyLength(response: HttpResponse, rest: Buffer): number | undefined {
  const length = response.headers.get("content-length")?.[0];
  if (length !== undefined) return Number(length);
  if (response.headers.get("transfer-encoding")?.[0] !== "chunked") return undefined;
  const last = rest.indexOf("0\r\n\r\n");
  return last === -1 ? Number.POSITIVE_INFINITY : last + 5;
}

/** One line about an event, for messages of failed assertions. */
export function describe(event: Event | undefined, ending?: Ending): string {
  const end =
    ending === undefined || ending.how === "open"
      ? "TCP still open"
      : `TCP ended by ${ending.how} after ${Math.round(ending.afterMs)} ms`;
  if (event === undefined) return `no close frame came, ${end}`;
  if (event.type === "close")
    return `close ${event.code ?? "without a code"} ${JSON.stringify(event.reason)} came, ${end}`;
  const start = event.bytes.subarray(0, 24);
  return `${event.type} of ${event.bytes.length} bytes (${event.type === "text" ? JSON.stringify(start.toString()) : start.toString("hex")})`;
}
