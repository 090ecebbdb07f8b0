import { type ByeWord, byeWords, type ErrorWord, errorWords } from "@hawser/wire";
import { DurationCounter, type Durations } from "../server/base/durations.js";
import { BrokerError, type BrokerFault } from "./brokers/broker.js";
import type { EngineReport } from "./engine-status.js";
import type { GapWord } from "./recovery/audience.js";
import type { Phase } from "./recovery/phases.js";

/**
 * How a call ended: answered; refused by who was asked, or before it came to that; not answered in time; given up; or gone wrong, by an error of the
 * handler's or the end of the connection.
 */
export type CallOutcome = "answered" | "refused" | "timeout" | "cancelled" | "failed";

/** Why the engine did not take a publish; `failed` for what is no fault of an engine's. */
export type PublishFault = BrokerFault | "failed";

/** An error word of `hawser.v1`; `other` for the application's own. */
export type RefusalWord = ErrorWord | "other";

/** What became of a token. */
export type TokenOutcome = "accepted" | "unauthorized" | "expired" | "unavailable" | "other";

/** Plain integers, counted where things happen. */
export interface HubCounts {
  published: number;
  readonly publishFailures: Record<PublishFault, number>;
  readonly publishTimes: DurationCounter;
  readonly deliveryLags: DurationCounter;
  calls: number;
  callsPending: number;
  readonly callOutcomes: Record<CallOutcome, number>;
  asks: number;
  asksPending: number;
  readonly askOutcomes: Record<CallOutcome, number>;
  replayed: number;
  foreign: number;
  readonly refused: Record<RefusalWord, number>;
  readonly tokens: Record<TokenOutcome, number>;
  readonly byes: Record<ByeWord, number>;
  controlRefused: number;
}

/** Totals since the hub was made, and how much there is now. A copy. */
export interface HubStats {
  /** The id of this node, by which others know it: another one after each start. */
  readonly node: string;
  /** Whether the engine can be reached, since when, and how often it was lost. */
  readonly engine: EngineReport;
  /** Clients of `hawser.v1`. */
  readonly sessions: number;
  /** Topics that somebody on this node is subscribed to, or was a moment ago. */
  readonly topics: number;
  /** The same by what they are doing about their position. */
  readonly phases: Readonly<Record<Phase, number>>;
  /** Topics whose position is in doubt or being repaired. */
  readonly suspects: number;
  /** Members of topics, by this node alone: a key in two topics counts twice. */
  readonly members: number;
  /** Bytes of the messages that this node keeps for clients that come back, and the most that may be. */
  readonly historyBytes: number;
  readonly historyLimitBytes: number;
  /** Messages published by this node: by its clients, and by the application. */
  readonly published: number;
  /** Publishes that the engine did not take, or whose answer did not come. */
  readonly publishFailures: Readonly<Record<PublishFault, number>>;
  /** How long the engine took to answer publishes; in a flood, a sample. */
  readonly publishTimes: Durations;
  /** From a publish of this node's until the message was back here for its subscribers, of one at a time. */
  readonly deliveryLags: Durations;
  /** Messages that came from the engine, from whichever node. */
  readonly messages: number;
  /** Messages that clients of this node were handed, one for each client, replays included; who sent one itself counts as well. */
  readonly deliveries: number;
  /** Calls of clients that have begun, those whose handlers run, and how they ended. */
  readonly calls: number;
  readonly callsPending: number;
  readonly callOutcomes: Readonly<Record<CallOutcome, number>>;
  /** Calls of the server's, in the same way. */
  readonly asks: number;
  readonly asksPending: number;
  readonly askOutcomes: Readonly<Record<CallOutcome, number>>;
  /** Requests of clients that were refused, by the word of the answer. */
  readonly refused: Readonly<Record<RefusalWord, number>>;
  /** Tokens that `authenticate` was asked about, by what it said. */
  readonly tokens: Readonly<Record<TokenOutcome, number>>;
  /** Connections that the hub has ended or asked to come back, by the word of `bye`. */
  readonly byes: Readonly<Record<ByeWord, number>>;
  /** Control messages that came from the engine and were not obeyed: foreign ones, and those without the right signature. */
  readonly controlRefused: number;
  /** Clients that came back to a topic and were given what they had missed, the messages that were, and those that could not be given it. */
  readonly resumed: number;
  readonly replayed: number;
  readonly missed: number;
  /** Messages that did not come live and were read from the engine before anybody noticed. */
  readonly repaired: number;
  /** Questions to the engine about a topic, reads most of all. */
  readonly asked: number;
  /** What stood in the engine under names of ours that no node wrote, and was passed over. */
  readonly foreign: number;
  /** Gaps told to the clients of a topic, by why. */
  readonly gaps: Readonly<Record<GapWord, number>>;
}

/** From the memory of this process to an engine that is not well; a publish is settled within two seconds. */
const PUBLISH_BOUNDS_MS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500];
/** A message that was lost on its way is found by the next one, or by a check half a minute later. */
const LAG_BOUNDS_MS = [...PUBLISH_BOUNDS_MS, 5000, 10_000, 30_000];

export function noCounts(): HubCounts {
  const outcomes = (): Record<CallOutcome, number> => ({
    answered: 0,
    refused: 0,
    timeout: 0,
    cancelled: 0,
    failed: 0,
  });
  return {
    published: 0,
    publishFailures: { unavailable: 0, limit: 0, failed: 0 },
    publishTimes: new DurationCounter(PUBLISH_BOUNDS_MS),
    deliveryLags: new DurationCounter(LAG_BOUNDS_MS),
    calls: 0,
    callsPending: 0,
    callOutcomes: outcomes(),
    asks: 0,
    asksPending: 0,
    askOutcomes: outcomes(),
    replayed: 0,
    foreign: 0,
    refused: { ...zeros(errorWords), other: 0 },
    tokens: { accepted: 0, unauthorized: 0, expired: 0, unavailable: 0, other: 0 },
    byes: zeros(byeWords),
    controlRefused: 0,
  };
}

/** As it is now, whatever is counted later. */
export function copyOf<Value extends object>(value: Value): Value {
  if (value instanceof DurationCounter) {
    const { boundsMs, counts, sumMs, count } = value;
    return { boundsMs, counts: [...counts], sumMs, count } as unknown as Value;
  }
  const parts = Object.entries(value as Readonly<Record<string, unknown>>);
  return Object.fromEntries(
    parts.map(([name, part]) => [name, typeof part === "object" && part !== null ? copyOf(part) : part]),
  ) as Value;
}

export function countRefusal({ refused }: HubCounts, code: string): void {
  refused[Object.hasOwn(refused, code) ? (code as RefusalWord) : "other"]++;
}

/** @param code why it was not taken: an error word, or one of the application's own */
export function countToken({ tokens }: HubCounts, code: string): void {
  const isKnown = code === "unauthorized" || code === "expired" || code === "unavailable";
  tokens[isKnown ? code : "other"]++;
}

export function publishFaultOf(error: unknown): PublishFault {
  return error instanceof BrokerError ? error.fault : "failed";
}

/** How a call ended that was answered with this error word. */
export function outcomeOf(code: string): CallOutcome {
  if (code === "timeout" || code === "cancelled" || code === "failed") return code;
  return "refused";
}

function zeros<Word extends string>(words: Readonly<Record<Word, unknown>>): Record<Word, number> {
  return Object.fromEntries(Object.keys(words).map((word) => [word, 0])) as Record<Word, number>;
}
