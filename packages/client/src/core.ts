/** The same client without payloads of bytes, history pages, presence and loops, for pages where every kilobyte counts. */
import type { ContractDefinition, MessageOf, ParamValues, PatternOf, Patterns, TopicName } from "@hawser/wire";
import { type BaseLive, type ConnectOptions, type HandlersOf, start } from "./connect.js";
import { type CoreTopic, coreTopic } from "./topic.js";
import type { Handlers } from "./topics.js";

export type { AskHandlers, BaseLive, ConnectOptions } from "./connect.js";
export { LiveError, type LiveErrorCode } from "./errors.js";
export type { RequestOptions } from "./queue.js";
export type { WebSocketConstructor, WebSocketLike } from "./socket.js";
export type { LiveState, State, Waiting, WaitReason } from "./state.js";
export type { TokenSource } from "./token.js";
export type { CoreTopic as Topic, Published, PublishOptions, Subscription } from "./topic.js";
export type { Handlers, Gap, MessageInfo, Position, SubscribeOptions } from "./topics.js";

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
export type LiveTopic<Contract extends ContractDefinition, Pattern extends Patterns<Contract>> = CoreTopic<
  MessageOf<Contract, Pattern>,
  HandlersOf<Contract, Pattern, Handlers<MessageOf<Contract, Pattern>>>
>;

/** As `connect` of `@hawser/client`. */
export function connect(url: string | URL, options?: ConnectOptions): Live;
export function connect<const Contract extends ContractDefinition>(
  contract: Contract,
  url: string | URL,
  options?: ConnectOptions<Contract>,
): Live<Contract>;
export function connect(...args: readonly unknown[]): unknown {
  return start(coreTopic, undefined, args);
}
