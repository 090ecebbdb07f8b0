import type { LogLevel } from "./logger.js";

/** Who began the end of a connection. */
export type Initiator = "client" | "server";

export interface CauseRule {
  /** The close code that was sent or received with it; 1006 where there was no close frame; null where it varies. */
  readonly code: number | null;
  readonly initiator: Initiator;
  /** Level of the disconnect line: what is expected in operation is no warning, what a peer did wrong is no error. */
  readonly level: Extract<LogLevel, "info" | "warn">;
  readonly meaning: string;
}

/** Why a client is gone. */
export type Cause =
  | "normal"
  | "going-away"
  | "closed-by-client"
  | "lost"
  | "closed-by-server"
  | "terminated"
  | "server-shutdown"
  | "idle-timeout"
  | "max-age"
  | "heartbeat-timeout"
  | "write-timeout"
  | "message-timeout"
  | "backlog-overflow"
  | "incoming-overflow"
  | "protocol-error"
  | "invalid-json"
  | "invalid-data"
  | "too-big"
  | "control-flood"
  | "handler-error";

/**
 * Why a client is gone: every disconnect has exactly one of these, by the same word in the API, the log, the documents and the
 * metrics. Names are never reused for something else.
 */
export const causes: Readonly<Record<Cause, CauseRule>> = {
  normal: {
    code: 1000,
    initiator: "client",
    level: "info",
    meaning: "the client closed, with 1000 or without a code (1005)",
  },
  "going-away": {
    code: 1001,
    initiator: "client",
    level: "info",
    meaning: "the client closed: a page left, a process ended",
  },
  "closed-by-client": {
    code: null,
    initiator: "client",
    level: "info",
    meaning: "the client closed with another code of its own",
  },
  lost: {
    code: 1006,
    initiator: "client",
    level: "info",
    meaning: "the connection ended or was reset without a close frame",
  },

  "closed-by-server": {
    code: null,
    initiator: "server",
    level: "info",
    meaning: "the application called client.close()",
  },
  terminated: { code: 1006, initiator: "server", level: "info", meaning: "the application called client.terminate()" },
  "server-shutdown": { code: 1001, initiator: "server", level: "info", meaning: "the server is shutting down" },
  "idle-timeout": { code: 1000, initiator: "server", level: "info", meaning: "no message for idleTimeoutMs" },
  "max-age": { code: 1001, initiator: "server", level: "info", meaning: "older than maxAgeMs" },

  "heartbeat-timeout": {
    code: 1006,
    initiator: "server",
    level: "info",
    meaning: "nothing heard for pongWaitMs, pings among it",
  },
  "write-timeout": {
    code: 1006,
    initiator: "server",
    level: "warn",
    meaning: "bytes queued and none taken for writeWaitMs",
  },
  "message-timeout": {
    code: 1008,
    initiator: "server",
    level: "warn",
    meaning: "a message was not complete after messageTimeoutMs",
  },
  "backlog-overflow": {
    code: 1013,
    initiator: "server",
    level: "warn",
    meaning: "too slow: too much waited in memory for it",
  },

  "incoming-overflow": {
    code: 1013,
    initiator: "server",
    level: "warn",
    meaning: "held most of too much that had come in part from all",
  },

  "protocol-error": { code: 1002, initiator: "server", level: "warn", meaning: "the client broke RFC 6455" },
  "invalid-json": {
    code: 1007,
    initiator: "server",
    level: "warn",
    meaning: "a message that message.json() could not read",
  },
  "invalid-data": {
    code: 1007,
    initiator: "server",
    level: "warn",
    meaning: "text that is not UTF-8, or broken compressed data",
  },
  "too-big": { code: 1009, initiator: "server", level: "warn", meaning: "a message larger than maxMessageBytes" },
  "control-flood": {
    code: 1008,
    initiator: "server",
    level: "warn",
    meaning: "pings or empty fragments without end",
  },
  "handler-error": {
    code: 1011,
    initiator: "server",
    level: "warn",
    meaning: "a handler threw or its promise was rejected",
  },
};

/** Why and how a client went: what `close` is called with and what the disconnect line says. */
export interface Disconnect {
  /** The close code that was received, or sent where the server began; 1006: no close frame (RFC 6455 7.1.5). */
  readonly code: number;
  /** The reason that came with it, "" if none. Whatever the client wrote: not to be trusted. */
  readonly reason: string;
  readonly cause: Cause;
  readonly initiator: Initiator;
  /** Whether both sides sent a close frame (RFC 6455 7.1.4). */
  readonly wasClean: boolean;
}

/** The cause of a close that the client began, by its code (RFC 6455 7.4.1). */
export function causeOfClientClose(code: number): Cause {
  if (code === 1000 || code === 1005) return "normal";
  return code === 1001 ? "going-away" : "closed-by-client";
}

/** The cause of a close that answers a violation, by the close code that was sent. */
export function causeOfViolation(code: number): Cause {
  switch (code) {
    case 1007:
      return "invalid-data";
    case 1008:
      return "control-flood";
    case 1009:
      return "too-big";
    default:
      return "protocol-error";
  }
}
