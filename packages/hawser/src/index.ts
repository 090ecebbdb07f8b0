/// <reference types="node" preserve="true" />
/** Hawser: a WebSocket server that is safe from the first line. */

export { createServer, type Server } from "./server/server.js";
export type { Listening, ListenTarget } from "./server/listen.js";
export type { Client, ClientSummary, HandlerResult } from "./server/api/client.js";
export type { Message, Payload } from "./server/sending/message.js";
export type { SendResult } from "./server/sending/outbox.js";
export type { UpgradeRequest } from "./server/api/upgrade-request.js";
export { type RefusalReason, refusals } from "./server/api/refusal.js";
export { Refuse } from "./server/api/refuse.js";
export { type Cause, causes, type Disconnect, type Initiator } from "./server/api/causes.js";
export type { Logger, LogLevel } from "./server/api/logger.js";
export { type LogEvent, logEvents } from "./server/watching/log-events.js";
export type { Handlers, ServerOptions, TlsOptions } from "./server/api/options.js";
export type { OverflowPolicy } from "./server/sending/overflow.js";
export { OptionError, UsageError } from "./server/base/usage-error.js";
export type { ShutdownReport } from "./server/shutdown.js";
export type { UpgradeSource } from "./server/handshake/upgrade-source.js";
export {
  type Closable,
  closeOnSignals,
  onStopSignals,
  type SignalSource,
  type StopActions,
  type StopSignal,
} from "./server/signals.js";
export type { Stats } from "./server/watching/stats.js";
export { type Clock, systemClock } from "./server/base/clock.js";
export type { Durations } from "./server/base/durations.js";
export { type DiagnosticsChannel, diagnosticsChannels, tracingChannels } from "./server/watching/diagnostics.js";
