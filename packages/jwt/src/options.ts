import { createPublicKey, createSecretKey, type JsonWebKey, KeyObject } from "node:crypto";
import { OptionError, UsageError } from "hawser";
import { checkValue, type ValueRule } from "hawser/tools";
import { algorithmsOf, asymmetric, isAlgorithm, type JwtAlgorithm, secretBytes } from "./algorithms.js";

/** One of `secret`, `publicKey` and `jwks`, and who the tokens are from and for. Checked by `jwt`. */
export interface JwtOptions {
  /** What the issuer signs with as well, for HS256 to HS512: 32, 48 or 64 random bytes, or more. Text is taken in UTF-8. */
  secret?: string | Uint8Array | undefined;
  /** The issuer's public key: SPKI or an X.509 certificate as PEM, a JWK, or a key of `node:crypto`. */
  publicKey?: string | JsonWebKey | KeyObject | undefined;
  /** Where the issuer has its set of public keys. It is fetched when the first token comes, and again when keys change. */
  jwks?: string | URL | undefined;
  /**
   * The algorithms that a token may be signed with; what its header says decides nothing else.
   * @default HS256 for a secret, those that fit a public key, those of key pairs for a set of keys
   */
  algorithms?: readonly JwtAlgorithm[] | undefined;
  /** Whom the claim `iss` has to name: this one, or one of them. @default anybody */
  issuer?: string | readonly string[] | undefined;
  /** Whom the claim `aud` has to name. With `jwks` it is needed: an issuer's keys sign for others, too. @default anybody */
  audience?: string | readonly string[] | undefined;
  /** What the header `typ` has to be, such as `at+jwt` where an issuer's access tokens and its other tokens differ in nothing else. @default anything */
  type?: string | undefined;
  /** By how much the clocks of issuer and server may differ. @default 5000 */
  toleranceMs?: number | undefined;
  /** For how long a client may stay after its token has expired, to send a new one. @default 25000 */
  graceMs?: number | undefined;
  /** The names of the claims that hold the user's id and the topics. @default { user: "sub", topics: "hub" } */
  claims?: { readonly user?: string | undefined; readonly topics?: string | undefined } | undefined;
  /** How long to wait for the set of keys. @default 5000 */
  jwksTimeoutMs?: number | undefined;
  /** Told whenever the set of keys could not be had, and why. @default nobody */
  onJwksFailure?: ((why: string) => void) | undefined;
  /** A reason, where tokens without an end are meant. The safe way is the claim `exp`. @default refused */
  dangerouslyAllowTokensWithoutExpiry?: string | undefined;
  /** A reason, where tokens for any audience are meant. The safe way is `audience`. @default refused with jwks */
  dangerouslyAllowAnyAudience?: string | undefined;
  /** A reason, where keys are to be fetched without TLS from another machine: whoever is on the way can make tokens. @default refused */
  dangerouslyAllowInsecureJwks?: string | undefined;
}

/** The same with everything in place. */
export interface ResolvedJwtOptions {
  readonly key: KeyObject | URL;
  readonly algorithms: readonly JwtAlgorithm[];
  readonly issuer: string | string[] | undefined;
  readonly audience: string | string[] | undefined;
  readonly type: string | undefined;
  readonly toleranceMs: number;
  readonly graceMs: number;
  readonly claims: { readonly user: string; readonly topics: string };
  readonly needsExpiry: boolean;
  readonly jwksTimeoutMs: number;
  readonly onJwksFailure: (why: string) => void;
}

export const jwtOptionNames: ReadonlySet<string> = new Set<keyof JwtOptions>([
  "secret",
  "publicKey",
  "jwks",
  "algorithms",
  "issuer",
  "audience",
  "type",
  "toleranceMs",
  "graceMs",
  "claims",
  "jwksTimeoutMs",
  "onJwksFailure",
  "dangerouslyAllowTokensWithoutExpiry",
  "dangerouslyAllowAnyAudience",
  "dangerouslyAllowInsecureJwks",
]);

const DAY_MS = 86_400_000;

/** @throws OptionError, UsageError */
export function resolveJwtOptions(options: JwtOptions): ResolvedJwtOptions {
  for (const name of Object.keys(options))
    if (!jwtOptionNames.has(name)) throw new UsageError(`there is no option "${name}"`);
  for (const name of jwtOptionNames) if (name.startsWith("dangerously")) checkReason(name as keyof JwtOptions, options);
  const { toleranceMs = 5000, graceMs = 25_000, claims = {}, jwksTimeoutMs = 5000 } = options;
  const key = keyOf(options);
  checkValue("toleranceMs", milliseconds("by how much clocks may differ", 0, 300_000), toleranceMs);
  checkValue("graceMs", milliseconds("how long an expired client may stay", 0, DAY_MS), graceMs);
  checkValue("jwksTimeoutMs", milliseconds("how long to wait for the set of keys", 1, 60_000), jwksTimeoutMs);
  const audience = parties("audience", options.audience);
  if (key instanceof URL && (audience === undefined) === (options.dangerouslyAllowAnyAudience === undefined)) {
    throw new UsageError("jwks needs either audience or dangerouslyAllowAnyAudience with a reason");
  }
  return Object.freeze({
    key,
    algorithms: algorithmsFor(key, options.algorithms),
    issuer: parties("issuer", options.issuer),
    audience,
    type: options.type === undefined ? undefined : text("type", options.type),
    toleranceMs,
    graceMs,
    claims: {
      user: text("claims.user", claims.user ?? "sub"),
      topics: text("claims.topics", claims.topics ?? "hub"),
    },
    needsExpiry: options.dangerouslyAllowTokensWithoutExpiry === undefined,
    jwksTimeoutMs,
    onJwksFailure: options.onJwksFailure ?? (() => {}),
  });
}

