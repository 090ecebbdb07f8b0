import type { Timed } from "../../server/base/deadlines.js";
import type { AudiencePort, GapWord } from "./audience.js";
import type { Ask, BrokerAnswer } from "./ask.js";
import type { Position, StoredMessage } from "../brokers/broker.js";
import type { FairShare } from "../brokers/fair-share.js";
import type { Phase } from "./phases.js";

/** What happened to the topics of this node, in all. */
export interface RecoveryCounts {
  /** Messages that came from the engine, live or read: once each. */
  messages: number;
  /** Messages that clients were handed, one for each client, replays included. */
  deliveries: number;
  /** Topics by what they are doing about their position, now. */
  readonly phases: Record<Phase, number>;
  /** Questions to the broker about one topic, reads most of all. */
  asked: number;
  /** Messages that did not come live and were read instead. */
  repaired: number;
  /** Gaps told, once for all clients of a topic; `slow` for each client. */
  readonly gaps: Record<GapWord, number>;
  /** Clients that came back and were given what they had missed. */
  resumed: number;
  /** Clients that came back and could not be given it. */
  missed: number;
}

/** What a topic needs of the world around it. Nothing here calls back before it returns, but `Audience` allows for a client that leaves. */
export interface TopicPort<Client, Frame> extends AudiencePort<Client, Frame> {
  /** What clients are sent for a message: composed once, kept for replays. */
  frame(topic: string, message: StoredMessage): Frame;
  /** Asks the broker; `answered` is called later, exactly once. */
  ask(topic: Asker, what: Ask): void;
  /** Asks for the newest position, together with other topics; `checked` is called later with this number. */
  check(topic: Asker, number: number): void;
  /** `checkDeadlines` is called at this time, or before. */
  wake(topic: Timed, at: number): void;
  /** Nobody is here any longer. No call comes after this one. */
  drop(topic: Asker): void;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly share: FairShare;
  readonly counts: RecoveryCounts;
}

/** Who asks. */
export interface Asker extends Timed {
  readonly name: string;
  answered(answer: BrokerAnswer, now: number): void;
  checked(position: Position | undefined, number: number, now: number): void;
}
