import { OptionError, UsageError } from "../server/base/usage-error.js";
import { firstOf } from "./first-of.js";
import type { HubContext } from "./hub-context.js";
import type { Phase } from "./recovery/phases.js";
import type { Topic } from "./recovery/topic.js";

/** What topics can be listed by: the most of it first, names from A to Z. */
export type TopicSort = "subscribers" | "rate" | "messages" | "history" | "name";

export interface TopicQuery {
  /** Part of the name, in capitals or not. @default all topics */
  readonly search?: string | undefined;
  /** From 1 to 1000. @default 100 */
  readonly limit?: number | undefined;
  /** @default subscribers */
  readonly sort?: TopicSort | undefined;
}

/** A topic as this node has it. */
export interface TopicInfo {
  readonly name: string;
  readonly subscribers: number;
  /** Members by this node; undefined where it is not kept who is there. */
  readonly members: number | undefined;
  /** The newest position that its subscribers have; undefined without history, and before the engine has said it. */
  readonly head: { readonly epoch: string; readonly offset: number } | undefined;
  /** Messages that came from the engine since the topic is here, and those that clients were handed of them, replays included. */
  readonly messages: number;
  readonly deliveries: number;
  /** Messages a second since somebody asked last, or for a second at least. */
  readonly messagesPerSecond: number;
  readonly historyBytes: number;
  /** What it is doing about its position: `live` when all is well. */
  readonly phase: Phase;
}

export interface TopicList {
  /** All topics on this node, and those that the search has found. */
  readonly total: number;
  readonly matched: number;
  /** The first of them. */
  readonly topics: readonly TopicInfo[];
}

type AnyTopic = Topic<never, never>;

const MOST = 1000;
const USUAL = 100;
const LONGEST_SEARCH = 1000;

/** What decides, the larger the earlier. */
const numbers: Readonly<Record<TopicSort, (topic: AnyTopic, now: number) => number>> = {
  subscribers: (topic) => topic.clients,
  rate: (topic, now) => topic.activity.perSecond(now),
  messages: (topic) => topic.activity.messages,
  history: (topic) => topic.bytes,
  name: () => 0,
};

/** One look at every topic; the rest is done for those of the list alone. @throws OptionError, UsageError */
export function listTopics(context: HubContext, query: TopicQuery): TopicList {
  const { search, limit, sort } = checked(query);
  const topics = context.recovery.topics as unknown as ReadonlyMap<string, AnyTopic>;
  const { now } = context.wheel.time;
  const numberOf = numbers[sort];
  let matched = 0;
  const found = firstOf(search === "" ? topics.values() : matchesOf(topics, search), limit, (topic) => {
    matched++;
    return numberOf(topic, now);
  });
  return { total: topics.size, matched, topics: found.map((topic) => infoOf(topic, context, now)) };
}

function checked({ search = "", limit = USUAL, sort = "subscribers", ...rest }: TopicQuery): Required<{
  [Name in keyof TopicQuery]-?: NonNullable<TopicQuery[Name]>;
}> {
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) throw new UsageError(`topics has no option ${unknown}: it takes search, limit and sort`);
  if (typeof search !== "string" || search.length > LONGEST_SEARCH) {
    throw new OptionError("search", search, `text of at most ${LONGEST_SEARCH} characters`);
  }
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > MOST) {
    throw new OptionError("limit", limit, `a whole number from 1 to ${MOST}`);
  }
  if (!Object.hasOwn(numbers, sort)) {
    throw new OptionError("sort", sort, `one of ${Object.keys(numbers).join(", ")}`);
  }
  return { search, limit, sort };
}

function* matchesOf(topics: ReadonlyMap<string, AnyTopic>, search: string): Iterable<AnyTopic> {
  // Nothing but the letters themselves: no pattern of somebody else's runs here.
  const pattern = new RegExp(search.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&"), "i");
  for (const [name, topic] of topics) if (pattern.test(name)) yield topic;
}

function infoOf(topic: AnyTopic, { presence, rules }: HubContext, now: number): TopicInfo {
  const { name, position, activity } = topic;
  return {
    name,
    subscribers: topic.clients,
    members: presence.localMembersOf(name, rules.find(name)),
    head: position === undefined ? undefined : { epoch: position.epoch, offset: position.offset },
    messages: activity.messages,
    deliveries: activity.deliveries,
    messagesPerSecond: activity.perSecond(now),
    historyBytes: topic.bytes,
    phase: topic.phase,
  };
}
