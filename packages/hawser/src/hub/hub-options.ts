import type { CallNames, CallOutput, ContractDefinition, HandlerInput, TopicDefinition, TopicOf } from "@hawser/wire";
import type { Client } from "../server/api/client.js";
import type { Logger } from "../server/api/logger.js";
import { type Clock, systemClock } from "../server/base/clock.js";
import { OptionError, UsageError } from "../server/base/usage-error.js";
import type { Broker } from "./brokers/broker.js";

/** Who a client is: what `jwt` of `@hawser/jwt` answers, or something like it. */
export interface HubUser {
  /** The user's id: what messages have as `by`, and what members are counted under. At most 255 bytes, no control characters. */
  readonly user: string;
  /** Until when the token is good, in milliseconds since 1970. Left out: for as long as the connection lasts. */
  readonly expiresAt?: number | undefined;
  /** For how long after that the client may stay to send a new one. @default tokenGraceMs */
  readonly graceMs?: number | undefined;
  /** Patterns of the topics that the token is for: then `allow` is asked about these alone, and where it says nothing they are allowed. */
  readonly topics?: TopicGrants | undefined;
}

/** `room:42`, `room:{id}` as a contract has it, or `room:*` for any rest. */
export interface TopicGrants {
  readonly subscribe: readonly string[];
  readonly publish: readonly string[];
}

/** Why a token is not taken: an error word, and a sentence for the client. */
export interface TokenFault {
  readonly code: string;
  readonly sentence: string;
  /** For `unavailable`: when the same token may be sent again. */
  readonly retryMs?: number | undefined;
}

export interface AuthenticateContext {
  readonly client: Client;
  /** The client is gone: nobody waits any longer. */
  readonly signal: AbortSignal;
}

/**
 * Says whose token this is: `jwt` of `@hawser/jwt` is one of these. `false` refuses it as `unauthorized`, a fault or a `HubError` as what it says;
 * after any other error the client is answered `unavailable`, and tries again.
 * @param token undefined: the client has none
 */
export type Authenticate<Answer> = (
  token: string | undefined,
  context: AuthenticateContext,
) => Answer | Promise<Answer>;

/** What `authenticate` may answer. */
export type AuthenticateAnswer = HubUser | TokenFault | false | undefined;

/** Who a client is, of what `authenticate` may answer. */
export type UserOf<Answer> = Exclude<Answer, TokenFault | false>;

/** Whether somebody may do something with a topic. */
export type Permission<Contract extends ContractDefinition, User> = (
  user: User,
  topic: TopicOf<Contract>,
) => boolean | Promise<boolean>;

/** What users may do. What is left out, nobody may. */
export interface Permissions<Contract extends ContractDefinition, User> {
  /** To receive what is published, and to read what was. */
  readonly subscribe?: Permission<Contract, User> | undefined;
  readonly publish?: Permission<Contract, User> | undefined;
  /** To be told who is there. */
  readonly presence?: Permission<Contract, User> | undefined;
}

export interface CallContext<User> {
  readonly user: User;
  readonly client: Client;
  /** The client has given the call up or is gone, or the call took too long. */
  readonly signal: AbortSignal;
}

/** Answers the calls of clients. A `HubError` is what the client is answered; after any other error it is `failed`. */
export type CallHandlers<Contract extends ContractDefinition, User> = {
  readonly [Name in CallNames<Contract, "calls">]: (
    input: HandlerInput<Contract, "calls", Name>,
    context: CallContext<User>,
  ) => CallOutput<Contract, "calls", Name> | Promise<CallOutput<Contract, "calls", Name>>;
};

/** What one client may have at once. What is more is answered with `too-many` or `limit`. */
export interface HubLimits {
  /** Topics that it is subscribed to. @default 1000 */
  readonly topicsPerClient?: number | undefined;
  /** Requests a second, and at once when it was quiet. @default 100 */
  readonly requestsPerSecond?: number | undefined;
  /** Calls, and questions about members and history, that wait for an answer. @default 16 */
  readonly callsPerClient?: number | undefined;
  /** Calls of the server's that one client has not answered. @default 16 */
  readonly asksPerClient?: number | undefined;
  /** Messages in one page of history. @default 100 */
  readonly pageMessages?: number | undefined;
  /**
   * Bytes of messages that this node keeps for clients that come back, all topics together. Without a `broker` its memory holds as much again: the
   * histories, and the keys of publishes. @default 67108864 (64 MiB)
   */
  readonly historyBytes?: number | undefined;
}

