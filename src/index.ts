/// <reference types="node" preserve="true" />
/** Hawser: a WebSocket server that is safe from the first line. */

export { createServer, type Server } from "./server/server.js";
export type { Listening, ListenTarget } from "./server/listen.js";
export type { Client, ClientSummary, HandlerResult, Handlers } from "./server/client.js";
export type { Message, Payload } from "./server/message.js";
export type { SendResult } from "./server/outbox.js";
export type { UpgradeRequest } from "./server/request.js";
export { Refuse, type RefusalReason, refusals } from "./server/refusal.js";
export { type Cause, causes, type Disconnect, type Initiator } from "./server/causes.js";
export { type LogEvent, logEvents, type Logger, type LogLevel } from "./server/log.js";
export type { ServerOptions, TlsOptions } from "./server/options.js";
export { checkValue, resolveOptions, takes, type ValueRule } from "./server/resolve-options.js";
export {
  type OptionGroup,
  type OptionKind,
  type OptionName,
  type OptionRule,
  optionRules,
} from "./server/option-rules.js";
export { foreignOptions } from "./server/foreign-options.js";
export type { OverflowPolicy } from "./server/overflow.js";
export { OptionError, UsageError } from "./server/usage-error.js";
export type { ShutdownReport } from "./server/shutdown.js";
export type { UpgradeSource } from "./server/upgrade-source.js";
export {
  type Closable,
  closeOnSignals,
  onStopSignals,
  type SignalSource,
  type StopActions,
  type StopSignal,
} from "./server/signals.js";
export type { Stats } from "./server/stats.js";
export { type Clock, systemClock } from "./server/clock.js";
export type { Durations } from "./server/durations.js";
export { type DiagnosticsChannel, diagnosticsChannels, tracingChannels } from "./server/diagnostics.js";
