/** A client is watched: log lines, counts, diagnostics channels and spans tell what happens to it. */
export type LogEvent =
  | "listening"
  | "connect"
  | "disconnect"
  | "refused"
  | "http-error"
  | "handler-error"
  | "handshake-error"
  | "log-sampled"
  | "server-error"
  | "tls-replaced"
  | "shutdown-started"
  | "shutdown-finished"
  | "hub-state"
  | "hub-no-history"
  | "hub-error"
  | "hub-control-refused";

/** Every event that is logged, with its fixed fields; docs/log-events.md is held equal to it by a test. */
export const logEvents: Readonly<Record<LogEvent, readonly string[]>> = {
  listening: ["url", "host", "port", "sockets"],
  connect: ["id", "address", "path", "httpVersion", "subprotocol", "compression", "clients"],
  disconnect: [
    "id", "code", "reason", "cause", "initiator", "durationMs",
    "messagesIn", "messagesOut", "bytesIn", "bytesOut", "dropped", "rttMs", "clients",
  ], // oxfmt-ignore
  refused: ["address", "host", "origin", "path", "status", "reason"],
  "http-error": ["address", "status", "reason"],
  "handler-error": ["id", "handler", "err"],
  "handshake-error": ["address", "err"],
  "log-sampled": ["of", "omitted"],
  "server-error": ["err"],
  "tls-replaced": [],
  "shutdown-started": ["clients", "graceMs", "reason"],
  "shutdown-finished": ["clients", "clean", "lost", "cut", "droppedMessages", "droppedBytes", "durationMs"],
  "hub-state": ["state", "why"],
  "hub-no-history": ["topics"],
  "hub-error": ["what", "id", "err"],
  "hub-control-refused": ["why", "from"],
};
