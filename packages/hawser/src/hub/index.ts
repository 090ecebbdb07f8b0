/** The hub: topics with history and recovery, presence, calls and permissions, by the subprotocol `hawser.v1`. */

export {
  type BroadcastResult,
  createHub,
  type History,
  type HistoryMessage,
  type HistoryOptions,
  type Hub,
  type HubMember,
  type PublishSettings,
} from "./hub.js";
export type {
  Authenticate,
  AuthenticateAnswer,
  AuthenticateContext,
  CallContext,
  CallHandlers,
  HubLimits,
  HubOptions,
  HubUser,
  Permission,
  Permissions,
  TokenFault,
  TopicGrants,
  UserOf,
} from "./hub-options.js";
export { HubError } from "./hub-error.js";
export type { CallOutcome, HubStats, PublishFault, RefusalWord, TokenOutcome } from "./hub-stats.js";
export type { EngineReport } from "./engine-status.js";
export type { TopicInfo, TopicList, TopicQuery, TopicSort } from "./topic-list.js";
export type { Phase as TopicPhase } from "./recovery/phases.js";
export type { HubEvents, HubState } from "./listeners.js";
export type { HubHttpListener } from "./http/hub-http.js";
export type { HubHttpOptions } from "./http/options.js";
export type { Revocation } from "./control.js";
export type { AskOptions } from "./session/asks.js";
export type { GapWord } from "./recovery/audience.js";
export {
  type Broker,
  BrokerError,
  type BrokerEvents,
  type BrokerFault,
  BrokerSetupError,
  type EngineState,
  type History as StoredHistory,
  type Position,
  type PresenceEntry,
  type PresenceStore,
  type Published,
  type PublishOptions,
  type ReadOptions,
  type StoredMessage,
} from "./brokers/broker.js";
export { contract } from "@hawser/wire";
