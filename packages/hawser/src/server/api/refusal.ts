import type { HandshakeFault } from "../../protocol/handshake.js";
import { textOf } from "../base/thrown.js";
import { UsageError } from "../base/usage-error.js";
import { http } from "../sockets/node-http.js";
import { type ExtraHeaders, headerFault, type HeaderPairs } from "./headers.js";

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

/** Those there are. Not by `instanceof`, which throws for a revoked proxy. */
const refuses = new WeakSet<object>();

/** What a `Refuse` asks for; null for whatever else was thrown. @throws what its members throw */
export function refusalOf(thrown: unknown): Refusal | null {
  if (!refuses.has(thrown as object)) return null;
  const { status, message, headers } = thrown as Refuse;
  return { status, reason: "by-application", message: textOf(message), headers };
}

/** Thrown by `authenticate` to refuse a client with an HTTP status. */
export class Refuse extends Error {
  override readonly name = "Refuse";
  readonly status: number;
  readonly headers: ExtraHeaders;

  /**
   * @param status 400 to 599
   * @param message sent to the client; the status' name if left out
   * @param headers of the response, as an object or as pairs, which a `Headers` is; several values make several lines. One of ours,
   *   `Content-Type`, is replaced
   * @throws RangeError for a status that no refusal has; UsageError for a header that no response can have, or that is the server's own
   */
  constructor(status: number, message?: string, headers: ExtraHeaders | HeaderPairs = {}) {
    super(message ?? http.STATUS_CODES[status] ?? "Refused");
    if (!Number.isInteger(status) || status < 400 || status > 599) {
      throw new RangeError(`Refuse: got status ${status}, takes 400 to 599`);
    }
    this.status = status;
    this.headers = checked(headers);
    refuses.add(this);
  }
}

/** @throws UsageError for what has no headers where they are looked for: none is to be left out in silence */
function entriesOf(headers: ExtraHeaders | HeaderPairs): [string, unknown][] {
  if (typeof headers === "object" && headers !== null) {
    if (Symbol.iterator in headers) return joinPairs(headers);
    const prototype = Object.getPrototypeOf(headers) as object | null;
    const entries = Object.entries(headers);
    // A plain object may be of another realm.
    if (entries.length > 0 || prototype === null || Object.getPrototypeOf(prototype) === null) return entries;
  }
  throw new UsageError("Refuse: headers takes an object of names and values, a Headers or a list of pairs");
}

/** A `Headers` has `Set-Cookie` once for each value. */
function joinPairs(pairs: HeaderPairs): [string, unknown][] {
  const byName = new Map<string, [name: string, values: unknown[]]>();
  for (const pair of pairs) {
    if (!Array.isArray(pair) || typeof pair[0] !== "string") {
      throw new UsageError("Refuse: headers takes pairs of a name and a value");
    }
    const [name, value] = pair as unknown as [string, unknown];
    const known = byName.get(name.toLowerCase());
    if (known === undefined) byName.set(name.toLowerCase(), [name, [value].flat()]);
    else known[1].push(...[value].flat());
  }
  return [...byName.values()].map(([name, values]) => [name, values.length === 1 ? values[0] : values]);
}

/** A copy: what is written is what was looked at. @throws UsageError */
function checked(headers: ExtraHeaders | HeaderPairs): ExtraHeaders {
  const copy = entriesOf(headers).map(([name, value]): [string, ExtraHeaders[string]] => {
    // From JavaScript, `Retry-After: 5` is a number.
    const values = [value].flat().map((each: unknown) => (typeof each === "number" ? String(each) : each));
    const fault = headerFault(name, "") ?? values.map((each) => headerFault(name, each)).find((one) => one !== null);
    if (fault !== undefined) throw new UsageError(`Refuse: the header ${JSON.stringify(name)} ${fault}`);
    return [name, Array.isArray(value) ? Object.freeze(values as string[]) : (values[0] as string)];
  });
  return Object.freeze(Object.fromEntries(copy));
}
