/** What goes wrong with Redis, in words: what may work later, and what somebody has to put right. */
import { BrokerError, BrokerSetupError } from "hawser/hub";

export const NO_REDIS = "what answers there is no Redis";

/** Something that Redis, or the way to it, answered with. */
export class EngineError extends Error {
  override readonly name = "EngineError";
  /** The first word of an error reply, `READONLY`; "" for any other error. */
  readonly code: string;

  constructor(message: string, code = "") {
    super(message);
    this.code = code;
  }

  /** A `BrokerError` stays one. */
  static from(error: unknown): Error {
    if (error instanceof EngineError || error instanceof BrokerError || error instanceof BrokerSetupError) return error;
    const message = messageOf(error);
    const isReply = error instanceof Error && /^(?:Simple|Blob)Error$/.test(error.constructor.name);
    return new EngineError(message, isReply ? codeOf(message) : "");
  }
}

/** The first word. Redis 6 puts a sentence of its own before what happened in a script. */
function codeOf(reply: string): string {
  return /@user_script:\s*\d+: -?([A-Z]{3,})\b/.exec(reply)?.[1] ?? /^[A-Z]+/.exec(reply)?.[0] ?? "";
}

/** Answers after which a connection is of no use: another server is the master now, or this one is none. */
const MOVED_ON: ReadonlySet<string> = new Set(["READONLY", "MASTERDOWN", "LOADING"]);
/** Answers that say that somebody else has this partition. */
export const ELSEWHERE: ReadonlySet<string> = new Set(["MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN"]);

export function endsConnection(error: unknown): error is EngineError {
  return error instanceof EngineError && MOVED_ON.has(error.code);
}

/** As the broker's callers are told. */
export function brokerErrorOf(error: unknown): BrokerError {
  if (error instanceof BrokerError) return error;
  const message = `Redis: ${messageOf(error)}`;
  return new BrokerError(error instanceof EngineError && error.code === "OOM" ? "limit" : "unavailable", message);
}

/** The error that waiting does not help with, if it is one. */
export function setupFaultOf(error: unknown): BrokerSetupError | undefined {
  if (error instanceof BrokerSetupError) return error;
  const message = messageOf(error);
  const fault = (what: string): BrokerSetupError => new BrokerSetupError(what, { cause: error });
  if (message.startsWith("WRONGPASS")) return fault("Redis does not take this user and password");
  if (/^NOAUTH|^DENIED/.test(message)) return fault("Redis asks for a password, and none was given");
  if (message.startsWith("NOPERM"))
    return fault(`the user of Redis lacks a right: ${message.replace(/^NOPERM\s*/, "")}`);
  if (/^NOPROTO|unknown command .?HELLO/i.test(message)) return fault("the server is older than Redis 6.2");
  if (/^ERR.*without any password configured/.test(message)) {
    return fault("a password was given, and Redis has none set");
  }
  if (/^ERR (?:.*DB index|SELECT is not allowed)/.test(message)) {
    return fault(`the number of the database in the URL: ${message.replace("ERR ", "")}`);
  }
  if (/Unknown RESP type/.test(message)) return fault(NO_REDIS);
  if (isTlsFault(error)) return fault(`TLS with Redis: ${tlsFaultText(error)}`);
  return undefined;
}

/** A certificate that is not trusted, or a server without TLS. */
function isTlsFault(error: unknown): boolean {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === "string" && /^ERR_(?:SSL|TLS)|CERT|SELF_SIGNED|UNABLE_TO_VERIFY/.test(code);
}

/** OpenSSL's own lines are for its developers. */
function tlsFaultText(error: unknown): string {
  const { code, reason } = error as { code: string; reason?: unknown };
  if (/^ERR_SSL_(?:WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG)$/.test(code)) return "what answers there speaks no TLS";
  return code.startsWith("ERR_SSL") && typeof reason === "string" ? reason : messageOf(error);
}

export function messageOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join("; ");
  return error instanceof Error ? error.message : String(error);
}
