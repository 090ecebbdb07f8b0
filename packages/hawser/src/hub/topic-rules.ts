import type { ContractDefinition, ErrorWord, TopicDefinition, TopicOf } from "@hawser/wire";
import { fieldKinds, type Payload, topicMatcher } from "@hawser/wire/server";
import type { Logger } from "../server/api/logger.js";
import { isThenable } from "../server/base/thenable.js";
import { UsageError } from "../server/base/usage-error.js";
import { HubError } from "./hub-error.js";
import { sentenceOf } from "./schema-issues.js";

/** Names that are kept with what they match: to match one costs more than all else that is asked of it, and the same ones come again. */
const MOST_KEPT = 1024;

/** A topic as it is known here. */
export interface KnownTopic {
  /** For the application. */
  readonly topic: TopicOf<ContractDefinition>;
  readonly definition: TopicDefinition;
}

/** Why a request is refused. */
export interface Refusal {
  readonly code: ErrorWord;
  readonly sentence: string;
}

/** What topics there are and what may be published to them: what the contract says, or without one what holds for all. */
export class TopicRules {
  readonly #match: (name: string) => KnownTopic | undefined;
  readonly #matched = new Map<string, KnownTopic>();

  /** Topics that were meant to have a history. */
  readonly #withoutHistory: readonly string[];

  /** @param hasHistory whether the engine can keep messages */
  constructor(contract: ContractDefinition | undefined, defaultTopic: TopicDefinition, hasHistory: boolean) {
    const topics: Readonly<Record<string, TopicDefinition>> = contract?.topics ?? { "any topic": defaultTopic };
    this.#withoutHistory = Object.keys(topics).filter((name) => !hasHistory && topics[name]!.history !== undefined);
    const own = (definition: TopicDefinition): TopicDefinition => (hasHistory ? definition : unkept(definition));
    if (contract === undefined) {
      const definition = own(defaultTopic);
      this.#match = (name) => ({ topic: { name, topic: name }, definition });
    } else {
      const named = Object.entries(topics).map(([name, definition]) => [name, own(definition)] as const);
      this.#match = topicMatcher({ ...contract, topics: Object.fromEntries(named) });
    }
  }

  /** At the start, and not when a client asks for what it missed. */
  sayWhatIsNotKept(log: Logger): void {
    if (this.#withoutHistory.length === 0) return;
    const fields = { event: "hub-no-history", topics: this.#withoutHistory };
    log.warn(
      fields,
      "the hub's engine keeps no messages: these topics have no history, and what a client misses is lost",
    );
  }

  /** Undefined for a topic that there is not. */
  find(name: string): KnownTopic | undefined {
    const kept = this.#matched.get(name);
    if (kept !== undefined) return kept;
    const known = this.#match(name);
    if (known === undefined) return undefined;
    // All who ask for it are given the same one.
    Object.freeze(known.topic);
    if (this.#matched.size === MOST_KEPT) this.#matched.clear();
    this.#matched.set(name, known);
    return known;
  }

  /** @throws HubError for a topic that there is not */
  get(name: string): KnownTopic {
    const wrong = fieldKinds.name.check(name);
    if (wrong !== undefined) throw new HubError(wrong, `a topic has to be ${fieldKinds.name.what}`);
    const known = this.find(name);
    if (known === undefined) throw new HubError("unknown-topic", `there is no topic ${name}`);
    return known;
  }
}

function unkept({ history: _, ...definition }: TopicDefinition): TopicDefinition {
  return definition;
}

/** What is wrong with a message. @throws UsageError for a schema that answers with a promise: order would be lost */
export function messageFault({ message, binary }: TopicDefinition, payload: Payload): Refusal | undefined {
  const wantsBytes = binary === true;
  if (wantsBytes !== payload.binary && (wantsBytes || message !== undefined)) {
    return { code: "bad-request", sentence: `messages of this topic are ${wantsBytes ? "bytes" : "JSON"}` };
  }
  if (message === undefined || payload.binary) return undefined;
  const result = message["~standard"].validate(payload.value);
  if (isThenable(result))
    throw new UsageError("the schema of a topic's messages has to answer at once, and not by a promise");
  return result.issues === undefined ? undefined : { code: "bad-request", sentence: sentenceOf(result.issues) };
}