/** All optional. Durations are in milliseconds. */
export interface HubOptions<Contract extends ContractDefinition, Answer extends AuthenticateAnswer> {
  /** What both ends agree on. Left out: any topic and any JSON. */
  readonly contract?: Contract | undefined;
  /** What topics are when there is no contract. @default nothing is kept, and nobody is told who is there */
  readonly defaultTopic?: TopicDefinition | undefined;
  /**
   * A secret that all nodes on one engine share, 32 random bytes or more: what they tell each other is signed with it, and nothing else is obeyed.
   * Text is taken in UTF-8. @default none
   */
  readonly clusterSecret?: string | Uint8Array | undefined;
  /**
   * A reason, where a revocation is to be obeyed from whoever can write to the engine. The safe way is `clusterSecret`. @default refused, but from
   * an engine that is private to this machine
   */
  readonly dangerouslyTrustCluster?: string | undefined;
  /** The engine that messages go through. @default the memory of this process */
  readonly broker?: Broker | undefined;
  /** Whose token a client's is. Left out: everybody may come in, and is nobody. */
  readonly authenticate?: Authenticate<Answer> | undefined;
  /** Who a client is by its opening handshake, where that is known: such a client needs no token. */
  readonly identify?: ((client: Client<never>) => Answer | undefined) | undefined;
  /** Who may do what. @default nobody */
  readonly allow?: Permissions<Contract, UserOf<Answer>> | undefined;
  readonly calls?: CallHandlers<Contract, UserOf<Answer>> | undefined;
  /** What others are told of a member besides its key: something for JSON. @default nothing */
  readonly member?: ((user: UserOf<Answer>, topic: TopicOf<Contract>) => unknown) | undefined;
  /** A client has to have said hello within. @default 10000 */
  readonly helloTimeoutMs?: number | undefined;
  /** How long a client may go on with a token that has expired. @default 25000 */
  readonly tokenGraceMs?: number | undefined;
  /** The server says something at least this often, for clients that cannot see pings. @default 25000 */
  readonly pingMs?: number | undefined;
  /** A call has to be answered within. @default 10000 */
  readonly callTimeoutMs?: number | undefined;
  /** How long a member whose connection was lost counts as there. @default 10000 */
  readonly presenceGraceMs?: number | undefined;
  /** Members of a topic up to which they are told by name; of more only their number is. @default 200 */
  readonly presenceNames?: number | undefined;
  /** After a shutdown, so many clients are told to come back each second. @default 500 */
  readonly returnsPerSecond?: number | undefined;
  readonly limits?: HubLimits | undefined;
  /** @default pino, JSON lines to standard output */
  readonly logger?: Logger | undefined;
  /** The time, for tests. @default the system's */
  readonly clock?: Clock | undefined;
}

/** As long as what it makes: an HMAC of SHA-256. */
const LEAST_SECRET_BYTES = 32;

/** The default, the least and the most. */
type Range = readonly [number, number, number];

type NumberName =
  | "helloTimeoutMs"
  | "tokenGraceMs"
  | "pingMs"
  | "callTimeoutMs"
  | "presenceGraceMs"
  | "presenceNames"
  | "returnsPerSecond";

const NUMBERS: Readonly<Record<NumberName, Range>> = {
  helloTimeoutMs: [10_000, 10, 86_400_000],
  tokenGraceMs: [25_000, 0, 86_400_000],
  pingMs: [25_000, 100, 86_400_000],
  callTimeoutMs: [10_000, 10, 86_400_000],
  presenceGraceMs: [10_000, 0, 86_400_000],
  presenceNames: [200, 1, 10_000],
  returnsPerSecond: [500, 1, 1_000_000],
};

const LIMITS: Readonly<Record<keyof HubLimits, Range>> = {
  topicsPerClient: [1000, 1, 1_000_000],
  requestsPerSecond: [100, 1, 1_000_000],
  callsPerClient: [16, 1, 10_000],
  asksPerClient: [16, 1, 10_000],
  pageMessages: [100, 1, 10_000],
  historyBytes: [64 * 1024 * 1024, 0, 2 ** 40],
};

