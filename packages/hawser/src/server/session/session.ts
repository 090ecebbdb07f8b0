/** A client is connected: its bytes become messages, its handlers run in order, its deadlines are kept, and it ends for one cause. */
import { type CloseBody, isValidCloseCode } from "../../protocol/close-codes.js";
import { Connection, type ConnectionSink } from "../../protocol/connection.js";
import type { DeflateParameters } from "../../protocol/deflate-negotiation.js";
import { Deflater, Inflater } from "../../protocol/deflate.js";
import { encodeFrame, encodePong, payloadLength } from "../../protocol/encoder.js";
import { BINARY, TEXT } from "../../protocol/opcodes.js";
import type { PayloadMemory } from "../../protocol/payload-memory.js";
import type { Violation } from "../../protocol/violations.js";
import { type Cause, causeOfClientClose, causeOfViolation, causes, type Disconnect } from "../api/causes.js";
import type { HandlerName, HandlerResult } from "../api/client.js";
import type { UpgradeRequest } from "../api/upgrade-request.js";
import { type AsyncContext, currentContext, runIn } from "../base/async-context.js";
import type { Clock } from "../base/clock.js";
import type { DeadlineWheel, Timed } from "../base/deadlines.js";
import { isThenable } from "../base/thenable.js";
import { UsageError } from "../base/usage-error.js";
import type { MemoryBudget } from "../sending/memory-budget.js";
import { checkPayload, isJsonError, Message, type Payload } from "../sending/message.js";
import { Outbox, type OutboxOwner, type OutboxSettings, type SendResult } from "../sending/outbox.js";
import { type CompressionSettings, Outgoing } from "../sending/outgoing.js";
import type { Topics } from "../sending/topics.js";
import type { Turns } from "../sending/turns.js";
import { type ClientSocket, own, type SocketOwner, type SocketReads } from "../sockets/client-socket.js";
import type { Counters } from "../watching/stats.js";
import type { ConnectionTrace } from "../watching/tracing.js";
import { type ClientSession, ConnectedClient } from "./connected-client.js";
import { ControlRate, type ControlVerdict } from "./control-rate.js";
import type { HandlerOwner, HandlerRunner } from "./handler-runner.js";
import { Heartbeat, type PingSource } from "./heartbeat.js";
import { Intake, StopReason } from "./intake.js";

/** The options that concern one client; see `ServerOptions`. */
export interface SessionSettings {
  readonly pongWaitMs: number;
  readonly pingPeriodMs: number;
  readonly writeWaitMs: number;
  readonly messageTimeoutMs: number;
  readonly closeTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly maxAgeMs: number;
  readonly maxMessageBytes: number;
  readonly maxControlFramesPerSecond: number;
}

/** What a session needs of its server. */
export interface SessionContext<Data> {
  readonly settings: SessionSettings;
  readonly runner: HandlerRunner<Data>;
  readonly clock: Clock;
  readonly wheel: DeadlineWheel;
  readonly pings: PingSource;
  readonly outboxes: OutboxSettings;
  readonly compression: CompressionSettings;
  readonly memory: PayloadMemory;
  /** What has come from all clients and is not with their handlers. */
  readonly incoming: MemoryBudget;
  readonly topics: Topics<Session<Data>>;
  readonly stats: Counters;
  /** Null: Node's public API alone is used. */
  readonly reads: SocketReads | null;
  /** A handler threw, or its promise was rejected. */
  onHandlerError(session: Session<Data>, handler: HandlerName, error: unknown): void;
  /** The connection is over; the client is not to be counted any more. */
  onDisconnect(session: Session<Data>, disconnect: Disconnect): void;
}

/** What the handshake found out about a client. */
export interface SessionIdentity<Data> {
  readonly id: string;
  readonly data: Data;
  readonly address: string;
  readonly path: string;
  readonly subprotocol: string;
  readonly deflate: DeflateParameters | null;
  readonly trace: ConnectionTrace | null;
}

