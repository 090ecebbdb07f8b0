/** The one place that every line passes on its way to a logger, ours or the application's. */
import { types } from "node:util";
import type { Logger } from "./log.js";
import { plain, plainLines } from "./plain.js";

/**
 * The same logger, of which nobody has to fear an exception (a log that is broken must not stop what it was to tell of), and which gets
 * text that is safe to show: strangers choose paths, reasons and more, and a log is read on terminals.
 */
export function guardedLog(log: Logger): Logger {
  const guarded =
    (level: keyof Logger): Logger[keyof Logger] =>
    (fields, message) => {
      try {
        log[level](plainMembers(fields, 0), plain(message));
      } catch {
        // Where would we say so?
      }
    };
  return { debug: guarded("debug"), info: guarded("info"), warn: guarded("warn"), error: guarded("error") };
}

/** What was thrown has causes, and carries whatever somebody hung on it: so deep and so wide it is looked at. */
const DEEPEST = 4;
const WIDEST = 64;

/** The same object where nothing in it has to change; else a copy, for it may be the application's. */
function plainMembers<T extends object>(object: T, depth: number): T {
  if (isPlainAlready(object)) return object;
  const isError = isErrorObject(object);
  const names = Object.keys(object).slice(0, WIDEST);
  if (isError) names.push("message", "stack", "cause");
  const values = names.map((name): [name: string, value: unknown] => [name, object[name as keyof T]]);
  const safe = values.map(([, value]) => plainValue(value, depth, isError));
  if (values.every(([, value], at) => value === safe[at])) return object;
  const members: PropertyDescriptorMap = Object.getOwnPropertyDescriptors(object);
  for (const [at, name] of names.entries()) {
    // By value: a stack may be an accessor, which would tell that of the copy.
    const value = safe[at];
    if (value !== undefined)
      members[name] = { value, enumerable: members[name]?.enumerable ?? false, configurable: true };
  }
  const copy = isError ? new Error() : Array.isArray(object) ? [] : {};
  Object.setPrototypeOf(copy, Object.getPrototypeOf(object) as object | null);
  return Object.defineProperties(copy, members) as T;
}

/** The line of a client that comes or goes, which has to cost next to nothing. */
function isPlainAlready(object: object): boolean {
  for (const name in object) {
    const value: unknown = object[name as keyof typeof object];
    if (typeof value === "string" ? value !== plain(value) : typeof value === "object" && value !== null) return false;
  }
  return !isErrorObject(object);
}

function plainValue(value: unknown, depth: number, hasLines: boolean): unknown {
  // A stack has lines of its own.
  if (typeof value === "string") return hasLines ? plainLines(value) : plain(value);
  return depth < DEEPEST && isOpen(value) ? plainMembers(value, depth + 1) : value;
}

/** Objects of classes are left alone: a copy has none of their private members. */
function isOpen(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  if (isErrorObject(value) || Array.isArray(value)) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

function isErrorObject(value: object): boolean {
  return types.isNativeError(value) || value instanceof Error;
}
