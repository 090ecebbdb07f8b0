/** The admin token: every way in that takes it asks here. */
import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { FailedTries } from "hawser/tools";
import type { AdminLog } from "./log.js";

/** `limited`: it is wrong, and so many were before it that it is not even said. */
export type TokenVerdict = "right" | "wrong" | "limited";

/** What a page offers besides `hawser.token.…`, and what is chosen: browsers can send a token with a handshake in no other header. */
export const SUBPROTOCOL = "hawser.admin";
const IN_SUBPROTOCOL = "hawser.token.";

export class TokenGate {
  readonly #hash: Buffer;
  readonly #tries: FailedTries;
  readonly #log: AdminLog;

  constructor(token: string, tries: FailedTries, log: AdminLog) {
    this.#hash = hash(token);
    this.#tries = tries;
    this.#log = log;
  }

  /** Whoever has the token gets in, however many wrong ones came from the same address: that may be a proxy's. */
  check(given: string, address: string): TokenVerdict {
    if (timingSafeEqual(hash(given), this.#hash)) return "right";
    if (!this.#tries.take(address)) return "limited";
    this.#log.tokenRefused(address);
    return "wrong";
  }
}

/** `Authorization: Bearer …`; undefined: there is none, or it is of another kind, such as a proxy's own. */
export function bearerToken({ headers }: IncomingMessage): string | undefined {
  return /^Bearer(?: +|$)(?<token>.*)$/i.exec(headers.authorization ?? "")?.groups?.["token"];
}

export function subprotocolToken(offered: readonly string[]): string | undefined {
  return offered.find((name) => name.startsWith(IN_SUBPROTOCOL))?.slice(IN_SUBPROTOCOL.length);
}

/** Of equal length, whatever was given: comparing takes the same time. */
function hash(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
