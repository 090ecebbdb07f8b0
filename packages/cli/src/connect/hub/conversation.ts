/** Carries out commands on a connection to a hub, and tells what comes of them. */
import { type Live, LiveError, type Position, type Present, type Subscription } from "@hawser/client";
import type { HubCommand } from "./commands.js";
import { type HubEvent, type HubMessage, meaningOf } from "./events.js";

/** A page of the history, unless a number is given. */
const PAGE = 20;
/** How long a subscription may take to be answered until that is told. It goes on all the same. */
const PATIENCE_MS = 10_000;

interface Topic {
  readonly subscription: Subscription;
  /** Follows who comes and goes. */
  watch?: Subscription;
}

export interface Conversation {
  /** Resolves when the command has its answer, whatever that is. */
  perform(command: HubCommand): Promise<void>;
  /** Those that are subscribed to. */
  topics(): readonly string[];
}

export function converse(live: Live, tell: (event: HubEvent) => void): Conversation {
  /** The last one is the one that is talked to. */
  const topics = new Map<string, Topic>();
  let older: { readonly topic: string; readonly max: number; readonly before: Position } | undefined;

  function fail(what: string, error: unknown): void {
    if (!(error instanceof LiveError)) throw error;
    tell({ event: "error", what, code: error.code, message: meaningOf(error.code, error.message) });
  }

  function misuse(what: string, message: string): void {
    tell({ event: "error", what, code: "usage", message });
  }

  function named(what: string, topic: string | undefined): string | undefined {
    const name = topic ?? [...topics.keys()].at(-1);
    if (name === undefined) misuse(what, "name a topic, or subscribe to one first: /sub TOPIC");
    return name;
  }

  async function subscribe(topic: string, last: number | undefined): Promise<void> {
    if (topics.has(topic)) return misuse(`/sub ${topic}`, "is subscribed to already; /back shows what came before");
    let isTold = false;
    // Not after the messages that are replayed, which say themselves where they are.
    const subscribed = (position?: Position): void => {
      if (isTold) return;
      isTold = true;
      tell({ event: "subscribed", topic, position });
    };
    const subscription = live.topic(topic).subscribe(
      {
        message(data, info) {
          subscribed();
          tell({ event: "message", topic, data, ...info });
        },
        gap({ why, position }) {
          subscribed();
          tell({ event: "gap", topic, why, position });
        },
        end(error) {
          topics.delete(topic);
          if (error.code === "closed") return;
          if (isTold) tell({ event: "unsubscribed", topic, code: error.code });
          else fail(`/sub ${topic}`, error);
        },
      },
      { last },
    );
    topics.set(topic, { subscription });
    const answered = subscription.ready.then(
      () => subscribed(subscription.position),
      () => {},
    );
    await inTime(answered, () => fail(`/sub ${topic}`, new LiveError("timeout", "there is no answer yet")));
  }

  function unsubscribe(topic: string | undefined): void {
    const name = named("/unsub", topic);
    if (name === undefined) return;
    const known = topics.get(name);
    if (known === undefined) return misuse(`/unsub ${name}`, "is not subscribed to");
    topics.delete(name);
    known.watch?.unsubscribe();
    known.subscription.unsubscribe();
    tell({ event: "unsubscribed", topic: name, code: undefined });
  }

  async function publish(topic: string | undefined, data: unknown): Promise<void> {
    const name = named("publish", topic);
    if (name === undefined) return;
    try {
      const { offset, epoch, duplicate } = await live.topic(name).publish(data);
      const position = offset === undefined || epoch === undefined ? undefined : { offset, epoch };
      tell({ event: "published", topic: name, position, duplicate, isSubscribed: topics.has(name) });
    } catch (error) {
      fail(`/pub ${name}`, error);
    }
  }

  async function call(name: string, input: unknown): Promise<void> {
    const since = performance.now();
    try {
      const data = await live.call(name, input);
      tell({ event: "answer", call: name, data, tookMs: performance.now() - since });
    } catch (error) {
      fail(`/call ${name}`, error);
    }
  }

  async function back(topic: string | undefined, given: number | undefined): Promise<void> {
    const more = topic === undefined && given === undefined ? older : undefined;
    const name = more?.topic ?? named("/back", topic);
    if (name === undefined) return;
    const max = more?.max ?? given ?? PAGE;
    try {
      const { messages, before, missed } = await live.topic(name).history({ max, before: more?.before });
      older = before === undefined ? undefined : { topic: name, max, before };
      const shown = messages.map((message): HubMessage => ({ topic: name, ...message }));
      tell({ event: "page", topic: name, messages: shown, more: before !== undefined, missed });
    } catch (error) {
      fail(`/back ${name}`, error);
    }
  }

  async function who(topic: string | undefined, watch: boolean | undefined): Promise<void> {
    const name = named("/who", topic);
    if (name === undefined) return;
    const known = topics.get(name);
    if (watch === true && known === undefined) return misuse(`/who ${name} watch`, "takes a subscription: /sub first");
    if (watch === false) {
      known?.watch?.unsubscribe();
      delete known?.watch;
      return;
    }
    try {
      const present = await live.topic(name).members();
      tell({ event: "members", topic: name, present });
      if (watch === true && known !== undefined) known.watch ??= follow(name, present);
    } catch (error) {
      fail(`/who ${name}`, error);
    }
  }

  function follow(topic: string, first: Present): Subscription {
    let last = first;
    return live.topic(topic).subscribe({
      message: () => {},
      presence(present) {
        const [before, now] = [last.members, present.members];
        const known = before !== undefined && now !== undefined;
        const came = known ? [...now.keys()].filter((key) => !before.has(key)) : [];
        const went = known ? [...before.keys()].filter((key) => !now.has(key)) : [];
        const isNews = came.length > 0 || went.length > 0 || present.count !== last.count;
        last = present;
        if (isNews) tell({ event: "presence", topic, present, came, went });
      },
    });
  }

  async function count(topic: string | undefined): Promise<void> {
    const name = named("/count", topic);
    if (name === undefined) return;
    try {
      const present = { count: await live.topic(name).count(), members: undefined };
      tell({ event: "members", topic: name, present });
    } catch (error) {
      fail(`/count ${name}`, error);
    }
  }

  return {
    topics: () => [...topics.keys()],
    async perform(command) {
      switch (command.verb) {
        case "sub":
          return subscribe(command.topic, command.last);
        case "unsub":
          return unsubscribe(command.topic);
        case "pub":
          return publish(command.topic, command.data);
        case "call":
          return call(command.name, command.input);
        case "back":
          return back(command.topic, command.max);
        case "who":
          return who(command.topic, command.watch);
        case "count":
          return count(command.topic);
        case "help":
          return tell({ event: "help" });
        case "fault":
          return misuse("", command.why);
      }
    },
  };
}

/** Resolves with the promise, or after the patience, which is told. */
function inTime(answered: Promise<void>, late: () => void): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      late();
      resolve();
    }, PATIENCE_MS);
    void answered.then(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
