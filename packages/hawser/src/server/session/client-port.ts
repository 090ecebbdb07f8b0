import type { Client } from "../api/client.js";
import type { Outgoing } from "../sending/outgoing.js";
import { type ConnectedClient, sessionOf } from "./connected-client.js";

/** What a layer above the server has attached to a client. */
export interface Attached {
  /** The server shuts down: what is sent now is the last before the close frame, but for what handlers that are running may send. */
  onShutdown(): void;
  /** The connection is gone. Its `close` handler comes later, when those that are running have finished. */
  onGone(): void;
}

/** What a layer above the server needs of a client besides the public API. */
export interface ClientPort {
  attached: Attached | null;
  /**
   * A message for many clients: each form of it is encoded once, when the first of them needs it.
   * @param isKept for long: then it lies in memory that holds nothing else
   */
  encodeOnce(payload: string | Uint8Array, isKept: boolean): Outgoing;
  /**
   * Sends a message for as long as there is room. Nobody has to make way for it, no client is closed for it, and once taken it is not dropped.
   * @returns false: there is no room, and nothing has changed; `drain` is called when there is. To a client that is closing all is sent in vain
   */
  offer(message: string | Outgoing): boolean;
}

export function portOf(client: Client): ClientPort {
  return sessionOf(client as ConnectedClient<unknown>) as ClientPort & ReturnType<typeof sessionOf>;
}
