import type { ErrorWord } from "@hawser/wire";

/** What the client says itself; all others are the server's words, which docs/wire.md has. */
export type LiveErrorCode =
  | ErrorWord
  /** There was no connection in time, and the request was never sent. */
  | "offline"
  /** The connection was lost before the answer came; what was asked for may have happened. */
  | "lost"
  /** Too much waits for a connection already. */
  | "queue-full"
  /** The application has closed the connection, or given up the subscription. */
  | "closed"
  /** The server closed three connections in a row with the same code, which is final. */
  | "refused"
  /** The user may no longer read the topic. */
  | "revoked"
  /** The token is `null`: nobody is signed in. */
  | "signed-out"
  | (string & {});

/** Why a request failed. */
export class LiveError extends Error {
  override readonly name = "LiveError";
  /** For programs. */
  readonly code: LiveErrorCode;

  constructor(code: LiveErrorCode, message: string = code) {
    super(message);
    this.code = code;
  }
}
