import type { ErrorWord } from "@hawser/wire";
import { fieldKinds } from "@hawser/wire/server";
import { UsageError } from "../../server/base/usage-error.js";
import { HubError } from "../hub-error.js";
import type { HubUser, TokenFault } from "../hub-options.js";

/** What became of a token. */
export type Verdict =
  /** `ttlMs`: for how long it is good. */
  | { readonly isGood: true; readonly user: HubUser | undefined; readonly ttlMs: number | undefined }
  | ({ readonly isGood: false } & TokenFault);

/** For clients whose token could not be checked. */
const ASK_AGAIN_MS = 5000;

/** @param result what `authenticate` or `identify` has answered @throws UsageError for what is neither a user nor a fault */
export function verdictOf(result: unknown, unixTime: number): Verdict {
  if (result === false) return refused("unauthorized", "the token is not valid");
  const { user, expiresAt, code, sentence, retryMs } = (result ?? {}) as Partial<HubUser & TokenFault>;
  if (user === undefined && typeof code === "string" && typeof sentence === "string") {
    return { isGood: false, code, sentence, retryMs };
  }
  if (fieldKinds.name.check(user) !== undefined) {
    throw new UsageError(
      `authenticate has to answer false, a fault, or an object whose user is ${fieldKinds.name.what}`,
    );
  }
  if (expiresAt === undefined) return { isGood: true, user: result as HubUser, ttlMs: undefined };
  if (typeof expiresAt !== "number" || Number.isNaN(expiresAt)) {
    throw new UsageError("expiresAt has to be in milliseconds since 1970");
  }
  const ttlMs = Math.floor(expiresAt - unixTime);
  if (ttlMs <= 0) return refused("expired", "the token has expired");
  return { isGood: true, user: result as HubUser, ttlMs: Math.min(ttlMs, Number.MAX_SAFE_INTEGER) };
}

/** What an error of `authenticate` says of the token. */
export function verdictOfError(error: unknown): Verdict {
  if (error instanceof HubError) {
    return { isGood: false, code: error.code, sentence: error.message, retryMs: error.retryMs };
  }
  return {
    isGood: false,
    code: "unavailable",
    sentence: "the token cannot be checked at the moment",
    retryMs: ASK_AGAIN_MS,
  };
}

function refused(code: ErrorWord, sentence: string): Verdict {
  return { isGood: false, code, sentence };
}
