/** What the connections of a process to servers share: one wheel of deadlines, one end of a turn, memory for what comes. */
import { constants } from "node:buffer";
import type { Duplex } from "node:stream";
import type { DeflateParameters } from "../protocol/deflate-negotiation.js";
import { nextMaskingKey } from "../protocol/masking-keys.js";
import { systemClock } from "../server/base/clock.js";
import { withoutContext } from "../server/base/async-context.js";
import { DeadlineWheel } from "../server/base/deadlines.js";
import { platform } from "../server/engine.js";
import { MemoryBudget } from "../server/sending/memory-budget.js";
import { overflowPolicies } from "../server/sending/overflow.js";
import { Scratch } from "../server/sending/scratch.js";
import { Topics } from "../server/sending/topics.js";
import { Turns } from "../server/sending/turns.js";
import { HandlerRunner } from "../server/session/handler-runner.js";
import { PingSource } from "../server/session/heartbeat.js";
import type { Recipient, SessionContext } from "../server/session/session-context.js";
import { HandlerTimes } from "../server/watching/handler-times.js";
import { emptyStats } from "../server/watching/stats.js";
import { mirrored } from "./deflate-offer.js";
import { toDeflateOptions } from "./deflate-options.js";
import { maskingKeysOf } from "./masking-keys.js";
import { PooledMemory } from "./pooled-memory.js";
import { SharedOutgoing } from "./shared-outgoing.js";
import { type ClientOptions, type WebSocket, socketEvents } from "./websocket.js";
import { WsSession } from "./ws-session.js";

const MAX_PAYLOAD = 100 * 1024 * 1024;
const CLOSE_TIMEOUT_MS = 30_000;
const MESSAGES_PER_TURN = 512;

type Context = SessionContext<object>;

const memory = new PooledMemory();

let shared: Context | null = null;

/** Made for the first one. A server is whoever the application has chosen to connect to: what it sends slowly or in masses is no attack. */
function sharedContext(): Context {
  // Nobody is kept waiting for it: not a process whose sockets are not to keep it up.
  const clock = withoutContext({
    now: () => systemClock.now(),
    every(periodMs, callback) {
      const timer = setInterval(callback, periodMs).unref();
      return () => clearInterval(timer);
    },
  });
  const stats = emptyStats();
  return (shared ??= {
    settings: {
      pongWaitMs: Infinity,
      pingPeriodMs: Infinity,
      writeWaitMs: Infinity,
      messageTimeoutMs: Infinity,
      closeTimeoutMs: CLOSE_TIMEOUT_MS,
      idleTimeoutMs: 0,
      maxAgeMs: 0,
      maxMessageBytes: MAX_PAYLOAD,
      maxControlFramesPerSecond: 1000,
    },
    runner: new HandlerRunner<object>(
      {
        open: (client) => void (client.data as WebSocket).emit("open"),
        message: undefined,
        drain: undefined,
        close: undefined,
      },
      new HandlerTimes(stats.handlerTimes, () => performance.now()),
      {},
    ),
    clock,
    wheel: new DeadlineWheel(clock),
    pings: new PingSource(),
    outboxes: {
      turns: new Turns(clock, MESSAGES_PER_TURN),
      scratch: new Scratch(),
      budget: new MemoryBudget(Infinity),
      maxBacklogBytes: Infinity,
      overflow: overflowPolicies.close,
      stats,
    },
    compression: { level: 3, memLevel: 8, thresholdBytes: 1024 },
    memory,
    incoming: new MemoryBudget(Infinity),
    topics: new Topics<Recipient<object>>(),
    stats,
    nextMaskingKey,
    hearsWhileClosing: true,
    // By Node's documented API alone: the socket is the application's to look at.
    reads: null,
    carriesStores: platform.carriesStores,
    onHandlerError: () => {},
    onDisconnect: () => {},
  });
}

/** One for a connection whose handshake has succeeded. */
export function makeClientSession(
  socket: WebSocket,
  stream: Duplex,
  subprotocol: string,
  deflate: DeflateParameters | null,
  options: ClientOptions,
): WsSession {
  const base = sharedContext();
  const { maxPayload = MAX_PAYLOAD, closeTimeout: closeTimeoutMs = CLOSE_TIMEOUT_MS } = options;
  // As of `ws`, what is given as undefined is off.
  const { autoPong, allowSynchronousEvents } = { autoPong: true, allowSynchronousEvents: true, ...options };
  const { perMessageDeflate } = options;
  const compression = toDeflateOptions(typeof perMessageDeflate === "object" ? (perMessageDeflate ?? {}) : {});
  const context: Context = {
    ...base,
    settings: {
      ...base.settings,
      closeTimeoutMs,
      maxMessageBytes: maxPayload > 0 ? maxPayload : constants.MAX_LENGTH,
    },
    compression,
    nextMaskingKey:
      options.generateMask === undefined ? nextMaskingKey : maskingKeysOf((mask) => options.generateMask!(mask)),
  };
  const identity = {
    id: "",
    data: socket,
    address: "",
    path: "",
    subprotocol,
    deflate: deflate === null ? null : mirrored(deflate),
    trace: null,
  };
  return new WsSession(stream, identity, context, {
    events: socketEvents,
    outgoing: new SharedOutgoing(base.outboxes.turns, compression),
    memory,
    streamOf: platform.streamOf,
    autoPong: Boolean(autoPong),
    allowSynchronousEvents: Boolean(allowSynchronousEvents),
    throwUnhandled: true,
    onUnheard: (error) => onUnheard(error, options.throwUnhandled === true),
    readsWhileBacklogged: true,
  });
}

/** An error of a connection that nobody listens to is a warning of the process's, unless it is to be thrown. */
export function onUnheard(error: Error, isThrown: boolean): void {
  if (!isThrown) {
    process.emitWarning(`${error.message} (a WebSocket without a listener for "error")`, "WebSocketWarning");
    return;
  }
  process.nextTick(() => {
    throw error;
  });
}
