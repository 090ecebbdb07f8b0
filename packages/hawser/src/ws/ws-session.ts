/** A session as hawser/ws has it: the engine's own, which tells a WebSocket of `ws`'s shape what happens, instead of handlers. */
import type { Duplex } from "node:stream";
import type { CloseBody } from "../protocol/close-codes.js";
import { encodeClose, encodeFrame, type FrameOptions, payloadLength } from "../protocol/encoder.js";
import { BINARY, CONTINUATION, type Opcode, PING, PONG, TEXT } from "../protocol/opcodes.js";
import type { Violation } from "../protocol/violations.js";
import type { Disconnect } from "../server/api/causes.js";
import type { HandlerName } from "../server/api/client.js";
import { StopReason } from "../server/session/intake.js";
import { Session } from "../server/session/session.js";
import type { SessionContext, SessionIdentity } from "../server/session/session-context.js";
import type { ClientSocket } from "../server/sockets/client-socket.js";
import { NOTHING } from "./payload.js";
import type { SharedOutgoing } from "./shared-outgoing.js";
import type { PooledMemory } from "./pooled-memory.js";
import type { FrameForm, SocketEvents, SocketSession, Written } from "./socket-port.js";
import { errorOf } from "./violation-errors.js";

/** What the sessions of one server share, or those of all clients of a process. */
export interface WsShared {
  readonly events: SocketEvents;
  readonly outgoing: SharedOutgoing;
  /** The memory of their connections. */
  readonly memory: PooledMemory;
  readonly streamOf: (socket: ClientSocket) => Duplex;
  /** Pings are answered by themselves. */
  readonly autoPong: boolean;
  /** More than one message may be emitted in a turn of the event loop. */
  readonly allowSynchronousEvents: boolean;
  /** What a listener throws ends the process, unless somebody catches it there: as with `ws`. Else it ends its client. */
  readonly throwUnhandled: boolean;
  /** An error that no listener has heard. */
  onUnheard(error: Error): void;
  /** What waits for a client is not bounded, and so it is read however much that is. */
  readonly readsWhileBacklogged: boolean;
}

/** What ends each piece of a compressed message but the last: RFC 7692 7.2.1 has it cut off only there. */
const SYNC_FLUSH = Buffer.from([0x00, 0x00, 0xff, 0xff]);

export class WsSession extends Session<object> implements SocketSession {
  readonly #shared: WsShared;
  /** Null: nothing has happened of what it is for. */
  #rare: Rare | null = null;

  /** @param identity its data is the WebSocket that stands for it */
  constructor(
    socket: ClientSocket,
    identity: SessionIdentity<object>,
    context: SessionContext<object>,
    shared: WsShared,
  ) {
    super(socket, identity, context);
    this.#shared = shared;
  }

  get isPaused(): boolean {
    return this.#rare?.isPaused ?? false;
  }

  get isGone(): boolean {
    return this.#rare?.isGone ?? false;
  }

  get isClient(): boolean {
    return this.context.nextMaskingKey !== null;
  }

  get waitingBytes(): number {
    return this.isGone ? 0 : this.outbox.waitingBytes;
  }

  get nodeSocket(): Duplex {
    return this.#shared.streamOf(this.socket);
  }

  // What is sent.

