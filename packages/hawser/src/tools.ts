/// <reference types="node" preserve="true" />
/**
 * For programs that run a server for others: its options as data, to make flags, a config file or a form of them, text from strangers
 * made safe to show, and a bound on wrong tokens. A server itself needs none of it.
 */

export {
  type OptionGroup,
  type OptionKind,
  type OptionName,
  type OptionRule,
  optionRules,
} from "./server/options/rules.js";
export { resolveOptions } from "./server/options/resolve.js";
export { checkValue, describeRule, type ValueRule } from "./server/options/check-value.js";
export { didYouMean } from "./server/options/nearest.js";
export { FailedTries } from "./server/base/failed-tries.js";
export { guardedLog } from "./server/watching/guarded-log.js";
export { InOrder } from "./server/base/in-order.js";
export { isLoopback } from "./server/base/loopback.js";
export { SampledLog } from "./server/watching/sampled-log.js";
export { printable, printableLines } from "./server/base/printable.js";
