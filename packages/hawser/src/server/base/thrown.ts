/** Anything can be thrown, and of what was thrown anything can throw when it is looked at: a revoked proxy does whatever is asked of it. */
import { types } from "node:util";

/** Whether it is an error, of this realm or of another one. */
export function isError(thrown: unknown): thrown is Error {
  try {
    return types.isNativeError(thrown) || thrown instanceof Error;
  } catch {
    return false;
  }
}

/** What stands for something that cannot be shown. */
export const UNSHOWABLE = "[cannot be shown]";

export function textOf(thrown: unknown): string {
  try {
    return String(thrown);
  } catch {
    return UNSHOWABLE;
  }
}