  sendMessage(payload: string | Buffer, isBinary: boolean): boolean {
    if (this.context.nextMaskingKey !== null)
      return this.sendFrame(asBytes(payload), { binary: isBinary, compress: true, fin: true, mask: true });
    if (this.#rare?.fragments != null)
      return this.sendFrame(asBytes(payload), { binary: isBinary, compress: true, fin: true, mask: false });
    if (this.compression === null && !(isBinary && typeof payload === "string")) {
      const length = this.outbox.sendHeld(payload, isBinary ? BINARY : TEXT);
      if (length >= 0) {
        this.countSent(length);
        return true;
      }
    }
    return isOnItsWay(this.deliver(this.#shared.outgoing.of(payload, isBinary), null));
  }

  sendFrame(payload: Buffer, { binary, compress, fin, mask }: FrameForm): boolean {
    const rare = this.#state;
    const begun = rare.fragments;
    const compressed = begun === null ? compress && this.#isWorthCompressing(payload, fin) : begun.compressed;
    rare.fragments = fin ? null : (begun ?? { compressed });
    const opcode = begun !== null ? CONTINUATION : binary ? BINARY : TEXT;
    const body = compressed ? this.#compress(payload, fin) : payload;
    const options = this.#frameOptions(mask, { compressed: compressed && begun === null, more: !fin });
    return isOnItsWay(super.sendEncoded(encodeFrame(opcode, body, options), payload.length));
  }

  sendAsIs(frame: Buffer): boolean {
    return isOnItsWay(super.sendEncoded(frame, Math.max(0, payloadLength(frame))));
  }

  sendPing(payload: Buffer, mask: boolean): void {
    this.#sendControl(PING, payload, mask);
  }

  sendPong(payload: Buffer, mask: boolean): void {
    this.#sendControl(PONG, payload, mask);
  }

  afterWrite(written: Written): void {
    const rare = this.#state;
    rare.written.push(written);
    if (rare.written.length === 1) this.turns.flushLater(this);
  }

  /** The turn ends: all that was sent in it is to leave. */
  endTurn(): void {
    const { written } = this.#rare ?? NOBODY;
    if (written.length === 0) return;
    this.#state.written = [];
    void this.outbox.whenFlushed().then((hasLeft) => {
      // As Node's sockets have it. The types of `ws` know only of undefined.
      const error = (hasLeft ? null : new Error("The socket was closed before the data was written")) as Error;
      for (const tell of written) this.#guard("drain", () => tell(error));
    });
  }

  #isWorthCompressing(payload: Buffer, fin: boolean): boolean {
    // Of a message in parts the length is not known.
    return this.compression !== null && (!fin || payload.length >= this.context.compression.thresholdBytes);
  }

  #compress(payload: Buffer, fin: boolean): Buffer {
    const compressed = this.compression!.compress(payload);
    return fin ? compressed : Buffer.concat([compressed, SYNC_FLUSH]);
  }

  #sendControl(opcode: Opcode, payload: Buffer, mask: boolean): void {
    if (this.isOpen) this.outbox.sendControl(encodeFrame(opcode, payload, this.#frameOptions(mask, {})));
  }

  #frameOptions(mask: boolean, options: FrameOptions): FrameOptions {
    if (!mask) return options;
    const { nextMaskingKey } = this.context;
    // In this order: V8 in Node 20 makes a hidden class for each object that others are copied into first.
    return { maskingKey: nextMaskingKey === null ? 0 : nextMaskingKey(), ...options };
  }

  // What is read.

  override onMessage(bytes: Buffer, start: number, end: number, isBinary: boolean): void {
    this.countReceived(end - start);
    try {
      this.#shared.events.message(this.client.data, this.#shared.memory.payloadOf(bytes, start, end), isBinary);
    } catch (error) {
      this.onHandlerError("message", error);
    }
    if (!this.#shared.allowSynchronousEvents) this.#goOnNextTurn();
  }

  override onPing(payload: Buffer): void {
    super.onPing(payload);
    this.#guard("message", () => this.#shared.events.ping(this.client.data, Buffer.from(payload)));
  }

  override onPong(payload: Buffer): void {
    // Of the heartbeat's the application knows nothing.
    if (!this.countPong(payload))
      this.#guard("message", () => this.#shared.events.pong(this.client.data, Buffer.from(payload)));
  }

  override answerPing(payload: Uint8Array): void {
    if (this.#shared.autoPong) this.#sendControl(PONG, Buffer.from(payload), this.isClient);
  }

  /** With the reason that it gave, as `ws` answers. */
  override onClose(body: CloseBody, reply: Buffer | null): void {
    this.#state.peerClose = body;
    super.onClose(body, reply && encodeClose(body.code, body.reason, this.#frameOptions(this.isClient, {})));
  }

  override onViolation(violation: Violation, farewell: Buffer | null): void {
    // Without a reason, as `ws` has it.
    super.onViolation(violation, farewell && encodeClose(violation.code, "", this.#frameOptions(this.isClient, {})));
    const error = errorOf(violation);
    this.#guard("message", () => {
      if (!this.#shared.events.error(this.client.data, error)) this.#shared.onUnheard(error);
    });
  }

  override onBacklog(): void {
    if (!this.#shared.readsWhileBacklogged) super.onBacklog();
  }

  pauseReading(): void {
    if (this.isPaused) return;
    this.#state.isPaused = true;
    this.stopReading(StopReason.application);
  }

  /** In another turn: what has come is not emitted while somebody calls this. */
  resumeReading(): void {
    if (!this.isPaused) return;
    this.#state.isPaused = false;
    this.#goOnNextTurn();
    this.go(StopReason.application);
  }

  #goOnNextTurn(): void {
    this.stop(StopReason.turn);
    this.turns.resumeLater(this);
  }

  /** What the application has paused stays so. A stream that has ended its side is read no faster for that. */
  override readOn(): void {
    if (this.isPaused) this.go(StopReason.handler | StopReason.backlog);
    else super.readOn();
  }

  // How it ends.

  closeWith(code: number, reason: string): void {
    this.ending.on("close", { cause: "closed-by-server", code, reason });
  }

  /** What was sent before, in this turn as well, leaves first: `ws` has handed it to the socket by then. */
  override terminate(): void {
    this.outbox.flush();
    this.endTurn();
    super.terminate();
  }

  override callClose({ wasClean }: Disconnect): void {
    const state = this.#state;
    state.isGone = true;
    const { code, reason } = state.peerClose ?? { code: 1006, reason: "" };
    const bytes = reason === "" ? NOTHING : Buffer.from(reason);
    this.#guard("close", () => this.#shared.events.closed(this.client.data, code, bytes, wasClean));
  }

  get #state(): Rare {
    return (this.#rare ??= { peerClose: null, isPaused: false, isGone: false, written: [], fragments: null });
  }

  #guard(handler: HandlerName, call: () => void): void {
    try {
      call();
    } catch (error) {
      this.onHandlerError(handler, error);
    }
  }

  override onHandlerError(handler: HandlerName, error: unknown): void {
    if (!this.#shared.throwUnhandled) super.onHandlerError(handler, error);
    else {
      process.nextTick(() => {
        throw error;
      });
    }
  }
}

/** What most sessions are without for as long as they are open. */
interface Rare {
  /** Null: no close frame has come. */
  peerClose: CloseBody | null;
  isPaused: boolean;
  isGone: boolean;
  /** Who waits to be told that what was sent has left. */
  written: Written[];
  /** A message has begun, and not ended: compressed or not. Null: none has. */
  fragments: { readonly compressed: boolean } | null;
}

const NOBODY = { written: [] };

function isOnItsWay(result: string): boolean {
  return result === "sent" || result === "queued";
}

function asBytes(payload: string | Buffer): Buffer {
  return typeof payload === "string" ? Buffer.from(payload) : payload;
}
