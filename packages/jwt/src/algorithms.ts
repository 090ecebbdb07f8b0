/** The signatures that are taken, and the keys that they need. RFC 7518 3.1, RFC 8037; `none` is not among them. */
import type { KeyObject } from "node:crypto";

export type JwtAlgorithm =
  | "HS256"
  | "HS384"
  | "HS512"
  | "RS256"
  | "RS384"
  | "RS512"
  | "PS256"
  | "PS384"
  | "PS512"
  | "ES256"
  | "ES384"
  | "ES512"
  | "EdDSA"
  | "Ed25519";

/** Of a secret: the least bytes that it needs. RFC 7518 3.2: a key as long as the hash or longer. */
const SECRET_BYTES: ReadonlyMap<string, number> = new Map([
  ["HS256", 32],
  ["HS384", 48],
  ["HS512", 64],
]);

const RSA = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"] as const;
/** RFC 9864 calls the signature Ed25519 that most issuers call EdDSA. */
const ED25519 = ["EdDSA", "Ed25519"] as const;
/** RFC 7518 3.4: each goes with one curve. */
const OF_CURVE: ReadonlyMap<string, JwtAlgorithm> = new Map([
  ["prime256v1", "ES256"],
  ["secp384r1", "ES384"],
  ["secp521r1", "ES512"],
]);

/** Those of key pairs: who can check a signature cannot make one. */
export const asymmetric: readonly JwtAlgorithm[] = [...RSA, ...OF_CURVE.values(), ...ED25519];

/** RFC 7518 3.3: 2048 bits or more. */
const LEAST_RSA_BITS = 2048;

export function isAlgorithm(name: unknown): name is JwtAlgorithm {
  return typeof name === "string" && (SECRET_BYTES.has(name) || (asymmetric as readonly string[]).includes(name));
}

/** The least bytes of a secret for this algorithm; undefined: it is one of key pairs. */
export function secretBytes(algorithm: JwtAlgorithm): number | undefined {
  return SECRET_BYTES.get(algorithm);
}

/** What a public key can check; none where it is too weak or of another kind. */
export function algorithmsOf(key: KeyObject): readonly JwtAlgorithm[] {
  const { modulusLength = 0, namedCurve = "" } = key.asymmetricKeyDetails ?? {};
  switch (key.asymmetricKeyType) {
    case "rsa":
      return modulusLength >= LEAST_RSA_BITS ? RSA : [];
    case "ec": {
      const algorithm = OF_CURVE.get(namedCurve);
      return algorithm === undefined ? [] : [algorithm];
    }
    case "ed25519":
      return ED25519;
    default:
      return [];
  }
}
