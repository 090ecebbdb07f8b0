import type { Position } from "../brokers/broker.js";
import type { Ask } from "./ask.js";

/**
 * What a topic is doing about its position:
 *
 * | phase       | position | a message that comes is    | asks the broker                       | and is then                                             |
 * | ----------- | -------- | -------------------------- | ------------------------------------- | ------------------------------------------------------- |
 * | subscribing | none     | held                       | to subscribe                          | joining                                                 |
 * | joining     | none     | held                       | for the newest messages               | live                                                    |
 * | live        | certain  | delivered; else: repairing | for what a joining client lacks       | live                                                    |
 * | suspect     | doubtful | held, and then: repairing  | nothing; when a client joins: repairing | live, once a check has confirmed the position         |
 * | repairing   | doubtful | held                       | for what comes after the position     | live; resetting (another epoch); renewing (it diverged) |
 * | renewing    | wrong    | held                       | for another epoch                     | resetting                                               |
 * | resetting   | wrong    | held                       | for the newest messages               | live, in the other epoch                                |
 */
export type Phase = "subscribing" | "joining" | "live" | "suspect" | "repairing" | "renewing" | "resetting";

/** A count for each phase. */
export function noPhases(): Record<Phase, number> {
  return { subscribing: 0, joining: 0, live: 0, suspect: 0, repairing: 0, renewing: 0, resetting: 0 };
}

/** What a question depends on. */
export interface Circumstances {
  readonly position: Position;
  /** The epoch that has to end. */
  readonly renewFrom: string;
  /** The most messages that are of use. */
  readonly limit: number;
  readonly joins: { readonly size: number; readonly wantHistory: boolean; readonly wantNewer: boolean };
}

/** What has to be asked of the broker in this phase, undefined for nothing. */
export function questionOf(phase: Phase, { position, renewFrom, limit, joins }: Circumstances): Ask | undefined {
  switch (phase) {
    case "subscribing":
      return { kind: "subscribe" };
    case "joining":
      return { kind: "newest", limit: joins.wantHistory ? limit : 0 };
    case "suspect":
      return undefined;
    case "live":
      if (joins.size === 0) return undefined;
      // Whether there is something newer is told by the head alone, and live messages go on meanwhile: a position may be made up.
      return { kind: "newest", limit: joins.wantNewer ? 0 : limit };
    case "repairing":
      return { kind: "after", position, limit };
    case "renewing":
      return { kind: "renew", epoch: renewFrom };
    case "resetting":
      return { kind: "newest", limit };
  }
}
