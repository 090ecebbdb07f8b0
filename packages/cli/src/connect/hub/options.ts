/** What `connect --hub` takes. */
import type { OpenOptions } from "../../tools/open-web-socket.js";

export interface HubOptions {
  readonly open: OpenOptions;
  /** Undefined: none. */
  readonly token: string | undefined;
  /** Topics to subscribe to at the beginning. */
  readonly topics: readonly string[];
  /** Lines to carry out instead of those that are typed. */
  readonly execute: readonly string[];
  /** In a pipe: how long to stay after the last line was answered, in milliseconds. */
  readonly waitMs: number;
}
