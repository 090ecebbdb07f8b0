/** The WebSocket of `ws`, on a session of the engine's: what the application holds of a client, or of a connection of its own. */
import type { ClientRequest, ClientRequestArgs } from "node:http";
import type { Duplex } from "node:stream";
import type { ClientOptionsFor, Connecting } from "./client-options.js";
import { type EventMapOf, EventTarget, SHOWN } from "./event-target.js";
import {
  asType,
  BINARY_TYPES,
  type BinaryType,
  checkClose,
  form,
  isToBeBinary,
  isPlain,
  type SendOptions,
  tellWritten,
} from "./messages.js";
import { type BufferLike, isBlob, NOTHING, toBuffer } from "./payload.js";
import { notOpen, ReadyState } from "./ready-states.js";
import { FrameSender } from "./frame-sender.js";
import { NONE, type Rare } from "./rare.js";
import { SendQueue } from "./send-queue.js";
import type { FrameForm, SocketEvents, SocketSession, Written } from "./socket-port.js";

/** What `addEventListener` calls its listeners with. */
export type WebSocketEventMap = EventMapOf<WebSocket>;

/** What `new WebSocket` takes. */
export type ClientOptions = ClientOptionsFor<WebSocket>;

/** Begins to connect, and tells the socket what it may give up. Set by connect.ts, which is on the other side of what this file may import. */
export type Connector = (
  socket: WebSocket,
  address: string | URL,
  protocols: string | string[] | undefined,
  options: ClientOptions | undefined,
) => void;

/** How sessions, servers and the client's handshake reach what the application cannot. */
export interface SocketInside {
  /** It is open from now on. */
  open(socket: WebSocket, session: SocketSession): void;
  /** Its handshake has failed. @returns whether any listener has heard of it */
  fail(socket: WebSocket, error: Error): boolean;
  /** @returns whether any listener has heard of it */
  emitError(socket: WebSocket, error: Error): boolean;
  /** No session comes any more. */
  closeUnopened(socket: WebSocket): void;
  setClosing(socket: WebSocket): void;
  setUrl(socket: WebSocket, url: string): void;
  setConnecting(socket: WebSocket, connecting: Connecting): void;
  isConnecting(socket: WebSocket): boolean;
  connect: Connector | null;
}

const CONTROL_TOO_LONG = "The data size must not be greater than 125 bytes";

export let inside: SocketInside;

/** What sessions tell of: see `SocketEvents`. */
export let socketEvents: SocketEvents;

// oxlint-disable-next-line unicorn/prefer-event-target -- `ws` has both
export class WebSocket extends EventTarget<WebSocket> {
  static readonly CONNECTING: 0 = ReadyState.CONNECTING;
  static readonly OPEN: 1 = ReadyState.OPEN;
  static readonly CLOSING: 2 = ReadyState.CLOSING;
  static readonly CLOSED: 3 = ReadyState.CLOSED;

