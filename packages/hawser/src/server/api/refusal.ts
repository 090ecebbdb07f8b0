import type { HandshakeFault } from "../../protocol/handshake.js";
import type { ExtraHeaders } from "./headers.js";

/** Why a handshake was refused, by the same word in the API, the log, the documents and the metrics. */
export type RefusalReason = HandshakeFault | RefusalDecision;

/** The ones that are the server's or the application's decision. */
export type RefusalDecision =
  | "draining"
  | "path"
  | "origin"
  | "unknown-host"
  | "handshake-rate"
  | "pending-handshakes"
  | "http2-session-limit"
  | "client-limit"
  | "address-limit"
  | "by-application"
  | "authenticate-timeout"
  | "handshake-error";

/**
 * What each of them is answered with. What is wrong with the request itself is in the protocol's catalogue.
 * `retry`: the response carries `Retry-After`. `hint`: what the operator may do about it, for the log.
 */
export const refusals: Readonly<
  Record<RefusalDecision, { status: number; retry: boolean; message: string; hint?: string }>
> = {
  draining: { status: 503, retry: true, message: "The server is shutting down." },
  path: { status: 404, retry: false, message: "There is no WebSocket on this path." },
  origin: {
    status: 403,
    retry: false,
    message: "Pages of this origin may not connect.",
    hint: "if its pages may connect, list their origin in allowedOrigins",
  },
  // RFC 9110 15.5.20: this is not the server of that name.
  "unknown-host": {
    status: 421,
    retry: false,
    message:
      "Pages may not connect by this host name: it is not in allowedHosts, nor was it forwarded by a trustProxy.",
    hint: "if pages may use its host, list that in allowedHosts, or the proxy in front in trustProxy",
  },
  "handshake-rate": { status: 503, retry: true, message: "Too many clients connect at once." },
  "pending-handshakes": { status: 503, retry: true, message: "Too many handshakes are under way." },
  "http2-session-limit": { status: 429, retry: true, message: "Too many WebSockets on this HTTP/2 connection." },
  "client-limit": { status: 503, retry: true, message: "The server has all the clients that it takes." },
  "address-limit": { status: 429, retry: true, message: "Too many connections from this address." },
  "by-application": { status: 401, retry: false, message: "The application refused." },
  "authenticate-timeout": { status: 503, retry: true, message: "The application did not decide in time." },
  "handshake-error": { status: 500, retry: false, message: "The application failed to decide." },
};

/** Seconds after which a refused client may try again; a little random, so that they do not all come back at once. */
export function retryAfterSeconds(): number {
  return 1 + Math.floor(Math.random() * 5);
}

export interface Refusal {
  readonly status: number;
  readonly reason: RefusalReason;
  /** One clear sentence, sent to the client. */
  readonly message: string;
  readonly headers: ExtraHeaders;
}

export function refusal(reason: RefusalDecision): Refusal {
  const { status, retry, message } = refusals[reason];
  return { status, reason, message, headers: retry ? { "Retry-After": String(retryAfterSeconds()) } : {} };
}
