import type { ErrorWord } from "@hawser/wire";

/**
 * Why something was refused, with a word that programs act on: one of `hawser.v1`, or one of the application's own (small letters, digits and -).
 * Thrown by a call's handler or by `authenticate`, it is what the client is answered; anything else that they throw stays in the log.
 */
export class HubError extends Error {
  override readonly name = "HubError";
  readonly code: ErrorWord | (string & {});
  /** Not again before so many milliseconds. */
  readonly retryMs: number | undefined;

  /** @param message for a person, and sent to the client */
  constructor(code: ErrorWord | (string & {}), message: string, retryMs?: number) {
    super(message);
    this.code = code;
    this.retryMs = retryMs;
  }
}
