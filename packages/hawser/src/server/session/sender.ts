import type { DeflateParameters } from "../../protocol/deflate-negotiation.js";
import { encodeFrame, payloadLength } from "../../protocol/encoder.js";
import { BINARY, TEXT } from "../../protocol/opcodes.js";
import { Compression } from "../sending/compression.js";
import type { MemoryBudget } from "../sending/memory-budget.js";
import { checkPayload, Message, type Payload } from "../sending/message.js";
import { Outbox, type OutboxOwner, type SendResult } from "../sending/outbox.js";
import { Outgoing } from "../sending/outgoing.js";
import type { Turns } from "../sending/turns.js";
import type { ClientSocket } from "../sockets/client-socket.js";
import { Intake } from "./intake.js";
import type { SessionContext } from "./session-context.js";

/** The sending half of a session: encodes what is sent, for this client or for many, and counts it. Like the reading half no object of its own. */
export abstract class Sender<Data> extends Intake implements OutboxOwner {
  messagesOut = 0;
  bytesOut = 0;
  protected readonly context: SessionContext<Data>;
  protected readonly socket: ClientSocket;
  protected readonly outbox: Outbox;
  /** Null: it has not agreed on any. */
  protected readonly compression: Compression | null;
  /** When a message last went in or out. */
  protected activeAt: number;

  constructor(socket: ClientSocket, deflate: DeflateParameters | null, context: SessionContext<Data>) {
    super();
    this.context = context;
    this.socket = socket;
    this.outbox = new Outbox(socket, this, context.outboxes);
    this.compression = deflate === null ? null : new Compression(deflate, context.compression);
    this.activeAt = context.wheel.time.now;
  }

  abstract readonly isOpen: boolean;
  abstract onWaiting(): void;
  abstract onBacklog(): void;
  abstract onDrained(): void;
  abstract onOverflow(): void;
  abstract onHopeless(): void;

  protected get turns(): Turns {
    return this.context.outboxes.turns;
  }

  protected get incoming(): MemoryBudget {
    return this.context.incoming;
  }

  get bufferedBytes(): number {
    return this.outbox.bufferedBytes;
  }

  get dropped(): number {
    return this.outbox.dropped.messages;
  }

  get isCompressed(): boolean {
    return this.compression !== null;
  }

  send(payload: Payload, options?: { key?: string | undefined }): SendResult {
    checkPayload(payload);
    if (!this.isOpen) return "closed";
    const key = options?.key ?? null;
    if (this.compression !== null) {
      const message = new Outgoing(payload, this.context.compression);
      return this.sendEncoded(this.#frameOf(message), message.byteLength, key);
    }
    const length = this.outbox.sendHeld(payload);
    if (length >= 0) {
      this.countSent(length);
      return "sent";
    }
    const frame =
      payload instanceof Message
        ? payload.toFrame()
        : encodeFrame(typeof payload === "string" ? TEXT : BINARY, payload);
    return this.sendEncoded(frame, payloadLength(frame), key);
  }

  flush(): Promise<boolean> {
    return this.outbox.whenFlushed();
  }

  deliver(message: Outgoing, key: string | null): SendResult {
    if (!this.isOpen) return "closed";
    const frame = this.#frameOf(message);
    return this.sendEncoded(this.outbox.isBacklogged ? message.toKeep(frame) : frame, message.byteLength, key);
  }

  offer(payload: string | Outgoing): boolean {
    if (!this.isOpen) return true;
    if (typeof payload === "string" && this.compression === null) {
      const length = this.outbox.sendHeld(payload);
      if (length >= 0) {
        this.countSent(length);
        return true;
      }
    }
    const message = typeof payload === "string" ? new Outgoing(payload, this.context.compression) : payload;
    const frame = this.#frameOf(message);
    if (!this.outbox.offer(this.outbox.isBacklogged ? message.toKeep(frame) : frame)) return false;
    this.countSent(message.byteLength);
    return true;
  }

  encodeOnce(payload: string | Uint8Array, isKept: boolean): Outgoing {
    return new Outgoing(payload, this.context.compression, isKept);
  }

  get droppedBytes(): number {
    return this.outbox.dropped.bytes;
  }

  #frameOf(message: Outgoing): Buffer {
    return this.compression?.frameOf(message, this.outbox.isBacklogged) ?? message.uncompressedFrame();
  }

  protected sendEncoded(frame: Buffer, payloadBytes: number, key: string | null = null): SendResult {
    const result = this.outbox.send(frame, key);
    if (result !== "dropped") this.countSent(payloadBytes);
    return result;
  }

  protected countSent(payloadBytes: number): void {
    const { stats, wheel } = this.context;
    this.messagesOut++;
    this.bytesOut += payloadBytes;
    stats.messagesOut++;
    stats.bytesOut += payloadBytes;
    this.activeAt = wheel.now;
  }
}
