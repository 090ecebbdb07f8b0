/** Before any client comes: what the application asks for is checked, and defaults fill in the rest. */
import type { ServerOptions } from "../api/options.js";
import type { ResolvedOptions } from "../api/resolved-options.js";
import { systemClock } from "../base/clock.js";
import { OptionError, UsageError } from "../base/usage-error.js";
import { checkValue } from "./check-value.js";
import { hintForForeign } from "./foreign.js";
import { didYouMean } from "./nearest.js";
import { type OptionName, type OptionRule, optionRules } from "./rules.js";

/** 256 messages of the largest default size at once: far more than honest clients send, and what a small machine can spare. */
const LEAST_INCOMING_BYTES = 128 * 1024 * 1024;

/** Checks what the user gave and fills in the defaults. The argument is not changed. @throws OptionError */
export function resolveOptions<Data>(given: ServerOptions<Data>): ResolvedOptions<Data> {
  const values: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(optionRules, name))
      throw new OptionError(name, value, `nothing: there is no such option${hintFor(name)}`);
    if (value !== undefined) values[name] = checkOption(name as OptionName, value);
  }
  for (const [name, rule] of Object.entries<OptionRule>(optionRules)) {
    values[name] ??= rule.default;
  }
  values["pingPeriodMs"] ??= Math.floor((values["pongWaitMs"] as number) * 0.9);
  values["maxTotalIncomingBytes"] ??= Math.max(LEAST_INCOMING_BYTES, 2 * (values["maxMessageBytes"] as number));
  values["clock"] ??= systemClock;
  const resolved = values as unknown as ResolvedOptions<Data>;
  checkTogether(resolved);
  return Object.freeze(resolved);
}

/** Checks the value of one option; returns it, lists as frozen copies. @throws OptionError */
export function checkOption(name: OptionName, value: unknown): unknown {
  return checkValue(name, optionRules[name], value);
}

/** Values that are fine alone and wrong together. */
function checkTogether<Data>(options: ResolvedOptions<Data>): void {
  if (options.pingPeriodMs >= options.pongWaitMs) {
    // A ping that is due after the deadline would have every quiet client cut.
    throw new OptionError("pingPeriodMs", options.pingPeriodMs, `less than pongWaitMs, which is ${options.pongWaitMs}`);
  }
  if (options.dangerouslyAllowAnyOrigin !== undefined && options.allowedOrigins.length > 0) {
    throw new UsageError(
      "allowedOrigins and dangerouslyAllowAnyOrigin exclude each other: any origin leaves no list to check",
    );
  }
  if (options.authenticate !== undefined && options.data !== undefined) {
    throw new UsageError("authenticate and data exclude each other: what authenticate returns is the data");
  }
  if (options.maxTotalBacklogBytes < options.maxBacklogBytes) {
    const least = `at least maxBacklogBytes, which is ${options.maxBacklogBytes}`;
    throw new OptionError("maxTotalBacklogBytes", options.maxTotalBacklogBytes, least);
  }
  if (options.maxTotalIncomingBytes < 2 * options.maxMessageBytes) {
    // A message that grows is copied: for a moment it is there twice.
    const least = `at least twice maxMessageBytes, which is ${options.maxMessageBytes}`;
    throw new OptionError("maxTotalIncomingBytes", options.maxTotalIncomingBytes, least);
  }
  if (new Set(options.subprotocols).size < options.subprotocols.length) {
    throw new OptionError("subprotocols", options.subprotocols, "each subprotocol once");
  }
}

/** " (did you mean pongWaitMs?)", or what does the same here as an option of another library. */
function hintFor(name: string): string {
  const elsewhere = hintForForeign(name);
  return elsewhere === undefined ? didYouMean(name, Object.keys(optionRules)) : ` (${elsewhere})`;
}
