/** A client for the hub of Hawser. */
import type { ContractDefinition, MessageOf, ParamValues, PatternOf, Patterns, TopicName } from "@hawser/wire";
import { bytes } from "./bytes.js";
import { type BaseLive, type ConnectOptions, type HandlersOf, start } from "./connect.js";
import { type FullHandlers, fullTopic, type Topic } from "./full-topic.js";

export type { AskHandlers, BaseLive, ConnectOptions } from "./connect.js";
export { LiveError, type LiveErrorCode } from "./errors.js";
export type { FullHandlers as Handlers, Topic } from "./full-topic.js";
export type { HistoryOptions, Page } from "./history.js";
export type { Received } from "./iterate.js";
export type { Present } from "./presence.js";
export type { RequestOptions } from "./queue.js";
export type { WebSocketConstructor, WebSocketLike } from "./socket.js";
export type { LiveState, State, Waiting, WaitReason } from "./state.js";
export type { TokenSource } from "./token.js";
export type { Published, PublishOptions, Subscription } from "./topic.js";
export type { Gap, MessageInfo, Position, SubscribeOptions } from "./topics.js";

/** A connection to a hub: one socket at a time, again and again. */
export interface Live<Contract extends ContractDefinition = ContractDefinition> extends BaseLive<Contract> {
  /** The topic of a pattern with these parameters. */
  topic<Pattern extends Patterns<Contract>>(
    pattern: Pattern,
    params: ParamValues<Pattern>,
  ): LiveTopic<Contract, Pattern>;
  /** The topic of this name. */
  topic<Name extends TopicName<Patterns<Contract>>>(name: Name): LiveTopic<Contract, PatternOf<Contract, Name>>;
}

/** A topic of a contract. */
export type LiveTopic<Contract extends ContractDefinition, Pattern extends Patterns<Contract>> = Topic<
  MessageOf<Contract, Pattern>,
  HandlersOf<Contract, Pattern, FullHandlers<MessageOf<Contract, Pattern>>>
>;

/**
 * Connects to a hub. The contract is for the compiler, and may be left out.
 * @param url `wss:` or `https:`, or relative to the page
 * @throws TypeError for a URL that is none, and where there is no WebSocket
 */
export function connect(url: string | URL, options?: ConnectOptions): Live;
export function connect<const Contract extends ContractDefinition>(
  contract: Contract,
  url: string | URL,
  options?: ConnectOptions<Contract>,
): Live<Contract>;
export function connect(...args: readonly unknown[]): unknown {
  return start(fullTopic, bytes, args);
}