function keyOf({ secret, publicKey, jwks, dangerouslyAllowInsecureJwks }: JwtOptions): KeyObject | URL {
  const given = [secret, publicKey, jwks].filter((value) => value !== undefined);
  if (given.length !== 1) throw new UsageError("jwt needs one of secret, publicKey and jwks");
  if (secret !== undefined) return secretKey(secret);
  if (publicKey !== undefined) return toPublicKey(publicKey);
  return jwksUrl(jwks!, dangerouslyAllowInsecureJwks !== undefined);
}

/** Messages do not say what was given: it is a secret. */
function secretKey(secret: string | Uint8Array): KeyObject {
  if (typeof secret !== "string" && !(secret instanceof Uint8Array))
    throw new UsageError("secret: takes text or bytes");
  const bytes = Buffer.from(secret as string);
  // A public key is known to everybody: taken for a secret, everybody could sign with it.
  if (bytes.includes("-----BEGIN "))
    throw new UsageError("secret: this is a key in PEM; a public one is for publicKey");
  if (bytes.length === 0) throw new UsageError("secret: it is empty");
  return createSecretKey(bytes);
}

function toPublicKey(key: string | JsonWebKey | KeyObject): KeyObject {
  if (key instanceof KeyObject) {
    if (key.type === "public") return key;
    throw new UsageError(`publicKey: this is a ${key.type} key`);
  }
  // `createPublicKey` would take the public half of it, and the private one would stay where it has no business.
  const isPrivate = typeof key === "string" ? key.includes("PRIVATE KEY-----") : Object.hasOwn(key, "d");
  if (isPrivate) throw new UsageError("publicKey: this is a private key, which belongs to the issuer alone");
  try {
    return createPublicKey(typeof key === "string" ? key : { key, format: "jwk" });
  } catch {
    throw new UsageError("publicKey: takes SPKI or a certificate as PEM, a JWK, or a key of node:crypto");
  }
}

function jwksUrl(given: string | URL, mayBeInsecure: boolean): URL {
  const takes =
    "a URL that begins with https://, or http:// on this machine; for others see dangerouslyAllowInsecureJwks";
  if (!URL.canParse(String(given))) throw new OptionError("jwks", given, takes);
  const url = new URL(given);
  // Braces are what templates are filled in at: no part of the URL comes from a token.
  if (url.username !== "" || url.password !== "" || /[{}]|%7[bd]/i.test(url.href)) {
    throw new OptionError("jwks", "…", "a URL without a name, a password or braces in it");
  }
  const isLocal = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(url.hostname);
  if (url.protocol !== "https:" && !(url.protocol === "http:" && (isLocal || mayBeInsecure))) {
    throw new OptionError("jwks", url.href, takes);
  }
  return url;
}

function algorithmsFor(key: KeyObject | URL, given: readonly JwtAlgorithm[] | undefined): readonly JwtAlgorithm[] {
  const fitting = fittingAlgorithms(key);
  if (fitting.length === 0)
    throw new UsageError("publicKey: takes RSA of 2048 bits or more, P-256, P-384, P-521 or Ed25519");
  const algorithms = given ?? (fitting.includes("HS256") ? (["HS256"] as const) : fitting);
  if (!Array.isArray(algorithms) || algorithms.length === 0 || !algorithms.every(isAlgorithm)) {
    throw new OptionError("algorithms", given, `a list of ${[...SECRET_ALGORITHMS, ...asymmetric].join(", ")}`);
  }
  const wrong = algorithms.find((algorithm) => !fitting.includes(algorithm));
  if (wrong !== undefined) {
    throw new OptionError("algorithms", wrong, `those that go with the key that was given: ${fitting.join(", ")}`);
  }
  if (key instanceof KeyObject && key.type === "secret") checkLength(key, algorithms);
  return Object.freeze([...algorithms]);
}

const SECRET_ALGORITHMS = ["HS256", "HS384", "HS512"] as const;

function fittingAlgorithms(key: KeyObject | URL): readonly JwtAlgorithm[] {
  if (key instanceof URL) return asymmetric;
  return key.type === "secret" ? SECRET_ALGORITHMS : algorithmsOf(key);
}

function checkLength(secret: KeyObject, algorithms: readonly JwtAlgorithm[]): void {
  const needed = Math.max(...algorithms.map((algorithm) => secretBytes(algorithm) ?? 0));
  const size = secret.symmetricKeySize ?? 0;
  if (size < needed) {
    throw new UsageError(
      `secret: has ${size} bytes, and ${algorithms.join(", ")} needs ${needed} or more, random ones`,
    );
  }
}

function parties(name: string, given: string | readonly string[] | undefined): string | string[] | undefined {
  if (given === undefined) return undefined;
  const list = typeof given === "string" ? [given] : given;
  if (!Array.isArray(list) || list.length === 0) throw new OptionError(name, given, "a text or a list of texts");
  return list.map((entry) => text(name, entry));
}

function text(name: string, value: unknown): string {
  if (typeof value !== "string" || value === "") throw new OptionError(name, value, "a text that is not empty");
  return value;
}

function checkReason(name: keyof JwtOptions, options: JwtOptions): void {
  if (options[name] !== undefined) text(name, options[name]);
}

function milliseconds(help: string, min: number, max: number): ValueRule {
  return { kind: "integer", unit: "milliseconds", min, max, help };
}
