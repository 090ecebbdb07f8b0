/** Answers that say what went wrong: RFC 9457, with an error word of the wire as `code`. */
import { STATUS_CODES } from "node:http";
import type { ErrorWord } from "@hawser/wire";
import { HubError } from "../hub-error.js";

export interface Problem {
  readonly status: number;
  readonly code: HubError["code"];
  readonly detail: string;
  /** Not again before. */
  readonly retryMs?: number | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

export const PROBLEM_TYPE = "application/problem+json";

/** The status of what a hub says no to. */
const STATUS: Readonly<Record<ErrorWord, number>> = {
  "bad-request": 400,
  unsupported: 501,
  "too-big": 413,
  "unknown-topic": 404,
  "unknown-call": 404,
  unauthorized: 401,
  expired: 401,
  forbidden: 403,
  "duplicate-id": 409,
  "too-many": 429,
  limit: 429,
  unavailable: 503,
  timeout: 503,
  cancelled: 503,
  failed: 500,
};

/** RFC 9457 4.2.1: about:blank says that there is no more to it than the status; `code` is what programs act on. */
export function problemBody({ status, code, detail, retryMs }: Problem): string {
  return JSON.stringify({ type: "about:blank", title: STATUS_CODES[status], status, detail, code, retryMs });
}

export function badRequest(detail: string, code: ErrorWord = "bad-request"): Problem {
  return { status: 400, code, detail };
}

/** The problem of what a hub rejected with; undefined: it is a fault of the server's own, of which no stranger learns more. */
export function problemOf(error: unknown): Problem | undefined {
  if (!(error instanceof HubError)) return undefined;
  const { code, message, retryMs } = error;
  // A word of the application's own comes from what it was asked.
  return { status: Object.hasOwn(STATUS, code) ? STATUS[code as ErrorWord] : 400, code, detail: message, retryMs };
}

export const failed: Problem = {
  status: 500,
  code: "failed",
  detail: "this went wrong; the reason is known to the server alone",
};

export const timedOut: Problem = {
  status: 503,
  code: "timeout",
  detail: "the hub took too long, and it may have happened: ask again, a publish with the same key",
  retryMs: 1000,
};
