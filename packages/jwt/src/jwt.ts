/** From a token to the user that it names, or to the reason why not. */
import { type Clock, systemClock } from "hawser";
import { type CryptoKey, errors, type JWTPayload, jwtVerify, type JWTVerifyGetKey, type JWTVerifyOptions } from "jose";
import { type TopicGrants, topicsOf, userOf } from "./claims.js";
import { fetchKeys } from "./fetch-keys.js";
import { KeySet, KeysUnavailable } from "./key-set.js";
import { type JwtOptions, type ResolvedJwtOptions, resolveJwtOptions } from "./options.js";

/** What a token says that was found to be good. */
export interface Verified {
  /** The user's id: what messages have as `by`. */
  readonly user: string;
  /** All that the issuer says. */
  readonly claims: Readonly<JWTPayload>;
  /** When the token ends, in milliseconds since 1970; undefined where it has no end. */
  readonly expiresAt: number | undefined;
  /** For how long after that the client may stay to send a new one. */
  readonly graceMs: number;
  /** What the token itself permits; undefined where it says nothing of topics. */
  readonly topics: TopicGrants | undefined;
}

/** Why a token was not taken: an error word of `hawser.v1`, and a sentence that holds nothing of the token. */
export interface JwtFault {
  /** `unavailable`: it could not be checked, and may be sent again after `retryMs`. The others are final for this token. */
  readonly code: "unauthorized" | "expired" | "unavailable";
  readonly sentence: string;
  readonly retryMs?: number | undefined;
}

/** Never rejects. */
export type JwtVerifier = (token: string | undefined) => Promise<Verified | JwtFault>;

/** Time as an argument. */
export interface JwtTime {
  /** Milliseconds since 1970, which tokens are written in. @default Date.now */
  readonly now?: (() => number) | undefined;
  /** What the age of a set of keys is measured with. @default the system's */
  readonly clock?: Clock | undefined;
}

/** Of the wire: Node's HTTP server takes 16 KiB of headers, and nobody's token fills half of them. */
const MAX_TOKEN_BYTES = 8192;
/** RFC 7515 3.1: three parts in base64url without padding. What decodes it takes padding and space as well. */
const COMPACT = /^[\w-]+\.[\w-]+\.[\w-]+$/;
const UNREADABLE = "this is no token that can be read here";
/** How many keys are tried for a token that names none. Each costs a check of a signature. */
const MAX_KEYS_TRIED = 4;
/** Past the largest date there is: whatever ends later has no end that matters. */
const LAST_DATE_MS = 8_640_000_000_000_000;

/**
 * A check of tokens, for the hub's `authenticate`.
 * @throws UsageError, OptionError for options that are wrong or not safe
 */
export function jwt(options: JwtOptions, { now = Date.now, clock = systemClock }: JwtTime = {}): JwtVerifier {
  const resolved = resolveJwtOptions(options);
  const { key } = resolved;
  const verify = key instanceof URL ? withKeySet(key, resolved, clock) : withKey(key);
  return async (token) => {
    if (typeof token !== "string" || token === "") return unauthorized("there is no token");
    // What has too many characters has too many bytes; a token has no others than those of one byte.
    if (token.length > MAX_TOKEN_BYTES) return unauthorized(`the token is longer than ${MAX_TOKEN_BYTES} bytes`);
    if (!COMPACT.test(token)) return unauthorized(UNREADABLE);
    try {
      return accept(await verify(token, verifyOptions(resolved, now())), resolved);
    } catch (error) {
      return faultOf(error);
    }
  };
}

type Verify = (token: string, options: JWTVerifyOptions) => Promise<JWTPayload>;

function withKey(key: Parameters<typeof jwtVerify>[1]): Verify {
  return async (token, options) => (await jwtVerify(token, key, options)).payload;
}

function withKeySet(url: URL, { jwksTimeoutMs, onJwksFailure }: ResolvedJwtOptions, clock: Clock): Verify {
  const keys = new KeySet(() => fetchKeys(url, jwksTimeoutMs), clock, onJwksFailure);
  const find: JWTVerifyGetKey = (header) => keys.find(header);
  return async (token, options) => {
    try {
      return (await jwtVerify(token, find, options)).payload;
    } catch (error) {
      if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
      return tryEach(error, token, options);
    }
  };
}

/** A token without `kid` may be of any key of its kind. */
async function tryEach(keys: AsyncIterable<CryptoKey>, token: string, options: JWTVerifyOptions): Promise<JWTPayload> {
  let tried = 0;
  for await (const key of keys) {
    if (++tried > MAX_KEYS_TRIED) break;
    try {
      return (await jwtVerify(token, key, options)).payload;
    } catch (error) {
      if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw error;
    }
  }
  throw new errors.JWSSignatureVerificationFailed();
}

function verifyOptions(options: ResolvedJwtOptions, now: number): JWTVerifyOptions {
  const { issuer, audience, type, toleranceMs, needsExpiry } = options;
  return {
    algorithms: [...options.algorithms],
    ...(issuer === undefined ? {} : { issuer }),
    ...(audience === undefined ? {} : { audience }),
    ...(type === undefined ? {} : { typ: type }),
    clockTolerance: toleranceMs / 1000,
    currentDate: new Date(now),
    requiredClaims: needsExpiry ? ["exp"] : [],
  };
}

function accept(payload: JWTPayload, { claims, graceMs }: ResolvedJwtOptions): Verified | JwtFault {
  const user = userOf(Object.hasOwn(payload, claims.user) ? payload[claims.user] : undefined);
  if (user === undefined) {
    return unauthorized(`the claim ${claims.user} has to name the user, in 1 to 255 bytes without control characters`);
  }
  const topics = topicsOf(payload, claims.topics);
  if (topics === undefined) {
    return unauthorized(`the claim ${claims.topics} has to be an object with sub and pub, lists of patterns of topics`);
  }
  const expiresAt = payload.exp === undefined ? undefined : Math.min(payload.exp * 1000, LAST_DATE_MS);
  return { user, claims: payload, expiresAt, graceMs, topics: topics === "none" ? undefined : topics };
}

function faultOf(error: unknown): JwtFault {
  if (error instanceof KeysUnavailable) {
    return { code: "unavailable", sentence: error.message, retryMs: error.retryMs };
  }
  if (error instanceof errors.JWTExpired) {
    return { code: "expired", sentence: "the token has expired: send a new one" };
  }
  if (error instanceof errors.JWTClaimValidationFailed) return unauthorized(claimSentence(error));
  if (error instanceof errors.JOSEAlgNotAllowed) {
    return unauthorized("the token is signed with an algorithm that is not taken here");
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) {
    return unauthorized("the signature of the token is not right");
  }
  if (error instanceof errors.JWKSNoMatchingKey) {
    return unauthorized("the token is signed with a key that its issuer does not have");
  }
  // No JWT, a header that has to be understood and is not, a key of the issuer's that does not fit.
  return unauthorized(UNREADABLE);
}

function claimSentence({ claim, reason }: errors.JWTClaimValidationFailed): string {
  if (reason === "missing") return `the token has no claim ${claim}`;
  if (reason === "invalid") return `the claim ${claim} of the token is not what it has to be`;
  switch (claim) {
    case "nbf":
      return "the token is not valid yet";
    case "aud":
      return "the token is for another audience";
    case "iss":
      return "the token is from another issuer";
    default:
      return `the claim ${claim} of the token is not the one that is asked for`;
  }
}

function unauthorized(sentence: string): JwtFault {
  return { code: "unauthorized", sentence };
}
