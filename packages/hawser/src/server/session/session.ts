/** A client is connected: its bytes become messages, its handlers run in order, its deadlines are kept, and it ends for one cause. */
import { type CloseBody, isValidCloseCode } from "../../protocol/close-codes.js";
import { Connection, type ConnectionSink } from "../../protocol/connection.js";
import { Inflater } from "../../protocol/deflate.js";
import { encodePong } from "../../protocol/encoder.js";
import type { Violation } from "../../protocol/violations.js";
import { type Cause, causeOfClientClose, causeOfViolation, type Disconnect } from "../api/causes.js";
import type { HandlerName } from "../api/client.js";
import type { UpgradeRequest } from "../api/upgrade-request.js";
import { type AsyncContext, currentContext, runIn } from "../base/async-context.js";
import type { Timed } from "../base/deadlines.js";
import { UsageError } from "../base/usage-error.js";
import { isJsonError, Message } from "../sending/message.js";
import { topicsOf } from "../sending/topics.js";
import { type ClientSocket, own, type SocketOwner } from "../sockets/client-socket.js";
import type { ConnectionTrace } from "../watching/tracing.js";
import type { Attached, ClientPort } from "./client-port.js";
import { type ClientSession, ConnectedClient } from "./connected-client.js";
import { ControlRate } from "./control-rate.js";
import { End, type EndOwner, LOST } from "./end.js";
import type { HandlerOwner } from "./handler-runner.js";
import { Heartbeat } from "./heartbeat.js";
import { StopReason } from "./intake.js";
import { Sender } from "./sender.js";
import type { Recipient, SessionContext, SessionIdentity } from "./session-context.js";
import { checkTimeLimits } from "./time-limits.js";

/** How often the other limits are checked of a client whose handlers may finish before it is closed. */
const LOOK_AGAIN_MS = 1000;

