/** Who may use the API: those who have one of its keys. */
import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { FailedTries } from "../../server/base/failed-tries.js";
import type { HubKey } from "./options.js";
import type { Problem } from "./problem.js";

const REALM = 'Bearer realm="hawser hub"';
/** When all tries of an address are there again. */
const TRIES_BACK_MS = 10_000;

export class KeyRing {
  readonly #keys: readonly { readonly hash: Buffer; readonly may: ReadonlySet<string> }[];
  readonly #tries: FailedTries;
  readonly #refused: (address: string) => void;

  constructor(keys: readonly HubKey[], tries: FailedTries, refused: (address: string) => void) {
    this.#keys = keys.map(({ key, may }) => ({ hash: hash(key), may: new Set(may) }));
    this.#tries = tries;
    this.#refused = refused;
  }

  /** Whoever has a key gets in, however many wrong ones came from the same address: that may be a proxy's. */
  refuse({ headers, socket }: IncomingMessage, operation: string): Problem | undefined {
    const given = /^Bearer +(?<key>\S+) *$/i.exec(headers.authorization ?? "")?.groups?.["key"];
    if (given === undefined) return unauthorized("this needs a key: Authorization: Bearer …", REALM);
    const may = this.#find(given);
    if (may?.has(operation)) return undefined;
    if (may !== undefined) {
      const challenge = { "WWW-Authenticate": `${REALM}, error="insufficient_scope"` };
      return { status: 403, code: "forbidden", detail: `this key is not for ${operation}`, headers: challenge };
    }
    const address = socket.remoteAddress ?? "";
    if (!this.#tries.take(address)) {
      return { status: 429, code: "limit", detail: "too many wrong keys: wait", retryMs: TRIES_BACK_MS };
    }
    this.#refused(address);
    return unauthorized("the key is not right", `${REALM}, error="invalid_token"`);
  }

  /** Asks all keys, always: the time that it takes tells nothing. */
  #find(given: string): ReadonlySet<string> | undefined {
    const hashed = hash(given);
    let found: ReadonlySet<string> | undefined;
    for (const key of this.#keys) if (timingSafeEqual(key.hash, hashed)) found = key.may;
    return found;
  }
}

function unauthorized(detail: string, challenge: string): Problem {
  return { status: 401, code: "unauthorized", detail, headers: { "WWW-Authenticate": challenge } };
}

/** Of equal length, whatever was given. */
function hash(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
