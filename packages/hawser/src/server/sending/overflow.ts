import type { Backlog } from "./backlog.js";

/** What happens to a client past its backlog, and to the one that holds most when there is no room for all. */
export type OverflowPolicy =
  /** It is closed with 1013: what it missed it could not know. */
  | "close"
  /** The message that does not fit is not sent; for others, its newest messages make room. */
  | "drop-newest"
  /** The messages that wait longest make room. */
  | "drop-oldest"
  /** Messages that a later one of the same key supersedes make room; when that is not enough it is closed. */
  | "latest-per-key";

/** A policy: each step takes the same time however many messages wait. */
export interface Overflow {
  /** Whether it asks for the messages of a key. */
  readonly isKeyed: boolean;
  /** A message of this client does not fit: makes room for it, or says that there is none. */
  makeRoom(backlog: Backlog, fits: () => boolean, key: string | null): "queue" | "drop" | "close";
  /** Others need room: drops messages of this client until it is enough, or says that it has to be closed. */
  giveWay(backlog: Backlog, isEnough: () => boolean): "stay" | "close";
}

const closeClient: Overflow = {
  isKeyed: false,
  makeRoom: () => "close",
  giveWay: () => "close",
};

const dropNewest: Overflow = {
  isKeyed: false,
  makeRoom: () => "drop",
  giveWay(backlog, isEnough) {
    backlog.dropNewest(isEnough);
    return "stay";
  },
};

const dropOldest: Overflow = {
  isKeyed: false,
  makeRoom(backlog, fits) {
    while (!fits()) if (!backlog.dropOldest()) return "drop";
    return "queue";
  },
  giveWay(backlog, isEnough) {
    while (!isEnough() && backlog.dropOldest());
    return "stay";
  },
};

const keepLatestPerKey: Overflow = {
  isKeyed: true,
  makeRoom(backlog, fits, key) {
    backlog.dropSuperseded(key);
    return fits() ? "queue" : "close";
  },
  giveWay(backlog, isEnough) {
    backlog.dropSuperseded(null);
    return isEnough() ? "stay" : "close";
  },
};

export const overflowPolicies: Readonly<Record<OverflowPolicy, Overflow>> = {
  close: closeClient,
  "drop-newest": dropNewest,
  "drop-oldest": dropOldest,
  "latest-per-key": keepLatestPerKey,
};