/** One client from the end of its handshake to the end of its socket. The application holds its `client`. */
export class Session<Data>
  extends Intake
  implements ClientSession, ConnectionSink, HandlerOwner<Data>, OutboxOwner, SocketOwner, Timed
{
  readonly client: ConnectedClient<Data>;
  readonly id: string;
  readonly address: string;
  readonly path: string;
  readonly subprotocol: string;
  readonly connectedAt: number;
  messagesIn = 0;
  messagesOut = 0;
  bytesIn = 0;
  bytesOut = 0;

  readonly #context: SessionContext<Data>;
  protected readonly socket: ClientSocket;
  protected readonly connection: Connection;
  readonly #outbox: Outbox;
  readonly #heartbeat: Heartbeat;
  readonly #deflate: DeflateParameters | null;
  readonly trace: ConnectionTrace | null;
  /** Whether anybody watches what the handlers do of the messages that are being parsed. */
  #isWatched = false;
  #deflater: Deflater | null = null;
  #control: ControlRate | null = null;
  #topics: Set<string> | null = null;

  #heardAt: number;
  /** When the message that is coming in began; 0: none is. */
  #messageSince = 0;
  /** When a message last went in or out. */
  #activeAt: number;
  /** For maxAgeMs; 0: never. */
  readonly #expiresAt: number;
  /** When the socket is cut, whatever the peer does; 0: not closing. */
  #cutAt = 0;

  /** Handlers whose promises are pending, and what is to be done when there are none. */
  #running = 0;
  #whenIdle: (() => void) | null = null;
  #asyncContext: AsyncContext = null;
  /** Why it ends: what came first counts. */
  #end: End | null = null;
  #gone = false;

  wheelAt = 0;
  wheelPrevious: Timed | null = null;
  wheelNext: Timed | null = null;

  /** Made by the server when a handshake has succeeded. */
  constructor(socket: ClientSocket, identity: SessionIdentity<Data>, context: SessionContext<Data>) {
    super();
    this.id = identity.id;
    this.client = new ConnectedClient<Data>(this, identity.data);
    this.address = identity.address;
    this.path = identity.path;
    this.subprotocol = identity.subprotocol;
    const { settings } = context;
    const { now } = context.wheel.time;
    this.connectedAt = context.clock.now();
    this.#heardAt = this.#activeAt = now;
    this.#expiresAt = settings.maxAgeMs === 0 ? 0 : now + Math.round(settings.maxAgeMs * (1 - Math.random() / 10));
    this.#context = context;
    this.socket = socket;
    this.#deflate = identity.deflate;
    this.trace = identity.trace;
    const inflater = identity.deflate === null ? null : new Inflater(identity.deflate, "server");
    const { maxMessageBytes } = settings;
    this.connection = new Connection({ role: "server", maxMessageBytes, inflater, memory: context.memory }, this);
    this.#outbox = new Outbox(socket, this, context.outboxes);
    this.#heartbeat = new Heartbeat(now, settings.pingPeriodMs);
  }

  protected get turns(): Turns {
    return this.#context.outboxes.turns;
  }

  get isOpen(): boolean {
    return this.connection.state === "open" && !this.#gone;
  }

  get bufferedBytes(): number {
    return this.#outbox.bufferedBytes;
  }

  get rttMs(): number | null {
    return this.#heartbeat.rttMs;
  }

  get dropped(): number {
    return this.#outbox.dropped.messages;
  }

  get isCompressed(): boolean {
    return this.#deflate !== null;
  }

  get topics(): ReadonlySet<string> {
    return this.#topics ?? NO_TOPICS;
  }

  send(payload: Payload, options?: { key?: string | undefined }): SendResult {
    checkPayload(payload);
    if (!this.isOpen) return "closed";
    const key = options?.key ?? null;
    if (this.#deflate !== null) {
      const message = new Outgoing(payload, this.#context.compression);
      return this.#sendFrame(this.#frameOf(message), message.byteLength, key);
    }
    const length = this.#outbox.sendHeld(payload);
    if (length >= 0) {
      this.#countSent(length);
      return "sent";
    }
    const frame =
      payload instanceof Message
        ? payload.toFrame()
        : encodeFrame(typeof payload === "string" ? TEXT : BINARY, payload);
    return this.#sendFrame(frame, payloadLength(frame), key);
  }

  /** Sends a message that others may be sent as well. */
  deliver(message: Outgoing, key: string | null): SendResult {
    if (!this.isOpen) return "closed";
    const frame = this.#frameOf(message);
    return this.#sendFrame(this.#outbox.isBacklogged ? message.toKeep(frame) : frame, message.byteLength, key);
  }

  subscribe(topic: string): void {
    if (this.#gone) return;
    (this.#topics ??= new Set()).add(topic);
    this.#context.topics.add(topic, this);
  }

  unsubscribe(topic: string): void {
    if (this.#topics?.delete(topic)) this.#context.topics.remove(topic, this);
  }

  close(code = 1000, reason = ""): void {
    if (!Number.isInteger(code) || !isValidCloseCode(code))
      throw new UsageError(`close: got code ${code}, takes 1000-1003, 1007-1014, 3000-4999`);
    if (Buffer.byteLength(reason) > 123) throw new UsageError("close: the reason takes at most 123 bytes of UTF-8");
    this.#beginClose("closed-by-server", code, reason);
  }

  terminate(): void {
    this.#cut("terminated");
  }

  /** Begins to read. `head` is what came with the handshake. */
  start(request: UpgradeRequest, head: Buffer): void {
    own(this.socket, this, this.#context.reads);
    this.#context.wheel.schedule(this, this.checkDeadlines(this.#heardAt));
    this.#context.runner.run(this, "open", {}, (open) => open(this.client, request));
    // With what `authenticate` and `open` have entered.
    this.#asyncContext = currentContext();
    this.socket.resume();
    if (head.length > 0) this.onData(head, head.length);
  }

  /** Closes with 1001, once the handlers that are running have finished or now. */
  shutDown(reason: string, isNow: boolean): void {
    if (isNow) this.#beginClose("server-shutdown", 1001, reason);
    else this.#closeWhenIdle("server-shutdown", 1001, reason);
  }

  /** Cuts what is left when a shutdown's grace is over. */
  cutForShutdown(): void {
    this.#cut("server-shutdown");
  }

  get droppedBytes(): number {
    return this.#outbox.dropped.bytes;
  }

  /** The socket delivered bytes. */
  onData(bytes: Buffer, length: number): void {
    const now = this.#context.clock.now();
    this.#heardAt = this.#context.wheel.time.at(now);
    // A socket is read in nobody's context, which is that of a client that had none.
    if (this.#asyncContext === null) this.take(bytes, length, now);
    else runIn(this.#asyncContext, () => this.take(bytes, length, now));
  }

  /** The socket takes more. */
  onDrain(): void {
    this.#outbox.onSocketDrain();
  }

  /** The peer has ended its side. */
  onEnd(): void {
    this.endIntake();
  }

  /** The socket is closed. */
  onClosed(): void {
    if (this.#gone) return;
    this.#gone = true;
    runIn(this.#asyncContext, () => this.#onGone());
  }

  #onGone(): void {
    const { cause, code, reason, closedByPeer } = this.#ends("lost", 1006, "");
    const disconnect = { code, reason, cause, initiator: causes[cause].initiator, wasClean: closedByPeer };
    const { runner, wheel, topics } = this.#context;
    this.connection.abandon();
    wheel.remove(this);
    for (const topic of this.topics) topics.remove(topic, this);
    this.#topics = null;
    this.#outbox.discard();
    this.dropIncoming();
    this.#context.onDisconnect(this, disconnect);
    const closed = (): void => {
      runner.run(this, "close", { disconnect }, (close) => close(this.client, disconnect));
      if (runner.handlers.close === undefined) void this.trace?.run("close", { disconnect }, () => {});
    };
    if (this.#running === 0) closed();
    else this.#whenIdle = closed;
  }

  // What the intake says.

  protected beforeParse(): void {
    const { runner } = this.#context;
    runner.caller ??= this;
    this.#isWatched = runner.watchesMessages(this, this.#heardAt);
    this.#outbox.holdScratch();
  }

  protected afterParse(): void {
    const { runner } = this.#context;
    if (runner.caller === this) runner.caller = null;
    if (this.#running === 0) this.#outbox.leaveScratch();
    else this.#outbox.yieldScratch();
    if (!this.connection.inMessage) this.#messageSince = 0;
    else if (this.#messageSince === 0) {
      this.#messageSince = this.#heardAt;
      this.#context.wheel.schedule(this, this.#heardAt + this.#context.settings.messageTimeoutMs);
    }
  }

  protected get incoming(): MemoryBudget {
    return this.#context.incoming;
  }

  protected onIncomingOverflow(): void {
    this.#fail("incoming-overflow", 1013, "too much has come in part");
  }

  /** The peer has ended its side. Without a close frame before that, the connection is lost (RFC 6455 7.1.5). */
  protected onPeerEnded(): void {
    this.#ends("lost", 1006, "");
    this.connection.abandon();
    this.#endSocket();
  }

  // What the connection finds (ConnectionSink).

  onMessage(bytes: Buffer, start: number, end: number, isBinary: boolean): void {
    const { runner, stats } = this.#context;
    this.messagesIn++;
    this.bytesIn += end - start;
    stats.messagesIn++;
    stats.bytesIn += end - start;
    this.#messageSince = 0;
    this.#activeAt = this.#heardAt;
    const handler = runner.handlers.message;
    if (handler === undefined) return;
    const message = new Message(bytes, start, end, isBinary);
    if (this.#isWatched) {
      runner.runMessage(this, message);
      return;
    }
    let result: HandlerResult;
    try {
      result = handler(this.client, message);
      if (!isThenable(result)) return;
    } catch (error) {
      this.onHandlerError("message", error);
      return;
    }
    runner.waitFor(this, "message", result, 0);
  }

  onPing(payload: Buffer): void {
    const verdict = this.#countPing();
    const control = this.#control!;
    if (verdict === "answer") {
      // One that waits is answered with it.
      control.latestPing = null;
      this.#outbox.sendControl(encodePong(payload));
    } else if (verdict === "later") {
      // Not of the pool, of which it would keep up to 64 KiB.
      control.latestPing = new Uint8Array(payload);
      this.#context.wheel.schedule(this, control.answerAt);
    }
  }

  /** RFC 6455 5.5.3: one that nobody asked for is expected of nobody to be answered. It costs its share of the turn, as a message does. */
  onPong(payload: Buffer): void {
    const rttMs = this.#heartbeat.onPong(payload, this.#heardAt);
    if (rttMs !== null) this.#context.stats.roundTrips.add(rttMs);
  }

  onClose({ code, reason }: CloseBody, reply: Buffer | null): void {
    this.#ends(causeOfClientClose(code), code, reason).closedByPeer = true;
    if (reply !== null) this.#outbox.sendControl(reply);
    // RFC 6455 7.1.1: it is the server that closes the TCP connection first.
    this.#endSocket();
  }

  onViolation({ code, reason }: Violation, farewell: Buffer | null): void {
    this.#ends(causeOfViolation(code), code, reason);
    if (farewell !== null) this.#outbox.sendControl(farewell);
    this.#endSocket();
  }

  // What the outbox says (OutboxOwner).

  onWaiting(): void {
    const { wheel, settings } = this.#context;
    wheel.schedule(this, this.#outbox.stalledSince(wheel.time.now) + settings.writeWaitMs);
  }

  onBacklog(): void {
    this.stop(StopReason.backlog);
  }

  onDrained(): void {
    runIn(this.#asyncContext, () => {
      this.go(StopReason.backlog);
      if (this.isOpen) this.#context.runner.run(this, "drain", {}, (drain) => drain(this.client));
    });
  }

  onOverflow(): void {
    this.#outbox.dropWaiting();
    this.#fail("backlog-overflow", 1013, "too slow: the backlog is full");
  }

  onHopeless(): void {
    this.#cut("backlog-overflow");
    this.#outbox.discard();
  }

  // Deadlines.

  checkDeadlines(now: number): number {
    if (this.#gone) return Infinity;
    const { settings } = this.#context;
    const { pongWaitMs, pingPeriodMs } = settings;
    if (this.#cutAt !== 0) {
      if (now >= this.#cutAt) this.socket.destroy();
      return this.#cutAt;
    }
    // While we do not read, we cannot hear: that is no fault of the client's.
    if (!this.isListening) this.#heardAt = Math.max(this.#heardAt, now - (pongWaitMs >> 1));
    if (now >= this.#heartbeat.silentAt(this.#heardAt, pongWaitMs, pingPeriodMs)) return this.#cut("heartbeat-timeout");

    const stalledSince = this.#outbox.stalledSince(now);
    const writeAt = stalledSince === 0 ? Infinity : stalledSince + settings.writeWaitMs;
    if (now >= writeAt) return this.#cut("write-timeout");

    if (this.#messageSince !== 0 && this.isStopped) this.#messageSince = now;
    const messageAt = this.#messageSince === 0 ? Infinity : this.#messageSince + settings.messageTimeoutMs;
    if (now >= messageAt) return this.#fail("message-timeout", 1008, "the message took too long");

    const idleAt = settings.idleTimeoutMs === 0 ? Infinity : this.#activeAt + settings.idleTimeoutMs;
    if (now >= idleAt) return this.#closeWhenIdle("idle-timeout", 1000, "idle");
    const expiresAt = this.#expiresAt === 0 ? Infinity : this.#expiresAt;
    if (now >= expiresAt) return this.#closeWhenIdle("max-age", 1001, "please reconnect");

    if (this.#control !== null && now >= this.#control.answerAt) {
      this.#outbox.sendControl(encodePong(this.#control.latestPing!));
      this.#control.latestPing = null;
    }
    // A ping behind a backlog would say nothing about the client, and the write deadline is watching it.
    const pingAt = this.#heartbeat.beat(now, this.#heardAt, pingPeriodMs, this.#context.pings, (frame) => {
      if (this.#outbox.isBacklogged) return false;
      this.#context.stats.pings++;
      this.#outbox.sendControl(frame);
      return true;
    });
    const readAt = this.#heartbeat.silentAt(this.#heardAt, pongWaitMs, pingPeriodMs);
    return Math.min(readAt, writeAt, messageAt, idleAt, expiresAt, this.#control?.answerAt ?? Infinity, pingAt);
  }

  // What the handlers come to (HandlerOwner): one is waited for before the next is called.

  onHandlerPending(): void {
    this.#running++;
    // Of one that is closing only the close frame is waited for.
    if (this.isOpen) this.stop(StopReason.handler);
  }

  onHandlerSettled(): void {
    if (--this.#running > 0) return;
    const whenIdle = this.#whenIdle;
    this.#whenIdle = null;
    whenIdle?.();
    this.go(StopReason.handler);
  }

  onHandlerError(name: HandlerName, error: unknown): void {
    if (isJsonError(error)) {
      this.#fail("invalid-json", 1007, "not JSON");
      return;
    }
    this.#context.onHandlerError(this, name, error);
    this.#fail("handler-error", 1011, "internal error");
  }

  /** What goes on may be its handlers. */
  override resumeTurn(): void {
    runIn(this.#asyncContext, () => super.resumeTurn());
  }

  /** Pings cost work, too, and are answered at a bounded rate. */
  #countPing(): ControlVerdict {
    this.#control ??= new ControlRate(this.#context.settings.maxControlFramesPerSecond);
    const verdict = this.#control.take(this.#heardAt);
    if (verdict === "flood") this.#fail("control-flood", 1008, "too many control frames");
    return verdict;
  }

  // Writing.

  #frameOf(message: Outgoing): Buffer {
    const deflate = this.#deflate;
    if (deflate === null) return message.uncompressedFrame();
    if (deflate.serverNoContextTakeover) return message.deflatedFrame(deflate.serverMaxWindowBits);
    if (!message.isLong) return message.uncompressedFrame();
    // With context takeover what is compressed has to be sent, for the next message may refer to it; so nothing is compressed for a
    // client that may not get it.
    if (this.#outbox.isBacklogged) return message.uncompressedFrame();
    this.#deflater ??= new Deflater(deflate, "server", this.#context.compression);
    return message.compressedFrame(this.#deflater.compress(message.bytes));
  }

  #sendFrame(frame: Buffer, payloadBytes: number, key: string | null): SendResult {
    const result = this.#outbox.send(frame, key);
    if (result !== "dropped") this.#countSent(payloadBytes);
    return result;
  }

  #countSent(payloadBytes: number): void {
    const { stats, wheel } = this.#context;
    this.messagesOut++;
    this.bytesOut += payloadBytes;
    stats.messagesOut++;
    stats.bytesOut += payloadBytes;
    this.#activeAt = wheel.now;
  }

  // The end.

  /** Sends a close frame and waits for the peer's. */
  #beginClose(cause: Cause, code: number, reason: string): number {
    const frame = this.connection.close(code, reason);
    if (frame === null) return this.#cutAt;
    this.#ends(cause, code, reason);
    this.#outbox.sendControl(frame);
    this.#cutLater();
    // The peer's close frame has to be heard, even behind messages that no handler will see any more.
    this.go(StopReason.closing);
    return this.#cutAt;
  }

  /** The same, once the handlers that are running have finished and sent what they had to send. */
  #closeWhenIdle(cause: Cause, code: number, reason: string): number {
    if (this.#running === 0) return this.#beginClose(cause, code, reason);
    this.#whenIdle ??= () => void this.#beginClose(cause, code, reason);
    return this.#context.wheel.now + LOOK_AGAIN_MS;
  }

  /** Sends a close frame and takes no more from the peer. */
  #fail(cause: Cause, code: number, reason: string): number {
    if (this.#gone) return Infinity;
    this.#beginClose(cause, code, reason);
    this.connection.abandon();
    this.#endSocket();
    return this.#cutAt;
  }

  /**
   * Ends our side once all is sent. What the peer still sends is read and thrown away until it ends its own: a socket that is closed
   * with bytes unread resets the connection, and the close frame would be lost with it.
   */
  #endSocket(): void {
    this.#cutLater();
    this.#outbox.end();
    this.go(StopReason.closing);
  }

  #ends(cause: Cause, code: number, reason: string): End {
    return (this.#end ??= { cause, code, reason, closedByPeer: false });
  }

  #cutLater(): void {
    if (this.#cutAt !== 0) return;
    const { settings, wheel } = this.#context;
    this.#cutAt = wheel.time.now + settings.closeTimeoutMs;
    wheel.schedule(this, this.#cutAt);
  }

  #cut(cause: Cause): number {
    if (this.#gone) return Infinity;
    this.#ends(cause, 1006, "");
    this.connection.abandon();
    this.socket.destroy();
    return Infinity;
  }
}

/** How a client came to its end. */
interface End {
  readonly cause: Cause;
  readonly code: number;
  readonly reason: string;
  /** Its close frame has come. */
  closedByPeer: boolean;
}

/** The other deadlines hold meanwhile. */
const LOOK_AGAIN_MS = 1000;

const NO_TOPICS: ReadonlySet<string> = new Set<string>();
