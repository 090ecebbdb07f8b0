import type { Client } from "../../server/api/client.js";
import type { PendingCall } from "./pending-call.js";

/** Whose request it is, as those see it who carry it out. */
export interface Requester {
  readonly client: Client;
  readonly user: unknown;
  /** Says something that may not be left out. */
  say(frame: string | Uint8Array): void;
  /** The request begins to wait for its answer. */
  begin(id: number, call?: PendingCall): void;
  answer(id: number, frame: string | Uint8Array): void;
  refuse(id: number, code: string, sentence: string, retryMs?: number): void;
  /** The request went wrong. @param what the function that did */
  fail(id: number, what: string, error: unknown): void;
  /** A call or a read begins, unless there are too many; then it is refused. `ended` has to follow. */
  mayBegin(id: number): boolean;
  ended(): void;
}
