/** The contract: what compiles is checked when the tests are built, and what is refused when a hub is made. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type CallInput,
  type CallOutput,
  contract,
  type ContractDefinition,
  type HandlerInput,
  type MessageOf,
  type ParamName,
  type Params,
  type PatternOf,
  type Patterns,
  type StandardSchema,
  type TopicName,
  topicName,
  type TopicOf,
} from "@hawser/wire";
import { topicMatcher } from "@hawser/wire/server";

/** A schema as libraries make them, of which the types alone are of interest here. */
function schema<Input, Output = Input>(): StandardSchema<Input, Output> {
  return { "~standard": { version: 1, vendor: "test", validate: (value) => ({ value: value as Output }) } };
}

const chat = contract({
  topics: {
    "room:{id}": { message: schema<{ text: string }>(), history: { size: 200, ttlMs: 300_000 }, presence: true },
    "price:{symbol}": { message: schema<{ price: number }>(), history: { size: 1, ttlMs: 60_000 } },
    "blob:{team}/{id}": { binary: true },
    news: {},
  },
  calls: {
    rename: { input: schema<{ name: string }, { name: string; at: Date }>(), output: schema<{ ok: boolean }>() },
    time: {},
  },
  asks: { confirm: { input: schema<string>(), output: schema<boolean>() } },
});
type Chat = typeof chat;

/** Whether two types are the same, and neither is any. */
type Same<A, B> = 0 extends 1 & (A | B) ? false : [A, B] extends [B, A] ? true : false;
/** Compiles where they are. */
function same<A, B>(..._: Same<A, B> extends true ? [] : [never]): void {}

describe("the types of a contract", () => {
  it("give each topic its parameters and its messages", () => {
    same<Patterns<Chat>, "room:{id}" | "price:{symbol}" | "blob:{team}/{id}" | "news">();
    same<Params<"blob:{team}/{id}">, { readonly team: string; readonly id: string }>();
    same<ParamName<"news">, never>();
    same<MessageOf<Chat, "room:{id}">, { text: string }>();
    same<MessageOf<Chat, "blob:{team}/{id}">, Uint8Array>();
    same<MessageOf<Chat, "news">, unknown>();
  });

  it("find the pattern of a name", () => {
    same<TopicName<"blob:{team}/{id}">, `blob:${string}/${string}`>();
    same<PatternOf<Chat, "room:42">, "room:{id}">();
    same<PatternOf<Chat, "news">, "news">();
    same<PatternOf<Chat, "rooms">, never>();
  });

  it("tell topics apart by their name", () => {
    const read = (topic: TopicOf<Chat>): string => {
      if (topic.name === "price:{symbol}") return topic.symbol;
      if (topic.name === "room:{id}") return topic.id;
      // @ts-expect-error A parameter of another topic's.
      return String(topic.symbol);
    };
    const topic = topicMatcher(chat)("room:42")!.topic;
    assert.equal(read(topic), "42");
  });

  it("give each call its input, what the handler gets, and its output", () => {
    same<CallInput<Chat, "calls", "rename">, { name: string }>();
    same<HandlerInput<Chat, "calls", "rename">, { name: string; at: Date }>();
    same<CallOutput<Chat, "calls", "rename">, { ok: boolean }>();
    same<CallInput<Chat, "calls", "time">, unknown>();
    same<CallInput<Chat, "asks", "confirm">, string>();
    same<CallOutput<Chat, "asks", "confirm">, boolean>();
  });

  it("let everything pass where there is no contract", () => {
    same<Patterns<ContractDefinition>, string>();
    same<MessageOf<ContractDefinition, string>, unknown>();
  });

  it("ask for the parameters of a pattern", () => {
    same<ReturnType<typeof topicName<"room:{id}">>, `room:${string}`>();
    assert.equal(topicName("room:{id}", { id: 42 }), "room:42");
    // @ts-expect-error It is missing.
    assert.throws(() => topicName("room:{id}", {}), /the topic room:\{id\} needs a value for id/);
    // @ts-expect-error There is no such parameter.
    assert.equal(topicName("room:{id}", { id: 0, other: 1 }), "room:0");
    assert.throws(() => topicName("room:{id}", { id: "" }), TypeError);
    // @ts-expect-error A name of an object's own is no parameter either.
    assert.throws(() => topicName("room:{constructor}", {}), TypeError);
  });
});

describe("a contract is refused", () => {
  const refused: [name: string, topics: ContractDefinition["topics"], why: RegExp][] = [
    ["a topic without a name", { "": {} }, /^the topic "" needs a name$/],
    ["half a parameter", { "room:{id": {} }, /brace without its counterpart/],
    ["a parameter without a name", { "room:{}": {} }, /has a parameter \{\}/],
    ["a parameter with a name of its own kind", { "room:{__proto__}": {} }, /has a parameter \{__proto__\}/],
    ["a parameter called as the topic itself", { "room:{name}": {} }, /both mean the topic itself/],
    ["a parameter called topic", { "room:{topic}": {} }, /both mean the topic itself/],
    ["the same parameter twice", { "{a}:{a}": {} }, /the same parameter twice/],
    ["two parameters that run into each other", { "{a}-{b}": {} }, /neither : nor \/ between them/],
    ["a %", { "50%:{a}": {} }, /has a %/],
    ["a control character", { "a\n": {} }, /has a control character/],
    ["a schema and bytes", { a: { message: schema(), binary: true } }, /exclude each other/],
    ["a message that is no schema", { a: { message: {} as StandardSchema } }, /no Standard Schema/],
    ["a history of no messages", { a: { history: { size: 0, ttlMs: 1 } } }, /size 0 and ttlMs 1/],
    ["a history of no time", { a: { history: { size: 1, ttlMs: 0.5 } } }, /size 1 and ttlMs 0.5/],
    ["a presence of another kind", { a: { presence: "all" as "count" } }, /has a presence/],
    [
      "two patterns of the same names",
      { "room:{id}": {}, "room:{name1}": {} },
      /"room:\{id\}" and "room:\{name1\}" both match "room:x"/,
    ],
    ["a name that a pattern matches", { "room:lobby": {}, "room:{id}": {} }, /both match "room:lobby"/],
    ["a pattern that matches a name", { "room:{id}": {}, "room:lobby": {} }, /both match "room:lobby"/],
    ["two patterns with a name in common", { "a{x}:b": {}, "{y}c:{z}": {} }, /both match "axc:b"/],
    ["two parts that end alike", { "{x}-log": {}, "{y}g": {} }, /both match "x-log"/],
  ];
  for (const [name, topics, why] of refused) {
    it(`with ${name}`, () => assert.throws(() => topicMatcher({ topics }), { name: "TypeError", message: why }));
  }

  it("and not for patterns that no name is of both of", () => {
    topicMatcher({
      topics: {
        "room:{id}": {},
        "room:{id}:typing": {},
        "room/{id}": {},
        "rooms:{id}": {},
        "x-{a}": {},
        "y-{a}": {},
        "z.{b}": {},
      },
    });
    topicMatcher({});
  });
});

describe("the matcher of a contract", () => {
  it("gives what the contract says of a topic", () => {
    const found = topicMatcher(chat)("blob:red/7%3A8");
    assert.deepEqual(found?.topic, { name: "blob:{team}/{id}", topic: "blob:red/7%3A8", team: "red", id: "7:8" });
    assert.equal(found.definition, chat.topics["blob:{team}/{id}"]);
    assert.equal(topicMatcher(chat)("nobody"), undefined);
  });
});