/** The options as the hub sees them: checked, and all there. */
export interface ResolvedHubOptions extends Readonly<Record<NumberName, number>> {
  readonly limits: Readonly<Record<keyof HubLimits, number>>;
  readonly clock: Clock;
}

const OTHERS = [
  "contract", "defaultTopic", "broker", "authenticate", "identify", "allow", "calls", "member", "clusterSecret", "dangerouslyTrustCluster", "limits", "logger", "clock",
]; // oxfmt-ignore
const FUNCTIONS = ["authenticate", "identify", "member"];

/** @throws OptionError, UsageError */
export function resolveHubOptions(options: HubOptions<ContractDefinition, never>): ResolvedHubOptions {
  checkNames("", options, [...OTHERS, ...Object.keys(NUMBERS)]);
  checkNames("limits.", options.limits ?? {}, Object.keys(LIMITS));
  checkNames("allow.", options.allow ?? {}, ["subscribe", "publish", "presence"]);
  for (const name of FUNCTIONS) checkFunction(name, options[name as keyof typeof options]);
  for (const [name, permission] of Object.entries(options.allow ?? {})) checkFunction(`allow.${name}`, permission);
  for (const [name, handler] of Object.entries(options.calls ?? {})) checkFunction(`calls.${name}`, handler, true);
  if (options.contract !== undefined && options.defaultTopic !== undefined) {
    throw new UsageError("defaultTopic is for a hub without a contract");
  }
  checkCalls(options);
  checkCluster(options);
  return {
    ...numbersOf("", options, NUMBERS),
    limits: numbersOf("limits.", options.limits ?? {}, LIMITS),
    clock: options.clock ?? systemClock,
  };
}

function numbersOf<Name extends string>(
  prefix: string,
  given: object,
  rules: Readonly<Record<Name, Range>>,
): Readonly<Record<Name, number>> {
  const numbers = Object.entries<Range>(rules).map(([name, [preset, min, max]]) => {
    const value = (given as Readonly<Record<string, unknown>>)[name] ?? preset;
    if (typeof value !== "number" || !Number.isSafeInteger(value) || value < min || value > max) {
      throw new OptionError(`${prefix}${name}`, value, `a whole number from ${min} to ${max}`);
    }
    return [name, value];
  });
  return Object.fromEntries(numbers) as Record<Name, number>;
}

function checkNames(prefix: string, given: object, names: readonly string[]): void {
  for (const name of Object.keys(given)) {
    if (!names.includes(name))
      throw new UsageError(`createHub has no option ${prefix}${name}: it takes ${names.join(", ")}`);
  }
}

function checkFunction(name: string, value: unknown, isNeeded = false): void {
  if (typeof value !== "function" && (isNeeded || value !== undefined))
    throw new OptionError(name, value, "a function");
}

/** Messages do not say what was given: it is a secret. */
function checkCluster({ clusterSecret, dangerouslyTrustCluster }: HubOptions<ContractDefinition, never>): void {
  const isGiven = clusterSecret !== undefined;
  if (isGiven && typeof clusterSecret !== "string" && !(clusterSecret instanceof Uint8Array)) {
    throw new UsageError("clusterSecret: takes text or bytes");
  }
  if (isGiven && Buffer.byteLength(clusterSecret) < LEAST_SECRET_BYTES) {
    throw new UsageError(`clusterSecret: takes ${LEAST_SECRET_BYTES} bytes or more, random ones`);
  }
  if (dangerouslyTrustCluster === undefined) return;
  if (typeof dangerouslyTrustCluster !== "string" || dangerouslyTrustCluster === "") {
    throw new OptionError("dangerouslyTrustCluster", dangerouslyTrustCluster, "the reason, as text");
  }
  if (isGiven) throw new UsageError("dangerouslyTrustCluster is for nodes without a clusterSecret");
}

/** Each call of the contract has to have a handler, and each handler a call. */
function checkCalls({ contract, calls = {} }: HubOptions<ContractDefinition, never>): void {
  if (contract === undefined) return;
  const named = Object.keys(contract.calls ?? {});
  const missing = named.find((name) => !Object.hasOwn(calls, name));
  const unknown = Object.keys(calls).find((name) => !named.includes(name));
  if (missing !== undefined)
    throw new UsageError(`the contract has a call ${missing}, and calls has no handler for it`);
  if (unknown !== undefined) throw new UsageError(`calls has a handler ${unknown}, and the contract no such call`);
}
