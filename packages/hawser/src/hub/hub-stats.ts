import type { GapWord } from "./recovery/audience.js";

/** What sessions count. */
export interface HubCounts {
  published: number;
  calls: number;
  asks: number;
  replayed: number;
}

/** Totals since the hub was made, and how much there is now. */
export interface HubStats {
  /** Clients of `hawser.v1`. */
  readonly sessions: number;
  /** Topics that somebody on this node is subscribed to, or was a moment ago. */
  readonly topics: number;
  /** Bytes of the messages that this node keeps for clients that come back. */
  readonly historyBytes: number;
  /** Messages published by this node: by its clients, and by the application. */
  readonly published: number;
  /** Calls of clients that have begun, and of the server's. */
  readonly calls: number;
  readonly asks: number;
  /** Clients that came back to a topic and were given what they had missed, the messages that were, and those that could not be given it. */
  readonly resumed: number;
  readonly replayed: number;
  readonly missed: number;
  /** Messages that did not come live and were read from the engine before anybody noticed. */
  readonly repaired: number;
  /** Gaps told to the clients of a topic, by why. */
  readonly gaps: Readonly<Record<GapWord, number>>;
}
