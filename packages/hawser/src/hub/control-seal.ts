import { createHmac, timingSafeEqual } from "node:crypto";
import { freshId } from "../server/base/fresh-id.js";

/** By how much the clocks of two nodes may differ, the way of the message included. */
const MOST_AGE_MS = 60_000;

/** Why a control message is not obeyed: a word for the log. */
export type SealFault = "unsigned" | "wrong signature" | "too old" | "repeated";

/** What a node said, and which node. */
export interface Unsealed {
  readonly text: string;
  readonly node: string;
}

interface Sealed extends Unsealed {
  /** In milliseconds since 1970. */
  readonly at: number;
  /** Another one for each message. */
  readonly once: string;
  readonly mac: string;
}

/**
 * Signs what nodes tell each other with a secret that they share, and checks it: HMAC-SHA-256 (RFC 2104) of the text, the node, the time and a number
 * that is used once. Whoever can write to the engine but does not have the secret can neither make up a message nor send one again.
 */
export class ControlSeal {
  readonly #secret: Buffer;
  readonly #now: () => number;
  /** Those that were obeyed, oldest first: who does not have the secret adds none. */
  readonly #seen = new Map<string, number>();

  /** @param now the time in milliseconds since 1970 */
  constructor(secret: string | Uint8Array, now: () => number) {
    this.#secret = Buffer.from(secret as string);
    this.#now = now;
  }

  seal(text: string, node: string): string {
    const message = { text, node, at: this.#now(), once: freshId() };
    return JSON.stringify({ ...message, mac: this.#macOf(message).toString("base64url") });
  }

  open(sealed: string): Unsealed | SealFault {
    const message = parse(sealed);
    if (message === undefined) return "unsigned";
    const mac = this.#macOf(message);
    const given = Buffer.from(message.mac, "base64url");
    if (given.length !== mac.length || !timingSafeEqual(given, mac)) return "wrong signature";
    const now = this.#now();
    if (Math.abs(now - message.at) > MOST_AGE_MS) return "too old";
    for (const [once, at] of this.#seen) {
      // One that came from a node whose clock is ahead may be taken for longer.
      if (now - at <= 2 * MOST_AGE_MS) break;
      this.#seen.delete(once);
    }
    if (this.#seen.has(message.once)) return "repeated";
    this.#seen.set(message.once, now);
    return { text: message.text, node: message.node };
  }

  #macOf({ text, node, at, once }: Omit<Sealed, "mac">): Buffer {
    // As JSON: no two messages look alike.
    return createHmac("sha256", this.#secret)
      .update(JSON.stringify(["hawser control 1", text, node, at, once]))
      .digest();
  }
}

function parse(sealed: string): Sealed | undefined {
  try {
    const message = JSON.parse(sealed) as Partial<Record<string, unknown>> | null;
    const { text, node, at, once, mac } = message ?? {};
    const isWhole = [text, node, once, mac].every((part) => typeof part === "string") && Number.isSafeInteger(at);
    return isWhole ? (message as unknown as Sealed) : undefined;
  } catch {
    return undefined;
  }
}
