import { type PresenceMessage, writePub } from "@hawser/wire/client";
import type { Bytes } from "./bytes.js";
import type { LiveError } from "./errors.js";
import type { Queue, RequestOptions } from "./queue.js";
import type { Call } from "./state.js";
import type { Handlers, Position, SubscribeOptions, Topics } from "./topics.js";

export interface PublishOptions extends RequestOptions {
  /** A message is published once under its key, however often it is sent. @default a random one */
  readonly key?: string | undefined;
}

/** Where a message was published. Without history there is no position. */
export interface Published {
  readonly offset: number | undefined;
  readonly epoch: string | undefined;
  /** It was there already, under its key. */
  readonly duplicate: boolean;
}

export interface Subscription {
  /** Settled when the server has answered; whoever does not wait for it hears of a refusal by `end`. */
  readonly ready: Promise<void>;
  /** Up to where everything is known. Undefined in a topic without history, and before it is ready. */
  readonly position: Position | undefined;
  unsubscribe(): void;
}

/** A topic, subscribed to or not. */
export interface CoreTopic<Message, SomeHandlers = Handlers<Message>> {
  readonly name: string;
  /**
   * The subscription outlives the connection: what was missed is replayed, or told as a gap.
   * `options` are for the first subscription of a topic; the others go on from where that one is.
   */
  subscribe(handlers: SomeHandlers, options?: SubscribeOptions): Subscription;
  /** Waits for a connection if there is none, and is sent again after a lost one. @throws LiveError */
  publish(data: Message, options?: PublishOptions): Promise<Published>;
}

/** Something that follows who is in a topic. */
export interface PresenceWatch {
  /** The server has subscribed the topic, in this connection. */
  readonly ask: () => void;
  readonly changed: (message: PresenceMessage) => void;
}

/** What a topic is made of. */
export interface TopicParts {
  readonly queue: Queue;
  readonly topics: Topics;
  readonly bytes: Bytes | undefined;
  readonly call: Call;
}

/** Subscribes somebody, to whom `watch` brings who is there. */
export function subscribe(
  name: string,
  topics: Topics,
  handlers: Handlers<unknown>,
  options: SubscribeOptions = {},
  watch?: PresenceWatch,
): Subscription {
  let resolve!: () => void;
  let over!: (error: LiveError) => void;
  const promise = new Promise<void>((...both) => ([resolve, over] = both));
  // A refusal is told to `end` as well.
  promise.catch(() => {});
  const ready = (): void => {
    resolve();
    watch?.ask();
  };
  return {
    ready: promise,
    get position() {
      return topics.position(name);
    },
    unsubscribe: topics.subscribe(name, { handlers, ready, over, present: watch?.changed }, options),
  };
}

export function coreTopic(name: string, { queue, topics, bytes }: TopicParts): CoreTopic<unknown> {
  return {
    name,
    subscribe: (handlers, options) => subscribe(name, topics, handlers, options),
    publish: (data, { key = randomKey(), timeoutMs = 30_000, signal } = {}) =>
      queue.add(
        (id) => {
          if (data === undefined) throw new TypeError("undefined is not JSON");
          return bytes?.isBytes(data) ? bytes.writePub(name, data, id, key) : writePub(name, data, id, key);
        },
        ({ o, e, duplicate = false }) => ({ offset: o, epoch: e, duplicate }),
        { timeoutMs, signal },
      ),
  };
}

/** 128 random bits. `crypto.randomUUID` is for pages from https alone. */
function randomKey(): string {
  return crypto.getRandomValues(new Uint32Array(4)).join("-");
}
