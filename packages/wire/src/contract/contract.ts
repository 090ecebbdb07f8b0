import type { Params, TopicName } from "./pattern.js";
import type { InputOf, OutputOf, StandardSchema } from "./standard-schema.js";

/** What a kind of topic is. Everything may be left out: then messages are any JSON, and nothing is kept. */
export interface TopicDefinition {
  /** What its messages are. What travels is what the schema takes; defaults and transformations stay with whom they were made. */
  readonly message?: StandardSchema | undefined;
  /** Messages are bytes. Excludes `message`. */
  readonly binary?: true | undefined;
  /** How many messages are kept, and for how long: who was away gets them. Left out, none are. */
  readonly history?: { readonly size: number; readonly ttlMs: number } | undefined;
  /** Whether clients can be told who is there: everybody by key, or how many alone. */
  readonly presence?: boolean | "count" | undefined;
}

/** What a call takes and answers. What is left out is any JSON. */
export interface CallDefinition {
  readonly input?: StandardSchema | undefined;
  readonly output?: StandardSchema | undefined;
}

/** What both ends agree on. */
export interface ContractDefinition {
  /** By pattern: `"room:{id}"`. */
  readonly topics?: Readonly<Record<string, TopicDefinition>> | undefined;
  /** What clients ask the server for, by name. */
  readonly calls?: Readonly<Record<string, CallDefinition>> | undefined;
  /** What the server asks clients for, by name. */
  readonly asks?: Readonly<Record<string, CallDefinition>> | undefined;
}

/**
 * The topics and calls that both ends know, with their schemas: zod, valibot, arktype or any other Standard Schema.
 * It is not looked at here, so that a page does not carry the code for it: the hub does, when it is made.
 */
export function contract<const Contract extends ContractDefinition>(definition: Contract): Contract {
  return definition;
}

/** The patterns of a contract's topics. */
export type Patterns<Contract extends ContractDefinition> = keyof NonNullable<Contract["topics"]> & string;

/** The patterns that a topic's name may be of: `"room:{id}"` for `"room:42"`. */
export type PatternOf<Contract extends ContractDefinition, Name extends string> = {
  [Pattern in Patterns<Contract>]: Name extends TopicName<Pattern> ? Pattern : never;
}[Patterns<Contract>];

/** A topic of a contract as the hub sees it: its pattern, its name, and its parameters. */
export type TopicOf<Contract extends ContractDefinition> = {
  [Pattern in Patterns<Contract>]: { readonly name: Pattern; readonly topic: string } & Params<Pattern>;
}[Patterns<Contract>];

type Topic<Contract extends ContractDefinition, Pattern extends string> = NonNullable<Contract["topics"]>[Pattern];

/** A message of a topic as it travels: what a publisher passes, and what subscribers get. */
export type MessageOf<Contract extends ContractDefinition, Pattern extends Patterns<Contract>> =
  Topic<Contract, Pattern> extends { readonly binary: true }
    ? Uint8Array
    : InputOf<Topic<Contract, Pattern>["message"]>;

/** The names of a contract's calls, or of its asks. */
export type CallNames<Contract extends ContractDefinition, Kind extends "calls" | "asks"> = keyof NonNullable<
  Contract[Kind]
> &
  string;

type Call<Contract extends ContractDefinition, Kind extends "calls" | "asks", Name extends string> = NonNullable<
  Contract[Kind]
>[Name];

/** What the caller passes. */
export type CallInput<
  Contract extends ContractDefinition,
  Kind extends "calls" | "asks",
  Name extends CallNames<Contract, Kind>,
> = InputOf<Call<Contract, Kind, Name>["input"]>;

/** What the handler gets: the input, validated. */
export type HandlerInput<
  Contract extends ContractDefinition,
  Kind extends "calls" | "asks",
  Name extends CallNames<Contract, Kind>,
> = OutputOf<Call<Contract, Kind, Name>["input"]>;

/** What the handler answers and the caller gets, as it travels. */
export type CallOutput<
  Contract extends ContractDefinition,
  Kind extends "calls" | "asks",
  Name extends CallNames<Contract, Kind>,
> = InputOf<Call<Contract, Kind, Name>["output"]>;
