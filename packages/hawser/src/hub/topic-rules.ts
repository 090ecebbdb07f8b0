import type { ContractDefinition, ErrorWord, TopicDefinition, TopicOf } from "@hawser/wire";
import { fieldKinds, type Payload, topicMatcher } from "@hawser/wire/server";
import { isThenable } from "../server/base/thenable.js";
import { UsageError } from "../server/base/usage-error.js";
import { HubError } from "./hub-error.js";
import { sentenceOf } from "./schema-issues.js";

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

  constructor(contract: ContractDefinition | undefined, defaultTopic: TopicDefinition) {
    this.#match =
      contract === undefined
        ? (name) => ({ topic: { name, topic: name }, definition: defaultTopic })
        : topicMatcher(contract);
  }

  /** Undefined for a topic that there is not. */
  find(name: string): KnownTopic | undefined {
    return this.#match(name);
  }

  /** @throws HubError for a topic that there is not */
  get(name: string): KnownTopic {
    const wrong = fieldKinds.name.check(name);
    if (wrong !== undefined) throw new HubError(wrong, `a topic has to be ${fieldKinds.name.what}`);
    const known = this.#match(name);
    if (known === undefined) throw new HubError("unknown-topic", `there is no topic ${name}`);
    return known;
  }
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
