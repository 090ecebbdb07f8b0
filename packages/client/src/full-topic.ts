import { writeCount, writeWho } from "@hawser/wire/client";
import { type HistoryOptions, type Page, readHistory } from "./history.js";
import { iterate, type Received } from "./iterate.js";
import { type Present, toMap, watchPresence } from "./presence.js";
import type { RequestOptions } from "./queue.js";
import { type CoreTopic, coreTopic, subscribe, type TopicParts } from "./topic.js";
import type { Handlers } from "./topics.js";

/** What a subscriber is told. */
export interface FullHandlers<Message> extends Handlers<Message> {
  /** Who is there: once in each connection, and whenever somebody comes or goes. */
  readonly presence?: ((present: Present) => void) | undefined;
}

/** A topic, subscribed to or not. */
export interface Topic<Message, SomeHandlers = FullHandlers<Message>> extends CoreTopic<Message, SomeHandlers> {
  /** A page of what the server keeps. @throws LiveError */
  history(options?: HistoryOptions): Promise<Page<Message>>;
  /** Who is there now. @throws LiveError */
  members(options?: RequestOptions & { readonly max?: number | undefined }): Promise<Present>;
  /** How many are there now. @throws LiveError */
  count(options?: RequestOptions): Promise<number>;
  /** `for await (const { data, gap } of topic)`: subscribes, until the loop is left. */
  [Symbol.asyncIterator](): AsyncGenerator<Received<Message>, void>;
}

export function fullTopic(name: string, parts: TopicParts): Topic<unknown> {
  const { queue, topics } = parts;
  const core = coreTopic(name, parts);
  return {
    ...core,
    subscribe: ({ presence, ...handlers }, options) =>
      subscribe(name, topics, handlers, options, presence && watchPresence(name, parts, presence)),
    history: (options) => readHistory(name, parts, options),
    members: ({ max, ...options } = {}) =>
      queue.add(
        (id) => writeWho(name, id, max),
        ({ n = 0, in: members }) => ({ count: n, members: members && toMap(members) }),
        options,
      ),
    count: (options) =>
      queue.add(
        (id) => writeCount(name, id),
        ({ n = 0 }) => n,
        options,
      ),
    [Symbol.asyncIterator]: () => iterate(core),
  };
}
