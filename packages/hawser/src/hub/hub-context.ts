import type { CallDefinition } from "@hawser/wire";
import type { DeadlineWheel } from "../server/base/deadlines.js";
import type { Published } from "./brokers/broker.js";
import type { Authenticate, CallContext, ResolvedHubOptions } from "./hub-options.js";
import type { Page, PageWish } from "./history.js";
import type { HubCounts } from "./hub-stats.js";
import type { Presence } from "./presence/presence.js";
import type { Recovery } from "./recovery/recovery.js";
import type { Subscriber } from "./subscriber.js";
import type { TopicFrame } from "./topic-frame.js";
import type { KnownTopic, TopicRules } from "./topic-rules.js";

/** What may be asked of a permission. */
export type Action = "subscribe" | "publish" | "presence";

export interface Call {
  readonly definition: CallDefinition;
  readonly handler: (input: unknown, context: CallContext<unknown>) => unknown;
}

/** What is published, besides where and what. */
export interface PublishDetails {
  readonly binary: boolean;
  readonly key?: string | undefined;
  readonly by?: string | undefined;
  /** The id of the plain client that sent it. */
  readonly from?: string | undefined;
}

/** What the sessions of a hub share. */
export interface HubContext {
  readonly options: ResolvedHubOptions;
  readonly wheel: DeadlineWheel;
  readonly rules: TopicRules;
  readonly recovery: Recovery<Subscriber, TopicFrame>;
  readonly presence: Presence;
  readonly authenticate: Authenticate<unknown> | undefined;
  readonly calls: ReadonlyMap<string, Call>;
  readonly counts: HubCounts;
  readonly allows: (action: Action, user: unknown, topic: KnownTopic) => boolean | PromiseLike<boolean>;
  /** What others are told of a member, as JSON. */
  readonly detailsOf: (user: unknown, topic: KnownTopic) => string | undefined;
  readonly publish: (
    topic: string,
    known: KnownTopic,
    payload: string | Uint8Array,
    details: PublishDetails,
  ) => Promise<Published>;
  readonly page: (topic: string, wish: PageWish) => Promise<Page>;
  /** For how long a client is to stay away after a shutdown. */
  readonly drainWait: () => number;
  /** Something of the application's went wrong: `what` says which of its functions. */
  readonly onError: (what: string, client: string, error: unknown) => void;
}
