/** One value of one option: from text where it is text, held against its rule, refused with its origin. */
import { OptionError } from "hawser";
import { checkValue, describeRule } from "hawser/tools";
import { ConfigError, type Source, sourceText, withoutSecrets, wrongValue } from "./config-error.js";
import { fromText } from "./from-text.js";
import type { Setting } from "./settings.js";

/** A value with its origin. */
export interface Given {
  readonly value: unknown;
  readonly source: Source;
}

/** The value of a flag or an environment variable. @throws ConfigError */
export function takeText(setting: Setting, text: string, source: Source): Given {
  const value = fromText(setting.rule, text);
  if (value === undefined) throw refused(setting, text, source);
  return takeValue(setting, value, source);
}

/** A value that has a type already. @throws ConfigError */
export function takeValue(setting: Setting, value: unknown, source: Source): Given {
  const written = setting.rule.orNumber && typeof value === "number" ? String(value) : value;
  try {
    return { value: checkValue(setting.name, setting.rule, written), source };
  } catch (error) {
    if (!(error instanceof OptionError)) throw error;
    // Of a list, the entry that is wrong.
    throw refused(setting, error.value, source, error.takes);
  }
}

function refused({ name, rule }: Setting, value: unknown, source: Source, what = describeRule(rule)): ConfigError {
  const asText = rule.kind === "boolean" && source.from === "environment";
  if (rule.isSecret) return new ConfigError(`${name}: wrong value from ${sourceText(source)}; takes ${what}`);
  return wrongValue(name, withoutSecrets(rule, value), source, asText ? "true, false, 1 or 0" : what);
}
