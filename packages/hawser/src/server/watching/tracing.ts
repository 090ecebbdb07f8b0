import type { IncomingMessage } from "node:http";
import type { HandlerName, HandlerResult } from "../api/client.js";
import type { Refusal } from "../api/refusal.js";
import type { HandlerSubject } from "./diagnostics.js";

/** What makes spans of what happens. Null wherever it may be missing: nobody traces. */
export interface Tracing {
  /** A handshake has arrived; `accepted`, `refused` or `aborted` follows. */
  handshake(raw: IncomingMessage, address: string, path: string): HandshakeTrace;
}

export interface HandshakeTrace {
  /** Calls the application's code as a part of the handshake. */
  run<Value>(call: () => Value): Value;
  accepted(id: string, subprotocol: string | null): ConnectionTrace;
  refused(refusal: Refusal): void;
  /** The client went away while `authenticate` ran. */
  aborted(): void;
}

export interface ConnectionTrace {
  /** Calls a handler. What it throws, and what its promise is rejected with, goes on to the caller. */
  run(name: HandlerName, subject: HandlerSubject, call: () => HandlerResult): HandlerResult;
}
