import { topicName } from "@hawser/wire";
import { readMessage, writeCall, writeCancel, writeHello } from "@hawser/wire/client";
import { createAgenda } from "./agenda.js";
import type { Bytes } from "./bytes.js";
import { type AskHandler, type Asks, createAsks } from "./calls.js";
import type { Clock } from "./clock.js";
import { type Conversation, createConnection } from "./connection.js";
import { LiveError } from "./errors.js";
import { watchPage } from "./lifecycle.js";
import { createQueue, type Queue, type RequestOptions } from "./queue.js";
import type { WebSocketConstructor } from "./socket.js";
import { type Call, createState, type LiveState } from "./state.js";
import { createTokens, type TokenSource } from "./token.js";
import type { TopicParts } from "./topic.js";
import { createTopics, type Topics } from "./topics.js";

/** What there is of the world, for tests to stand in for. */
export interface World {
  readonly clock: Clock;
  readonly random: () => number;
  readonly WebSocket: WebSocketConstructor;
  /** Where the events of a page come from. */
  readonly page: object;
  /** Told of errors in the application's functions. */
  readonly report: (error: unknown) => void;
}

/** A connection as the application has it, without the types of a contract. */
export interface AnyLive<SomeTopic> {
  readonly state: LiveState;
  topic(pattern: string, params?: Readonly<Record<string, string | number>>): SomeTopic;
  call(name: string, input?: unknown, options?: RequestOptions): Promise<unknown>;
  close(): void;
}

/** Puts the parts together, and starts. */
export function goLive<SomeTopic>(
  makeTopic: (name: string, parts: TopicParts) => SomeTopic,
  bytes: Bytes | undefined,
  url: string,
  source: TokenSource | undefined,
  handlers: Readonly<Record<string, AskHandler>>,
  { clock, random, WebSocket, page, report }: World,
): AnyLive<SomeTopic> {
  const call: Call = (handler, ...args) => {
    try {
      handler?.(...args);
    } catch (error) {
      report(error);
    }
  };
  const agenda = createAgenda(clock);
  const state = createState(call);
  const queue = createQueue(agenda, random, (degraded) => {
    const { current } = state;
    if (current.phase === "open" && current.degraded !== degraded) state.set({ ...current, degraded });
  });
  const topics = createTopics(queue, call);
  const conversation = converse(queue, topics, createAsks(handlers, report), bytes, report);
  const tokens = createTokens(source, agenda);
  const connection = createConnection({ WebSocket, url, agenda, random, state, tokens, report, conversation });
  const unwatch = watchPage(page, connection);
  // Not before the caller has said what it wants.
  queueMicrotask(() => connection.start());
  return {
    state,
    topic: (pattern, params) =>
      makeTopic(params === undefined ? pattern : topicName(pattern, params), { queue, topics, bytes, call }),
    call: (name, input, options) =>
      queue.add(
        (id) => (bytes?.isBytes(input) ? bytes.writeCall(name, id, input) : writeCall(name, id, input)),
        ({ d }) => d,
        options,
        writeCancel,
      ),
    close() {
      unwatch();
      connection.close("closed");
    },
  };
}

/** What is said in a connection, and who hears it. */
function converse(
  queue: Queue,
  topics: Topics,
  asks: Asks,
  bytes: Bytes | undefined,
  report: World["report"],
): Conversation {
  const parts = [asks, topics, queue];
  const lost = (poisoned: boolean): void => {
    for (const part of parts) part.lost(poisoned);
  };
  return {
    lost,
    read(frame) {
      if (typeof frame === "string") return readMessage(frame);
      if (bytes !== undefined) return bytes.read(frame);
      // A message is missed: somebody has to hear of it.
      report(new LiveError("unsupported"));
      return undefined;
    },
    hello(token) {
      lost(false);
      const { id, subs } = topics.resume();
      return { id, frame: writeHello(id, token, subs.length > 0 ? subs : undefined) };
    },
    opened(send) {
      for (const part of parts) part.opened(send);
    },
    ask: queue.ask,
    received(message) {
      if (message.verb === "ok" || message.verb === "err") queue.answer(message);
      else if (message.verb === "pub") topics.published(message);
      else if (message.verb === "gap") topics.missing(message);
      else if (message.verb === "unsub") topics.ended(message.unsub, message.code);
      else if (message.verb === "pres") topics.present(message);
      else if (message.verb === "call") void asks.called(message);
      else if (message.verb === "cancel") asks.cancelled(message.cancel);
    },
    closed(error) {
      queue.close(error);
      topics.close(error);
    },
  };
}
