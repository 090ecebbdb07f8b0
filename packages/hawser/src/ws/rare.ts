import type { Connecting } from "./client-options.js";
import type { BinaryType } from "./messages.js";
import type { SendQueue } from "./send-queue.js";

/** What most WebSockets of a server are without for as long as they are open. */
export interface Rare {
  /** Null: it is a server's, or no request is under way. */
  connecting: Connecting | null;
  binaryType: BinaryType;
  url: string | undefined;
  /** Bytes that were sent when it was too late. */
  late: number;
  closedCleanly: boolean;
  /** Null: no blob was ever sent. */
  queue: SendQueue | null;
}

export const NONE: Readonly<Rare> = {
  connecting: null,
  binaryType: "nodebuffer",
  url: undefined,
  late: 0,
  closedCleanly: false,
  queue: null,
};