/** One client from the end of its handshake to the end of its socket. The application holds its `client`. */
export class Session<Data>
  extends Sender<Data>
  implements
    ClientPort,
    ClientSession,
    ConnectionSink,
    EndOwner,
    HandlerOwner<Data>,
    Recipient<Data>,
    SocketOwner,
    Timed
{
  readonly client: ConnectedClient<Data>;
  readonly id: string;
  readonly address: string;
  readonly path: string;
  readonly subprotocol: string;
  readonly connectedAt: number;
  messagesIn = 0;
  bytesIn = 0;
  attached: Attached | null = null;

  protected readonly connection: Connection;
  readonly #heartbeat: Heartbeat;
  readonly trace: ConnectionTrace | null;
  /** Whether anybody watches what the handlers do of the messages that are being parsed. */
  #isWatched = false;
  /** Null: it has sent no ping. */
  #control: ControlRate | null = null;
  subscriptions: Set<string> | null = null;

  #heardAt: number;
  /** When the message that is coming in began; 0: none is. */
  #messageSince = 0;
  /** For maxAgeMs; 0: never. */
  readonly #expiresAt: number;

  /** Handlers whose promises are pending. */
  runningHandlers = 0;
  #asyncContext: AsyncContext = null;
  /** Null: nothing has happened that ends it. */
  #end: End | null = null;

  wheelAt = 0;
  wheelPrevious: Timed | null = null;
  wheelNext: Timed | null = null;

  /** Made by the server when a handshake has succeeded. */
  constructor(socket: ClientSocket, identity: SessionIdentity<Data>, context: SessionContext<Data>) {
    super(socket, identity.deflate, context);
    this.id = identity.id;
    this.client = new ConnectedClient<Data>(this, identity.data);
    this.address = identity.address;
    this.path = identity.path;
    this.subprotocol = identity.subprotocol;
    const { settings } = context;
    const { now } = context.wheel.time;
    this.connectedAt = context.clock.now();
    this.#heardAt = now;
    this.#expiresAt = settings.maxAgeMs === 0 ? 0 : now + Math.round(settings.maxAgeMs * (1 - Math.random() / 10));
    this.trace = identity.trace;
    const { deflate } = identity;
    const inflater = deflate === null ? null : new Inflater(deflate, "server");
    const { maxMessageBytes } = settings;
    const { memory, nextMaskingKey, hearsWhileClosing } = context;
    this.connection =
      nextMaskingKey === null
        ? new Connection({ role: "server", maxMessageBytes, inflater, memory, hearsWhileClosing }, this)
        : new Connection(
            { role: "client", maxMessageBytes, inflater, memory, hearsWhileClosing, nextMaskingKey },
            this,
          );
    this.#heartbeat = new Heartbeat(now, settings.pingPeriodMs);
  }

  get isOpen(): boolean {
    return this.#end === null || this.#end.isOpen;
  }

  get rttMs(): number | null {
    return this.#heartbeat.rttMs;
  }

  get topics(): ReadonlySet<string> {
    return topicsOf(this);
  }

  subscribe(topic: string): void {
    if (this.#end?.isGone !== true) this.context.topics.subscribe(this, topic);
  }

  unsubscribe(topic: string): void {
    this.context.topics.unsubscribe(this, topic);
  }

  close(code = 1000, reason = ""): void {
    if (!Number.isInteger(code) || !isValidCloseCode(code))
      throw new UsageError(`close: got code ${code}, takes 1000-1003, 1007-1014, 3000-4999`);
    if (Buffer.byteLength(reason) > 123) throw new UsageError("close: the reason takes at most 123 bytes of UTF-8");
    this.ending.on("close", { cause: "closed-by-server", code, reason });
  }

  terminate(): void {
    this.#cut("terminated");
  }

  /** Begins to read. `head` is what came with the handshake. */
  start(request: UpgradeRequest, head: Buffer): void {
    own(this.socket, this, this.context.reads);
    this.context.wheel.schedule(this, this.checkDeadlines(this.#heardAt));
    this.context.runner.run(this, "open", request);
    // With what `authenticate` and `open` have entered.
    this.#asyncContext = currentContext(this.context.carriesStores);
    this.socket.resume();
    if (head.length > 0) this.onData(head, head.length);
  }

  /** Closes with 1001, once the handlers that are running have finished or now. */
  shutDown(reason: string, isNow: boolean): void {
    if (this.#end === null) this.attached?.onShutdown();
    this.ending.on(isNow ? "close" : "leave", { cause: "server-shutdown", code: 1001, reason });
  }

  /** Cuts what is left when a shutdown's grace is over. */
  cutForShutdown(): void {
    this.#cut("server-shutdown");
  }

  /** The socket delivered bytes. */
  onData(bytes: Buffer, length: number): void {
    const now = this.context.clock.now();
    this.#heardAt = this.context.wheel.time.at(now);
    // Sockets are read outside of any context: a client that had none needs no other.
    if (this.#asyncContext === null) this.receive(bytes, length, now);
    else runIn(this.#asyncContext, () => this.receive(bytes, length, now));
  }

  /** The socket takes more. */
  onDrain(): void {
    this.outbox.onSocketDrain();
  }

  /** The peer has ended its side. */
  onEnd(): void {
    this.endIntake();
  }

  /** The socket is closed. */
  onClosed(): void {
    runIn(this.#asyncContext, () => {
      this.attached?.onGone();
      this.ending.on("socketClosed", LOST);
    });
  }

  // What the intake says.

  protected beforeParse(): void {
    const { runner } = this.context;
    runner.caller ??= this;
    this.#isWatched = runner.beginRead(this, this.#heardAt);
    this.outbox.holdScratch();
  }

  protected afterParse(): void {
    const { runner } = this.context;
    if (runner.caller === this) runner.caller = null;
    if (this.runningHandlers === 0) this.outbox.leaveScratch();
    else this.outbox.yieldScratch();
    if (!this.connection.inMessage) this.#messageSince = 0;
    else if (this.#messageSince === 0) {
      this.#messageSince = this.#heardAt;
      this.context.wheel.schedule(this, this.#heardAt + this.context.settings.messageTimeoutMs);
    }
  }

  protected onIncomingOverflow(): void {
    this.fail("incoming-overflow", 1013, "too much has come in part");
  }

  protected onPeerEnded(): void {
    this.ending.on("peerEnd", LOST);
  }

  // What the connection finds (ConnectionSink).

  onMessage(bytes: Buffer, start: number, end: number, isBinary: boolean): void {
    const { runner } = this.context;
    this.countReceived(end - start);
    const handler = runner.handlers.message;
    if (handler === undefined) return;
    const message = new Message(bytes, start, end, isBinary);
    if (this.#isWatched) runner.runMessage(this, message);
    else runner.call(this, "message", handler, message, 0);
  }

  protected countReceived(bytes: number): void {
    const { stats } = this.context;
    this.messagesIn++;
    this.bytesIn += bytes;
    stats.messagesIn++;
    stats.bytesIn += bytes;
    this.#messageSince = 0;
    this.activeAt = this.#heardAt;
  }

  /** Pings cost work, too, and are answered at a bounded rate. */
  onPing(payload: Buffer): void {
    const { settings, wheel } = this.context;
    const control = (this.#control ??= new ControlRate(settings.maxControlFramesPerSecond));
    const verdict = control.onPing(payload, this.#heardAt);
    if (verdict === "answer") this.answerPing(payload);
    else if (verdict === "later") wheel.schedule(this, control.answerAt);
    else this.fail("control-flood", 1008, "too many control frames");
  }

  protected answerPing(payload: Uint8Array): void {
    this.outbox.sendControl(encodePong(payload));
  }

  /** RFC 6455 5.5.3: "A response to an unsolicited Pong frame is not expected." It costs its share of the turn, as a message does. */
  onPong(payload: Buffer): void {
    this.countPong(payload);
  }

  /** @returns whether it answers a ping of the heartbeat */
  protected countPong(payload: Buffer): boolean {
    const rttMs = this.#heartbeat.onPong(payload, this.#heardAt);
    if (rttMs !== null) this.context.stats.roundTrips.add(rttMs);
    return rttMs !== null;
  }

  onClose({ code, reason }: CloseBody, reply: Buffer | null): void {
    this.ending.on("peerClose", { cause: causeOfClientClose(code), code, reason }, reply);
  }

  onViolation({ code, reason }: Violation, farewell: Buffer | null): void {
    this.ending.on("violation", { cause: causeOfViolation(code), code, reason }, farewell);
  }

  // What the outbox says (OutboxOwner).

  onWaiting(): void {
    const { wheel, settings } = this.context;
    wheel.schedule(this, this.outbox.stalledSince(wheel.time.now) + settings.writeWaitMs);
  }

  onBacklog(): void {
    this.stop(StopReason.backlog);
  }

  onDrained(): void {
    runIn(this.#asyncContext, () => {
      this.go(StopReason.backlog);
      if (this.isOpen) this.context.runner.run(this, "drain", undefined);
    });
  }

  onOverflow(): void {
    this.outbox.dropWaiting();
    this.fail("backlog-overflow", 1013, "too slow: the backlog is full");
  }

  onHopeless(): void {
    this.#cut("backlog-overflow");
    this.outbox.discard();
  }

  // Deadlines.

  checkDeadlines(now: number): number {
    if (!this.isOpen) return this.ending.check(now);
    const { settings, wheel } = this.context;
    const { pongWaitMs, pingPeriodMs } = settings;
    // While we do not read, we cannot hear: that is no fault of the client's.
    if (!this.isListening) this.#heardAt = Math.max(this.#heardAt, now - (pongWaitMs >> 1));
    if (this.#messageSince !== 0 && this.isStopped) this.#messageSince = now;
    const times = {
      silentAt: this.#heartbeat.silentAt(this.#heardAt, pongWaitMs, pingPeriodMs),
      stalledSince: this.outbox.stalledSince(now),
      messageSince: this.#messageSince,
      activeAt: this.activeAt,
      expiresAt: this.#expiresAt,
    };
    const limit = checkTimeLimits(now, times, settings);
    if (typeof limit !== "number") {
      this.ending.on(limit.event, limit);
      return this.isOpen ? wheel.now + LOOK_AGAIN_MS : this.ending.check(now);
    }
    const ping = this.#control?.dueAt(now);
    if (ping) this.answerPing(ping);
    const pingAt = this.#heartbeat.beat(now, this.#heardAt, pingPeriodMs, this.context.pings, (frame) => {
      // Behind a backlog it would say nothing about the client, and the write deadline is watching it.
      if (this.outbox.isBacklogged) return false;
      this.context.stats.pings++;
      this.outbox.sendControl(frame);
      return true;
    });
    const silentAt = this.#heartbeat.silentAt(this.#heardAt, pongWaitMs, pingPeriodMs);
    return Math.min(limit, silentAt, pingAt, this.#control?.answerAt ?? Infinity);
  }

  // What the handlers come to (HandlerOwner): one is waited for before the next is called.

  onHandlerPending(): void {
    this.runningHandlers++;
    // Of one that is closing only the close frame is waited for.
    if (this.isOpen) this.stop(StopReason.handler);
  }

  onHandlerSettled(): void {
    if (--this.runningHandlers > 0) return;
    this.#end?.on("idle");
    this.go(StopReason.handler);
  }

  onHandlerError(name: HandlerName, error: unknown): void {
    if (isJsonError(error)) {
      this.fail("invalid-json", 1007, "not JSON");
      return;
    }
    this.context.onHandlerError(this.client, name, error);
    this.fail("handler-error", 1011, "internal error");
  }

  /** What goes on may be its handlers. */
  override resumeTurn(): void {
    runIn(this.#asyncContext, () => super.resumeTurn());
  }

  // The end, as closing.ts has it (EndOwner).

  startCloseTimeout(): number {
    const { settings, wheel } = this.context;
    const at = wheel.time.now + settings.closeTimeoutMs;
    wheel.schedule(this, at);
    return at;
  }

  release(disconnect: Disconnect): void {
    this.context.wheel.remove(this);
    this.context.topics.leaveAll(this);
    this.outbox.discard();
    this.dropIncoming();
    this.context.onDisconnect(this.client, disconnect);
  }

  callClose(disconnect: Disconnect): void {
    const { runner } = this.context;
    runner.run(this, "close", disconnect, { disconnect });
    if (runner.handlers.close === undefined) void this.trace?.run("close", { disconnect }, () => {});
  }

  protected get ending(): End {
    return (this.#end ??= new End(this, this.connection, this.outbox, this.socket));
  }

  protected fail(cause: Cause, code: number, reason: string): void {
    this.ending.on("fail", { cause, code, reason });
  }

  #cut(cause: Cause): void {
    this.ending.on("cut", { cause, code: 1006, reason: "" });
  }
}
