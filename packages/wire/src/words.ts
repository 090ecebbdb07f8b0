/** When the same request may succeed: never as it is, after something has changed, or simply later. */
export type Retry = "no" | "changed" | "later";

export type ErrorWord =
  | "bad-request"
  | "unsupported"
  | "too-big"
  | "unknown-topic"
  | "unknown-call"
  | "unauthorized"
  | "expired"
  | "forbidden"
  | "duplicate-id"
  | "too-many"
  | "limit"
  | "unavailable"
  | "timeout"
  | "cancelled"
  | "failed";

/**
 * Why a request failed, as the word in `err`. A word of an application's own looks like these and is none of them.
 * Names are never reused for something else.
 */
export const errorWords: Readonly<Record<ErrorWord, { readonly retry: Retry; readonly meaning: string }>> = {
  "bad-request": {
    retry: "no",
    meaning: "the request is not as this document has it, or its payload not as the contract",
  },
  unsupported: { retry: "no", meaning: "the server does not know the verb, or does not have what it asks for" },
  "too-big": { retry: "no", meaning: "one thing is too large: a payload, a name, a token, or how deep it nests" },
  "unknown-topic": { retry: "no", meaning: "the contract has no topic of this name" },
  "unknown-call": { retry: "no", meaning: "the contract has no call of this name" },
  unauthorized: {
    retry: "changed",
    meaning: "the token is missing or not valid: send another one, never the same again",
  },
  expired: { retry: "changed", meaning: "the token was valid, and is no longer: send a new one" },
  forbidden: { retry: "changed", meaning: "the user may not do this" },
  "duplicate-id": { retry: "changed", meaning: "a request with this id still waits for its answer" },
  "too-many": { retry: "changed", meaning: "too much at once: topics, or calls without an answer; give some up first" },
  limit: { retry: "later", meaning: "too fast: not before `retry` ms" },
  unavailable: { retry: "later", meaning: "the server cannot do this at the moment; a publish may have happened" },
  timeout: { retry: "later", meaning: "the answer took too long; what was asked for may have happened" },
  cancelled: {
    retry: "no",
    meaning: "the call was given up by a `cancel`, or a subscription by another request for its topic",
  },
  failed: {
    retry: "no",
    meaning: "the call was carried out and went wrong; the reason stands in the server's log alone",
  },
};

/** Why there is a gap in a topic, as the word in `gap`. */
export const gapWords = {
  expired: "what was missed is no longer kept",
  lost: "what was missed cannot be had from the engine",
  slow: "the client did not read fast enough",
  reset: "the topic begins anew, in another epoch: the engine lost its messages or the newest of them",
} as const;

export type GapWord = keyof typeof gapWords;

/** Why a subscription ended that the client had, as the word in `unsub`. */
export const unsubWords = {
  revoked: "the user may no longer read the topic",
  closed: "the application closed the topic",
} as const;

export type UnsubWord = keyof typeof unsubWords;

export type ByeWord = "drain" | "expired" | "forbidden" | "timeout" | "limit";

/** Why the connection is about to end, as the word in `bye`, and the close code that follows. */
export const byeWords: Readonly<Record<ByeWord, { readonly code: number; readonly meaning: string }>> = {
  drain: { code: 1001, meaning: "the server is shutting down" },
  expired: { code: 4401, meaning: "the token has expired and no new one came" },
  forbidden: { code: 4403, meaning: "the user was put out" },
  timeout: { code: 4408, meaning: "no hello in time" },
  limit: { code: 4429, meaning: "too much of everything, for too long" },
};
