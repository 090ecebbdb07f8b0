/** Topics that outlive connections: who may do what with them, what was published, who is there, and what client and server ask each other. */
import type { CallInput, CallNames, CallOutput, ContractDefinition, MessageOf, PatternOf } from "@hawser/wire";
import type { Client } from "../server/api/client.js";
import type { ServerOptions } from "../server/api/options.js";
import { UsageError } from "../server/base/usage-error.js";
import type { Published } from "./brokers/broker.js";
import type { Revocation } from "./control.js";
import { HubError } from "./hub-error.js";
import { type AnyOptions, HubNode } from "./hub-node.js";
import type { AuthenticateAnswer, HubOptions } from "./hub-options.js";
import type { HubStats } from "./hub-stats.js";
import { hubHttp, type HubHttpListener } from "./http/hub-http.js";
import type { HubHttpOptions } from "./http/options.js";
import { httpPortOf } from "./http-port.js";
import type { HubEvents, HubState } from "./listeners.js";
import { payloadOf } from "./payload.js";
import { sentenceOf } from "./schema-issues.js";
import { topicsOf } from "./subscriber.js";
import { listTopics, type TopicList, type TopicQuery } from "./topic-list.js";
import { withHub } from "./server-options.js";
import { type AskOptions, countedAsk } from "./session/asks.js";

/** Makes a hub. @throws OptionError, UsageError, and TypeError for a contract that contradicts itself */
export function createHub<
  const Contract extends ContractDefinition = ContractDefinition,
  Answer extends AuthenticateAnswer = undefined,
>(options: HubOptions<Contract, Answer> = {}): Hub<Contract> {
  return new Hub(options as unknown as AnyOptions);
}

/** A message of a topic's history. */
export interface HistoryMessage<Data = unknown> {
  readonly offset: number;
  readonly data: Data;
  /** The user who published it; undefined for the server itself. */
  readonly by: string | undefined;
}

export interface HistoryOptions {
  /** At most so many of the newest. @default 100 */
  readonly limit?: number | undefined;
  /** Those before this offset. */
  readonly before?: number | undefined;
  /** The epoch of this offset. @default the one that holds now */
  readonly epoch?: string | undefined;
}

export interface History<Data = unknown> {
  /** Of the newest message that the topic has had. */
  readonly offset: number;
  readonly epoch: string;
  /** Oldest first. */
  readonly messages: readonly HistoryMessage<Data>[];
  /** There are more before them. */
  readonly more: boolean;
  /** The epoch that was given is over: there are no messages before that offset. */
  readonly missed: boolean;
}

export interface HubMember {
  /** The user, most often. */
  readonly key: string;
  readonly details: unknown;
}

export interface PublishSettings {
  readonly key?: string | undefined;
  /** The user whose message it is. */
  readonly by?: string | undefined;
  /** A plain client that is not sent it. */
  readonly except?: Client | undefined;
}

/** What became of a message in one of the topics of a broadcast. */
export type BroadcastResult =
  | ({ readonly topic: string; readonly error?: undefined } & Published)
  | { readonly topic: string; readonly error: Error };

/** Members that are listed unless more are asked for. */
const MOST_MEMBERS = 1000;
/** Messages of a history that are read unless more are asked for. */
const USUAL_HISTORY = 100;
/** Topics between clients and an engine. Its clients come from servers made with `serverOptions`. */
export class Hub<Contract extends ContractDefinition = ContractDefinition> {
  readonly #node: HubNode;
  readonly #contract: ContractDefinition | undefined;

  /** @internal See `createHub`. */
  constructor(options: AnyOptions) {
    this.#node = new HubNode(options);
    this.#contract = options.contract;
  }

  /** Settled once the engine has been reached for the first time. */
  get ready(): Promise<void> {
    return this.#node.ready;
  }

  /** Whether the engine can be reached. */
  get state(): HubState {
    return this.#node.state;
  }

  /** What happened so far, and how much there is now. Made when it is asked for. */
  get stats(): HubStats {
    return this.#node.stats;
  }

