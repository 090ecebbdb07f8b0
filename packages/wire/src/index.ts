/** What both ends of `hawser.v1` share: the contract, and the catalogues of words, codes and limits. */
export {
  type CallDefinition,
  type CallInput,
  type CallNames,
  type CallOutput,
  contract,
  type ContractDefinition,
  type HandlerInput,
  type MessageOf,
  type PatternOf,
  type Patterns,
  type TopicDefinition,
  type TopicOf,
} from "./contract/contract.js";
export { type Params, type ParamName, type ParamValues, type TopicName, topicName } from "./contract/pattern.js";
export type { InputOf, OutputOf, SchemaIssue, SchemaResult, StandardSchema } from "./contract/standard-schema.js";
export { CloseCode, isFinal } from "./close-codes.js";
export { limits } from "./limits.js";
export { SUBPROTOCOL } from "./subprotocol.js";
export {
  byeWords,
  type ByeWord,
  errorWords,
  type ErrorWord,
  gapWords,
  type GapWord,
  type Retry,
  unsubWords,
  type UnsubWord,
} from "./words.js";
