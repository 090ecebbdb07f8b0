import type { GapWord } from "@hawser/wire";
import {
  type GapMessage,
  type OkMessage,
  type PresenceMessage,
  type PubMessage,
  type SubEntry,
  writeSub,
  writeSubLast,
  writeUnsub,
} from "@hawser/wire/client";
import { LiveError } from "./errors.js";
import type { Answer, Queue, Send } from "./queue.js";
import type { Call } from "./state.js";

/** A place in a topic: everything up to here is known. An offset means something within its epoch only. */
export interface Position {
  readonly offset: number;
  readonly epoch: string;
}

/** What is to be known of a message besides its data. */
export interface MessageInfo {
  /** Undefined in a topic without history. */
  readonly offset: number | undefined;
  /** Who published it: undefined for the server itself. */
  readonly by: string | undefined;
  /** It was published before, while there was no connection or no subscription. */
  readonly replayed: boolean;
}

/** Messages are missing here. */
export interface Gap {
  /** `missed`: while there was no connection; `expired`, `lost`, `slow` or `reset`: on a live one. */
  readonly why: "missed" | GapWord | (string & {});
  /** From where on nothing is missing again. Undefined in a topic without history. */
  readonly position: Position | undefined;
}

/** What a subscriber is told. */
export interface Handlers<Message> {
  readonly message: (data: Message, info: MessageInfo) => void;
  /** Messages are missing here: load the state anew. */
  readonly gap?: ((gap: Gap) => void) | undefined;
  /** The server ended the subscription, or refused it: the word says why. */
  readonly end?: ((error: LiveError) => void) | undefined;
}

export interface SubscribeOptions {
  /** Begin with so many of the newest messages. */
  readonly last?: number | undefined;
  /** Begin after this position: that of the state that the application has loaded. */
  readonly from?: Position | undefined;
}

/** `limits.helloSubs` of the wire, without the other limits. */
export const MOST_IN_HELLO = 1_000;

/** One who subscribed. */
export interface Subscriber {
  readonly handlers: Handlers<unknown>;
  /** The server has subscribed it, in this connection. */
  readonly ready: () => void;
  /** It is over. */
  readonly over: (error: LiveError) => void;
  readonly present?: ((message: PresenceMessage) => void) | undefined;
}

/** Messages of a topic that come next and were published before: a replay, or a page of its history. */
interface Run {
  left: number;
  readonly isReplay?: boolean;
  readonly take: (message: PubMessage, isLast: boolean) => void;
  /** The connection was lost before the last of them. */
  readonly lost?: () => void;
}

interface Subscribed extends SubscribeOptions {
  position: Position | undefined;
  /** Whether the server was asked for it in this connection. */
  asked: boolean;
  /** Whether it has said `ok`. What comes before that belongs to a subscription that was given up. */
  live: boolean;
  readonly subscribers: Set<Subscriber>;
}

/** The topics that are subscribed to, and where each is: docs/wire.md, "Positions and recovery". */
export interface Topics {
  position(name: string): Position | undefined;
  /** @returns what ends it */
  subscribe(name: string, subscriber: Subscriber, options: SubscribeOptions): () => void;
  /** The next messages of this topic are a page of its history, after what was announced before. */
  expect(name: string, run: Run): void;
  /**
   * All topics, to subscribe to them with the hello, and the id of that. Those that a hello has no room for, and those that begin with the
   * last messages, follow when the server has answered.
   */
  resume(): { id: number; subs: SubEntry[] };
  opened(send: Send): void;
  lost(): void;
  published(message: PubMessage): void;
  missing(message: GapMessage): void;
  ended(name: string, code: string): void;
  present(message: PresenceMessage): void;
  /** Ends all subscriptions. */
  close(error: LiveError): void;
}

