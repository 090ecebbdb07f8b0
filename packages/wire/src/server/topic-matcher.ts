import type { ContractDefinition, TopicDefinition, TopicOf } from "../contract/contract.js";
import { nameOfBoth, paramsOf, patternExpression, patternFault } from "./patterns.js";

/** A topic's name, matched: what it is, and what the contract says of it. */
export interface MatchedTopic<Contract extends ContractDefinition> {
  readonly topic: TopicOf<Contract>;
  readonly definition: TopicDefinition;
}

/**
 * Finds the topics of a contract by name.
 * @returns a function that is given a name and answers undefined where the contract has no such topic
 * @throws TypeError for a pattern that is none, for two that have a name in common, and for a definition that contradicts itself
 */
export function topicMatcher<Contract extends ContractDefinition>(
  contract: Contract,
): (name: string) => MatchedTopic<Contract> | undefined {
  const topics = Object.entries(contract.topics ?? {});
  checkTopics(topics);
  const matchers = topics.map(([pattern, definition]) => ({
    pattern,
    definition,
    params: paramsOf(pattern),
    expression: patternExpression(pattern),
  }));
  return (name) => {
    for (const { pattern, definition, params, expression } of matchers) {
      const found = expression.exec(name);
      if (found === null) continue;
      const values = params.map((param, index) => [param, valueOf(found[index + 1]!)] as const);
      const topic = { ...Object.fromEntries(values), name: pattern, topic: name };
      return { topic: topic as TopicOf<Contract>, definition };
    }
    return undefined;
  };
}

function checkTopics(topics: readonly (readonly [string, TopicDefinition])[]): void {
  for (const [index, [pattern, definition]] of topics.entries()) {
    const fault = patternFault(pattern) ?? definitionFault(definition);
    if (fault !== undefined) throw new TypeError(`the topic ${JSON.stringify(pattern)} ${fault}`);
    for (const [other] of topics.slice(0, index)) {
      const name = nameOfBoth(pattern, other);
      if (name !== undefined) {
        throw new TypeError(
          `the topics ${JSON.stringify(other)} and ${JSON.stringify(pattern)} both match ${JSON.stringify(name)}`,
        );
      }
    }
  }
}

function definitionFault({ message, binary, history, presence }: TopicDefinition): string | undefined {
  if (message !== undefined && binary === true)
    return "has a schema for its messages and is binary, which exclude each other";
  if (message !== undefined && typeof message["~standard"]?.validate !== "function") {
    return "has a message that is no Standard Schema: zod, valibot and arktype make them";
  }
  if (history !== undefined && !(isPositive(history.size) && isPositive(history.ttlMs))) {
    return `has a history of size ${history.size} and ttlMs ${history.ttlMs}: both are whole numbers from 1`;
  }
  if (![undefined, true, false, "count"].includes(presence))
    return 'has a presence that is neither true, false nor "count"';
  return undefined;
}

function isPositive(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 1;
}

function valueOf(written: string): string {
  return written.replace(/%(?:25|3A|2F)/g, decodeURIComponent);
}