  /**
   * Topics of this node, the most of something first: the first 100 by subscribers, unless you say otherwise. It looks at each topic once, and sorts
   * none but the first.
   * @throws OptionError, UsageError
   */
  topics(query: TopicQuery = {}): TopicList {
    return listTopics(this.#node.context, query);
  }

  /** Names of the topics that a client of this node is in, or about to be. */
  topicsOf(client: Client): ReadonlySet<string> {
    return topicsOf(client);
  }

  /** @returns ends it */
  on<Name extends keyof HubEvents>(event: Name, listener: HubEvents[Name]): () => void {
    return this.#node.listeners.add(event, listener);
  }

  /**
   * Options for `createServer`: yours, with the hub's subprotocol and handlers among them. Your `open` and `close` see all clients; `message` and
   * `drain` those alone that are none of the hub's: plain clients, and those of other subprotocols.
   */
  serverOptions<Data = undefined>(own: ServerOptions<Data> = {}): ServerOptions<Data> {
    return withHub(this.#node, own);
  }

  /**
   * A listener for HTTP requests of backends: see docs/hub-http.md.
   * @throws OptionError, UsageError
   */
  http(options: HubHttpOptions): HubHttpListener {
    const log = (what: string, error: unknown): void => this.#node.onError(`http.${what}`, undefined, error);
    const { onKeyRefused, onFailure = log } = options;
    /** A function of the application's that throws harms no request. */
    const safe =
      <Args extends unknown[]>(name: string, told: ((...args: Args) => void) | undefined) =>
      (...args: Args): void => {
        try {
          told?.(...args);
        } catch (error) {
          log(name, error);
        }
      };
    return hubHttp(httpPortOf(this.#node), {
      ...options,
      onKeyRefused: safe("onKeyRefused", onKeyRefused),
      onFailure: safe("onFailure", onFailure),
    });
  }

  /**
   * Publishes to a topic: to all its subscribers, on whichever node.
   * @param options.key a second publish with the same key does nothing, and has the answer of the first
   * @param options.except a plain client that is not sent it: the one whose message it is
   * @throws HubError with `unknown-topic` or `bad-request` for what the contract does not have, and `unavailable` or `limit` from the engine: after
   * these it may have happened
   */
  async publish<Name extends string>(
    topic: Name,
    message: MessageOf<Contract, PatternOf<Contract, Name>>,
    { key, by, except }: PublishSettings = {},
  ): Promise<Published> {
    // For each message: with `await` a promise less is made.
    return await this.#node.publish(topic, payloadOf(message), { key, by, from: except?.id });
  }

  /** Publishes the same message to several topics. One that fails does not keep it from the others. */
  broadcast<Name extends string>(
    topics: readonly Name[],
    message: MessageOf<Contract, PatternOf<Contract, Name>>,
    options: PublishSettings = {},
  ): Promise<readonly BroadcastResult[]> {
    return Promise.all(
      topics.map((topic) =>
        this.publish(topic, message, options).then(
          (published): BroadcastResult => ({ topic, ...published }),
          (error: Error): BroadcastResult => ({ topic, error }),
        ),
      ),
    );
  }

  /** The newest messages of a topic, or those before one. @throws HubError */
  async history<Name extends string>(
    topic: Name,
    { limit = USUAL_HISTORY, before, epoch }: HistoryOptions = {},
  ): Promise<History<MessageOf<Contract, PatternOf<Contract, Name>>>> {
    const { position, messages, more, missed } = await this.#node.history(topic, { limit, before, epoch });
    const told = messages.map(({ offset, binary, bytes, by }) => ({
      offset,
      data: (binary ? new Uint8Array(bytes) : JSON.parse(new TextDecoder().decode(bytes))) as never,
      by,
    }));
    return { offset: position.offset, epoch: position.epoch, messages: told, more, missed };
  }

  /** Who is in a topic, on all nodes. @throws HubError */
  async members(topic: string, options: { readonly limit?: number | undefined } = {}): Promise<readonly HubMember[]> {
    const members = await this.#node.members(topic, options.limit ?? MOST_MEMBERS);
    return Array.from(members, ([key, details]) => ({
      key,
      details: details === undefined ? undefined : (JSON.parse(details) as unknown),
    }));
  }

  /** How many are in a topic, on all nodes. @throws HubError */
  count(topic: string): Promise<number> {
    return this.#node.count(topic);
  }

  /**
   * Takes away what was allowed, on all nodes: with a topic, subscriptions to it end; without one, connections do, with 4403. What `allow` says
   * when they ask again is another matter.
   */
  revoke(whom: Revocation): Promise<void> {
    const { user, client, topic } = whom;
    return this.#node.revoke({ user, client, topic });
  }

  /**
   * Asks a client of this node for something.
   * @throws HubError with what the client answered; `timeout`; `unavailable` when it is not here or goes; `too-many` when it owes too many answers;
   * `bad-request` for an answer that is not as the contract has it
   */
  async ask<Name extends CallNames<Contract, "asks">>(
    clientId: string,
    name: Name,
    input: CallInput<Contract, "asks", Name>,
    options: AskOptions = {},
  ): Promise<CallOutput<Contract, "asks", Name>> {
    const { context, counts, sessions } = this.#node;
    const definition = this.#contract === undefined ? {} : this.#contract.asks?.[name];
    if (definition === undefined) throw new UsageError(`the contract has no ask ${name}`);
    const session = sessions.get(clientId);
    if (session === undefined) throw new HubError("unavailable", "there is no such client on this node");
    const { timeoutMs = context.options.callTimeoutMs, signal } = options;
    const output = await countedAsk(counts, async () => {
      const answer = await session.ask(name, JSON.stringify(input), timeoutMs, signal);
      const result = await definition.output?.["~standard"].validate(answer);
      if (result?.issues !== undefined) throw new HubError("bad-request", sentenceOf(result.issues));
      return answer;
    });
    return output as CallOutput<Contract, "asks", Name>;
  }

  /**
   * Puts a plain client into a topic: it gets the bare payload of what is published, a string of JSON as text, any other value as its JSON, bytes
   * as they are.
   * @param options.last so many of the newest messages first
   * @throws UsageError for a client of `hawser.v1`, which subscribes by itself
   */
  async join(client: Client, topic: string, options: { readonly last?: number | undefined } = {}): Promise<void> {
    await this.#node.join(client, topic, options.last);
  }

  /** Takes a plain client out of a topic. */
  leave(client: Client, topic: string): void {
    this.#node.leave(client, topic);
  }

  /** Lets go of the engine and of all topics. Close the servers first: their clients are told when to come back. */
  close(): Promise<void> {
    return this.#node.close();
  }
}