export function createTopics(queue: Queue, call: Call): Topics {
  const topics = new Map<string, Subscribed>();
  /** By topic, in the order of the answers. */
  const runs = new Map<string, Run[]>();
  /** Undefined until the server has answered the hello. */
  let send: Send | undefined;
  let closed: LiveError | undefined;

  function ask(name: string, topic: Subscribed, sentAs?: number): void {
    const { position, last } = topic;
    const write = (id: number): string =>
      position === undefined && last !== undefined
        ? writeSubLast(name, id, last)
        : writeSub(name, id, position?.offset, position?.epoch);
    const answered = (answer: Answer): void => {
      if (answer.verb === "ok") subscribed(name, topic, answer);
      else end(name, topic, new LiveError(answer.code, answer.msg));
    };
    topic.asked = true;
    queue.ask(write, answered, sentAs);
  }

  function subscribed(name: string, topic: Subscribed, { o: offset, e: epoch, replay = 0, missed }: OkMessage): void {
    const { position } = topic;
    const newest = offset === undefined || epoch === undefined ? undefined : { offset, epoch };
    if (newest !== undefined && replay > 0) {
      // A place that is whole comes with each message: until then the topic stays where it was.
      const take = (message: PubMessage, isLast: boolean): void =>
        deliver(topic, message, isLast ? newest : toPosition(message, epoch), true);
      expect(name, { left: replay, isReplay: true, take });
    }
    topic.live = true;
    if (topic.subscribers.size === 0) return forget(name);
    for (const { ready } of topic.subscribers) ready();
    // Another epoch, or none any more, proves nothing: whatever the server says.
    if (missed || (position !== undefined && position.epoch !== epoch)) gap(topic, newest, "missed");
    else if (replay === 0) topic.position = newest;
  }

  /** The position comes first: who fails inside of a handler must not get the message again. */
  function deliver(topic: Subscribed, { o, by, d }: PubMessage, to: Position | undefined, replayed: boolean): void {
    const { position } = topic;
    if (to !== undefined) {
      if (position?.epoch === to.epoch && o! <= position.offset) return;
      topic.position = to;
    }
    tell(topic, ({ message }) => call(message, d, { offset: o, by, replayed }));
  }

  function gap(topic: Subscribed, position: Position | undefined, why: string): void {
    topic.position = position;
    tell(topic, ({ gap }) => call(gap, { why, position }));
  }

  function tell({ subscribers }: Subscribed, tell: (handlers: Handlers<unknown>) => void): void {
    for (const subscriber of Array.from(subscribers)) {
      // One handler may have ended the subscription of another.
      if (subscribers.has(subscriber)) tell(subscriber.handlers);
    }
  }

  function expect(name: string, run: Run): void {
    runs.set(name, [...(runs.get(name) ?? []), run]);
  }

  function end(name: string, { subscribers }: Subscribed, error: LiveError): void {
    topics.delete(name);
    for (const { over, handlers } of subscribers) {
      over(error);
      call(handlers.end, error);
    }
    subscribers.clear();
  }

  function leave(name: string, { subscribers, asked, live }: Subscribed, subscriber: Subscriber): void {
    if (!subscribers.delete(subscriber)) return;
    subscriber.over(new LiveError("closed"));
    // While the server's answer is on its way the topic stays: somebody may come back to it.
    if (subscribers.size === 0 && live === asked) forget(name);
  }

  function forget(name: string): void {
    topics.delete(name);
    send?.(writeUnsub(name));
  }

  function lost(): void {
    send = undefined;
    for (const run of [...runs.values()].flat()) run.lost?.();
    runs.clear();
    for (const [name, topic] of topics) {
      topic.asked = topic.live = false;
      if (topic.subscribers.size === 0) topics.delete(name);
    }
  }

  return {
    position: (name) => topics.get(name)?.position,

    subscribe(name, subscriber, { last, from }) {
      const known = topics.get(name);
      const topic = known ?? { last, position: from, asked: false, live: false, subscribers: new Set() };
      topics.set(name, topic);
      topic.subscribers.add(subscriber);
      if (closed !== undefined) end(name, topic, closed);
      else if (topic.live) {
        subscriber.ready();
      } else if (send !== undefined && !topic.asked) ask(name, topic);
      return () => leave(name, topic, subscriber);
    },

    expect,

    resume() {
      const fitting = [...topics]
        .filter(([, { last, position }]) => last === undefined || position !== undefined)
        .slice(0, MOST_IN_HELLO);
      const id = queue.ids(fitting.length + 1);
      const subs = fitting.map(([name, topic], index): SubEntry => {
        ask(name, topic, id + 1 + index);
        const { position } = topic;
        return position === undefined ? [name] : [name, position.offset, position.epoch];
      });
      return { id, subs };
    },

    opened(to) {
      send = to;
      for (const [name, topic] of topics) if (!topic.asked) ask(name, topic);
    },

    lost,

    published(message) {
      const { pub: name } = message;
      const known = runs.get(name);
      const run = known?.[0];
      const topic = topics.get(name);
      if (run !== undefined) {
        const isLast = --run.left === 0;
        if (isLast && known!.length === 1) runs.delete(name);
        else if (isLast) known!.shift();
        run.take(message, isLast);
      } else if (topic?.live) {
        deliver(topic, message, toPosition(message, topic.position?.epoch), false);
      }
    },

    missing({ gap: name, o: offset, e: epoch, code }) {
      const topic = topics.get(name);
      if (!topic?.live) return;
      runs.set(
        name,
        (runs.get(name) ?? []).filter(({ isReplay }) => !isReplay),
      );
      gap(topic, { offset, epoch }, code);
    },

    ended(name, code) {
      const topic = topics.get(name);
      if (topic?.live) end(name, topic, new LiveError(code));
    },

    present(message) {
      const topic = topics.get(message.pres);
      for (const { present } of topic?.subscribers ?? []) present?.(message);
    },

    close(error) {
      closed = error;
      lost();
      for (const [name, topic] of topics) end(name, topic, error);
    },
  };
}

function toPosition({ o }: PubMessage, epoch: string | undefined): Position | undefined {
  return o === undefined || epoch === undefined ? undefined : { offset: o, epoch };
}