  static {
    inside = {
      open: (socket, session) => socket.#onOpen(session),
      fail: (socket, error) => socket.#onFailed(error),
      emitError: (socket, error) => socket.#emitError(error),
      closeUnopened: (socket) => socket.#onClosed(1006, NOTHING, false),
      setClosing: (socket) => void (socket.#state = ReadyState.CLOSING),
      setUrl: (socket, url) => void (socket.#own.url = url),
      setConnecting: (socket, connecting) => void (socket.#own.connecting = connecting),
      isConnecting: (socket) => socket.#state === ReadyState.CONNECTING,
      connect: null,
    };
    socketEvents = {
      message: (socket, data, isBinary) => (socket as WebSocket).#onMessage(data, isBinary),
      ping: (socket, data) => (socket as WebSocket).emit("ping", data),
      pong: (socket, data) => (socket as WebSocket).emit("pong", data),
      error: (socket, error) => (socket as WebSocket).#emitError(error),
      closed: (socket, code, reason, wasClean) => (socket as WebSocket).#onClosed(code, reason, wasClean),
    };
    // As attributes, they are to be seen by whoever lists what a WebSocket has.
    const shown = ["binaryType", "bufferedAmount", "extensions", "isPaused", "protocol", "readyState", "url"];
    for (const name of shown) Object.defineProperty(this.prototype, name, { enumerable: true });
    for (const name of SHOWN)
      Object.defineProperty(this.prototype, name, Object.getOwnPropertyDescriptor(EventTarget.prototype, name)!);
    for (const [name, value] of Object.entries(ReadyState)) {
      Object.defineProperty(this.prototype, name, { enumerable: true, value });
      Object.defineProperty(this, name, { enumerable: true, writable: false, configurable: false, value });
    }
  }

  declare readonly CONNECTING: 0;
  declare readonly OPEN: 1;
  declare readonly CLOSING: 2;
  declare readonly CLOSED: 3;

  /** Null: its handshake is under way, or has failed. */
  #session: SocketSession | null = null;
  /** What it is at as long as there is no session, and once it is closed. */
  #state: ReadyState = ReadyState.CONNECTING;
  /** Null: nothing has happened of what it is for. */
  #rare: Rare | null = null;

  /**
   * Connects to a server, as `new WebSocket` of `ws` does.
   * @param address `ws:`, `wss:`, `http:`, `https:` or `ws+unix:`. Null: it is a server's, which gives it a session
   * @throws SyntaxError for an address or a subprotocol that cannot be
   */
  constructor(address: null, protocols?: undefined, options?: object);
  constructor(address: string | URL, options?: ClientOptions | ClientRequestArgs);
  constructor(address: string | URL, protocols?: string | string[], options?: ClientOptions | ClientRequestArgs);
  constructor(
    address: string | URL | null,
    protocols?: string | string[] | ClientOptions | ClientRequestArgs,
    options?: object,
  ) {
    super();
    if (address === null) return;
    const isLeftOut =
      protocols === undefined || (typeof protocols === "object" && protocols !== null && !Array.isArray(protocols));
    const given: (ClientOptions & { protocols?: string[] }) | undefined = isLeftOut ? (protocols ?? options) : options;
    const offered = isLeftOut ? given?.protocols : (protocols as string[]);
    inside.connect!(this, address, offered, given);
  }

  get readyState(): ReadyState {
    const session = this.#session;
    if (session === null || this.#state === ReadyState.CLOSED) return this.#state;
    return session.isOpen ? ReadyState.OPEN : ReadyState.CLOSING;
  }

  get binaryType(): "nodebuffer" | "arraybuffer" | "fragments" {
    return (this.#rare?.binaryType ?? "nodebuffer") as "nodebuffer";
  }

  set binaryType(type: BinaryType) {
    if (BINARY_TYPES.includes(type)) this.#own.binaryType = type;
  }

  /** Bytes that wait in this process because the other side takes no more, those of frames' headers among them. */
  get bufferedAmount(): number {
    return (this.#session?.waitingBytes ?? 0) + (this.#rare?.late ?? 0) + (this.#rare?.queue?.bytes ?? 0);
  }

  /** What was agreed on: `permessage-deflate` or nothing. */
  get extensions(): string {
    return this.#session?.isCompressed === true ? "permessage-deflate" : "";
  }

  get isPaused(): boolean {
    return this.#session?.isPaused ?? false;
  }

  get protocol(): string {
    return this.#session?.subprotocol ?? "";
  }

  /** Undefined for a server's. */
  get url(): string {
    return this.#rare?.url as string;
  }

  /**
   * The socket below; null before the handshake is over. What many programs look at is there: addresses, byte counts, `destroy`, `end`, the
   * events `close` and `error`, and what TLS has. It is not read from or written to: the engine does that, with the frames of a turn in
   * one piece, and what is written in between breaks them. For a connection that came in by the server's own port it stands for the
   * socket, and what is written to it goes nowhere.
   */
  get _socket(): Duplex | null {
    return this.#session?.nodeSocket ?? null;
  }

  /** What sends frames of `WebSocket.Sender.frame`; null before the handshake is over. */
  get _sender(): FrameSender | null {
    return this.#session === null ? null : new FrameSender((frame, written) => this.#sendAsIs(frame, written));
  }

  /** The request of the handshake, while it is under way; else null. */
  get _req(): ClientRequest | null {
    return this.#rare?.connecting?.request ?? null;
  }

  /**
   * Sends a message, or a fragment of one.
   * @param written called when it is with the kernel, or with an error when it will not be
   * @throws Error before the connection is open; TypeError for data that cannot be sent
   */
  send(data: BufferLike, written?: Written): void;
  send(data: BufferLike, options: SendOptions | undefined, written?: Written): void;
  send(data: unknown, options?: SendOptions | Written | null, written?: Written): void {
    const session = this.#session;
    if (typeof options === "function") {
      written = options;
      options = undefined;
    }
    if (session === null || !session.isOpen) {
      this.#sendTooLate(data, written);
      return;
    }
    if (typeof data === "number") data = String(data);
    const isBinary = isToBeBinary(data, options);
    const { queue } = this.#rare ?? NONE;
    if (queue !== null || !((typeof data === "string" && data !== "") || Buffer.isBuffer(data))) {
      if (isBlob(data) || queue?.isBusy === true) {
        this.#enqueue(data, written, (bytes) => this.#sendBytes(bytes, form(session, isBinary, options)));
        return;
      }
      data = toBuffer(data);
    }
    const isOnItsWay =
      options == null || isPlain(options, session)
        ? session.sendMessage(data as string | Buffer, isBinary)
        : session.sendFrame(toBuffer(data), form(session, isBinary, options));
    if (written !== undefined) tellWritten(session, isOnItsWay, written);
  }

  /** Sends a ping of at most 125 bytes. @throws Error before the connection is open; RangeError for more */
  ping(data?: unknown, mask?: boolean, written?: (error: Error) => void): void {
    this.#sendControl("sendPing", data, mask, written);
  }

  /** Sends a pong of at most 125 bytes. @throws Error before the connection is open; RangeError for more */
  pong(data?: unknown, mask?: boolean, written?: (error: Error) => void): void {
    this.#sendControl("sendPong", data, mask, written);
  }

  /** Emits no more messages, but for those that have been read already, until `resume`. */
  pause(): void {
    if (this.#canPause) this.#session?.pauseReading();
  }

  resume(): void {
    if (this.#canPause) this.#session?.resumeReading();
  }

  /**
   * Closes the connection, with what was sent before delivered first.
   * @param code none if left out
   * @throws TypeError for a code that must not be sent, RangeError for a reason past 123 bytes
   */
  close(code?: number, data?: string | Buffer): void {
    const session = this.#session;
    if (this.#state === ReadyState.CLOSED) return;
    if (session === null) {
      this.#abort();
      return;
    }
    if (!session.isOpen) return;
    const reason = checkClose(code, data);
    if (this.#rare?.queue?.isBusy === true) {
      this.#rare.queue.add({ bytes: 0, run: () => session.closeWith(code ?? 1005, reason), abandon: () => {} });
    } else session.closeWith(code ?? 1005, reason);
  }

  /** Cuts the connection at once. */
  terminate(): void {
    if (this.#state === ReadyState.CLOSED) return;
    if (this.#session === null) this.#abort();
    else this.#session.terminate();
  }

  /** @internal */
  override get closedCleanly(): boolean {
    return this.#rare?.closedCleanly === true;
  }

  get #own(): Rare {
    return (this.#rare ??= { ...NONE });
  }

  get #canPause(): boolean {
    const { readyState } = this;
    return readyState === ReadyState.OPEN || readyState === ReadyState.CLOSING;
  }

  #sendBytes(bytes: Buffer, frame: FrameForm): boolean {
    return this.#session?.isOpen === true && this.#session.sendFrame(bytes, frame);
  }

  #sendAsIs(frame: Buffer, written: Written | undefined): void {
    const session = this.#session;
    if (session?.isOpen !== true) this.#sendTooLate(frame, written);
    else {
      const isOnItsWay = session.sendAsIs(frame);
      if (written !== undefined) tellWritten(session, isOnItsWay, written);
    }
  }

  #sendControl(
    kind: "sendPing" | "sendPong",
    data: unknown,
    mask: boolean | ((error: Error) => void) | undefined,
    written: ((error: Error) => void) | undefined,
  ): void {
    if (typeof data === "function") [data, mask, written] = [undefined, undefined, data as Written];
    else if (typeof mask === "function") [mask, written] = [undefined, mask];
    const session = this.#session;
    if (session === null || !session.isOpen) {
      this.#sendTooLate(data, written as Written | undefined);
      return;
    }
    const masked = mask ?? session.isClient;
    const send = (payload: Buffer): boolean => {
      if (payload.length > 125) throw new RangeError(CONTROL_TOO_LONG);
      session[kind](payload, masked);
      return true;
    };
    if (isBlob(data) && data.size > 125) throw new RangeError(CONTROL_TOO_LONG);
    if (isBlob(data) || this.#rare?.queue?.isBusy === true) {
      this.#enqueue(data, written as Written | undefined, send);
      return;
    }
    send(toBuffer(data));
    if (written !== undefined) tellWritten(session, true, written as Written);
  }

  /** It leaves once the bytes of what was sent before are there. */
  #enqueue(data: unknown, written: Written | undefined, send: (payload: Buffer) => boolean): void {
    const queue = (this.#own.queue ??= new SendQueue((error) => this.#onUnsendable(error)));
    const session = this.#session!;
    const payload = isBlob(data) ? null : Buffer.from(toBuffer(data));
    const sent = (bytes: Buffer): void => {
      if (!session.isOpen) {
        written?.(new Error("The socket was closed while the blob was being read"));
        return;
      }
      const isOnItsWay = send(bytes);
      if (written !== undefined) tellWritten(session, isOnItsWay, written);
    };
    queue.add({
      bytes: payload?.length ?? (data as Blob).size,
      run: payload === null ? async () => sent(Buffer.from(await (data as Blob).arrayBuffer())) : () => sent(payload),
      abandon: (error) => written?.(error),
    });
  }

  /** @throws before it is open */
  #sendTooLate(data: unknown, written: Written | undefined): void {
    const error = notOpen(this.readyState);
    if (this.readyState === ReadyState.CONNECTING) throw new Error("WebSocket is not open: readyState 0 (CONNECTING)");
    this.#own.late += isBlob(data) ? data.size : toBuffer(data).length;
    if (written !== undefined) process.nextTick(written, error);
  }

  #abort(): void {
    if (this.#state !== ReadyState.CONNECTING) return;
    this.#state = ReadyState.CLOSING;
    this.#rare?.connecting?.abort(new Error("WebSocket was closed before the connection was established"));
  }

  #onOpen(session: SocketSession): void {
    this.#session = session;
    if (this.#rare !== null) this.#rare.connecting = null;
    this.#state = ReadyState.OPEN;
  }

  #onMessage(data: Buffer, isBinary: boolean): void {
    const { binaryType } = this.#rare ?? NONE;
    if (isBinary && binaryType !== "nodebuffer") this.emit("message", asType(data, binaryType), isBinary);
    else this.emit("message", data, isBinary);
  }

  #onFailed(error: Error): boolean {
    this.#state = ReadyState.CLOSING;
    const isHeard = this.#emitError(error);
    this.#onClosed(1006, NOTHING, false);
    return isHeard;
  }

  /** An error that nobody listens to would be thrown, and end the process. @returns whether anybody does */
  #emitError(error: Error): boolean {
    return this.listenerCount("error") > 0 && this.emit("error", error);
  }

  #onUnsendable(error: Error): void {
    if (this.#session?.isOpen !== true) return;
    this.#session.closeWith(1011, "");
    this.#emitError(error);
  }

  #onClosed(code: number, reason: Buffer, wasClean: boolean): void {
    this.#rare?.queue?.abort(new Error("The socket was closed while the blob was being read"));
    this.#state = ReadyState.CLOSED;
    this.#own.connecting = null;
    this.#own.closedCleanly = wasClean;
    this.emit("close", code, reason);
  }
}
