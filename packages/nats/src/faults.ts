/** What goes wrong with NATS, in words: what may work later, and what somebody has to put right. */
import { JetStreamApiError } from "@nats-io/jetstream";
import { BrokerError, BrokerSetupError } from "hawser/hub";
import { ApiFault, NobodyAnswers } from "./requests.js";

/** JetStream's numbers for "it is full": its storage, its memory, the stream, the account. */
const FULL: ReadonlySet<number> = new Set([10023, 10028, 10047, 10077, 10122]);
/** Those for what is too large for the stream. */
const TOO_LARGE: ReadonlySet<number> = new Set([10054, 10097]);
/** JetStream is not enabled: for the account, for the server. */
const OFF: ReadonlySet<number> = new Set([10039, 10076]);
/**
 * No more streams, or not with so many replicas without a cluster, or another stream has these subjects, or one of this name is another one. A
 * cluster that lacks servers (10005) may only not have found all of them yet.
 */
const REFUSED: ReadonlySet<number> = new Set([10026, 10027, 10052, 10058, 10065, 10074]);

export const JETSTREAM_OFF =
  "JetStream is off: turn it on (nats-server --jetstream), or in code say jetstream: false, for topics without history";

/** As the broker's callers are told. */
export function brokerErrorOf(error: unknown): BrokerError {
  if (error instanceof BrokerError) return error;
  const code = codeOf(error);
  return new BrokerError(FULL.has(code) || TOO_LARGE.has(code) ? "limit" : "unavailable", `NATS: ${messageOf(error)}`);
}

/** The error that waiting does not help with, if it is one. */
export function setupFaultOf(error: unknown): BrokerSetupError | undefined {
  if (error instanceof BrokerSetupError) return error;
  const fault = (what: string): BrokerSetupError => new BrokerSetupError(what, { cause: error });
  const code = codeOf(error);
  const message = messageOf(error);
  if (OFF.has(code) || (error instanceof NobodyAnswers && /JS\.API/.test(message))) return fault(JETSTREAM_OFF);
  if (FULL.has(code)) return fault(`JetStream has no room: ${message}`);
  if (REFUSED.has(code)) return fault(`JetStream refuses a stream: ${message}`);
  const name = error instanceof Error ? error.name : "";
  if (name === "PermissionViolationError" || /permissions violation/i.test(message)) {
    return fault(`the user of NATS lacks a right: ${message}`);
  }
  if (name === "AuthorizationError" || name === "UserAuthenticationExpiredError") {
    return fault(`NATS does not take this user, password or token: ${message}`);
  }
  if (/does not support 'tls'/.test(message)) return fault("TLS was asked for, and this NATS server has none");
  if (/unable to parse credentials|invalid (?:seed|encoding|checksum)/i.test(message))
    return fault(`the credentials for NATS: ${message}`);
  if (isTlsFault(error)) return fault(`TLS with NATS: ${message}`);
  return undefined;
}

function codeOf(error: unknown): number {
  return error instanceof ApiFault || error instanceof JetStreamApiError ? error.code : 0;
}

/** A certificate that is not trusted, or one that the server wants to see. */
function isTlsFault(error: unknown): boolean {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === "string" && /^ERR_(?:SSL|TLS)|CERT|SELF_SIGNED|UNABLE_TO_VERIFY/.test(code);
}

export function messageOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join("; ");
  return error instanceof Error ? error.message : String(error);
}
