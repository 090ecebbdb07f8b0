/** What `connect` takes. */
import type { OpenOptions } from "../tools/open-web-socket.js";

export interface ConnectOptions {
  readonly open: OpenOptions;
  /** Messages to send instead of reading what is typed. */
  readonly execute: readonly string[];
  /** In a pipe: how long to stay after the last message was sent, in milliseconds. */
  readonly waitMs: number;
  /** Null: never. */
  readonly pingEveryMs: number | null;
}
