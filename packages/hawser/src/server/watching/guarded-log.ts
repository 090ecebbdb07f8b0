/** The one place that every line passes on its way to a logger, ours or the application's. */
import { printable, printableLines } from "../base/printable.js";
import { isError, UNSHOWABLE } from "../base/thrown.js";
import type { Logger } from "../api/logger.js";

/**
 * The same logger, of which nobody has to fear an exception (a log that is broken must not stop what it was to tell of), and which gets
 * text that is safe to show: strangers choose paths, reasons and more, and a log is read on terminals.
 */
export function guardedLog(log: Logger): Logger {
  const guarded =
    (level: keyof Logger): Logger[keyof Logger] =>
    (fields, message) => {
      if (isOff(log, level)) return;
      const isPrintable = isPrintableAlready(fields);
      try {
        log[level](isPrintable ? fields : new PrintableCopies().of(fields), printable(message));
      } catch {
        // Where would we say so? But it may be what was thrown that cannot be read by the logger, and not the logger that is broken.
        if (!isPrintable) retry(() => log[level](withoutObjects(fields), printable(message)));
      }
    };
  return { debug: guarded("debug"), info: guarded("info"), warn: guarded("warn"), error: guarded("error") };
}

/** Whether the logger says that it writes no such lines. pino and winston can be asked, and to make a line safe costs more. */
function isOff(log: Logger & { isLevelEnabled?: unknown }, level: string): boolean {
  try {
    const { isLevelEnabled } = log;
    return typeof isLevelEnabled === "function" && isLevelEnabled.call(log, level) === false;
  } catch {
    return false;
  }
}

function retry(call: () => void): void {
  try {
    call();
  } catch {
    // It is the logger.
  }
}

function withoutObjects(fields: object): object {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]: [string, unknown]) => [
      name,
      isPrintableValue(value) ? value : UNSHOWABLE,
    ]),
  );
}

/** The line of a client that comes or goes, which has to cost next to nothing. */
function isPrintableAlready(fields: object): boolean {
  for (const name in fields) {
    if (!isPrintableValue(fields[name as keyof typeof fields])) return false;
  }
  return true;
}

function isPrintableValue(value: unknown): boolean {
  switch (typeof value) {
    case "string":
      return value === printable(value);
    case "number":
    case "boolean":
    case "undefined":
      return true;
    default:
      return value === null;
  }
}

/** What was thrown has causes, and carries whatever somebody hung on it: so many objects of a line are looked at, and the rest is cut. */
const MOST_OBJECTS = 1000;

/** Of the objects of one line, each itself where nothing in it has to change; else a copy, for it may be the application's. */
class PrintableCopies {
  /** Those that are being looked at, each in the one before it. */
  readonly #around = new Set<object>();
  #left = MOST_OBJECTS;

  of<T extends object>(object: T): T {
    return this.#value(object, false) as T;
  }

  /** @param hasLines it is an error's: a stack has lines of its own */
  #value(value: unknown, hasLines: boolean): unknown {
    if (typeof value === "string") return hasLines ? printableLines(value) : printable(value);
    if (typeof value === "function") return "[Function]";
    // JSON has no word for it.
    if (typeof value === "symbol" || typeof value === "bigint") return printable(String(value));
    if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return value;
    // As it is, it would be shown inside its copy.
    if (this.#around.has(value)) return "[Circular]";
    if (this.#left === 0) return "…";
    this.#left--;
    this.#around.add(value);
    try {
      return this.#object(value);
    } catch {
      return UNSHOWABLE;
    } finally {
      this.#around.delete(value);
    }
  }

  #object(object: object): unknown {
    const hasStack = isError(object);
    const { toJSON } = object as { toJSON?: unknown };
    if (typeof toJSON === "function" && !hasStack) {
      const json: unknown = toJSON.call(object);
      const safe = this.#value(json, false);
      return safe === json ? object : safe;
    }
    const names = new Set(Object.keys(object));
    if (hasStack) for (const name of ["message", "stack", "cause", "errors"]) if (name in object) names.add(name);
    let isSame = true;
    const members: PropertyDescriptorMap = {};
    for (const name of names) {
      const value = read(object, name);
      const safe = value === UNREADABLE ? "…" : this.#value(value, hasStack);
      const safeName = printable(name);
      isSame &&= safe === value && safeName === name;
      // By value: a stack may be an accessor, which would tell that of the copy.
      members[safeName] = { value: safe, enumerable: Object.prototype.propertyIsEnumerable.call(object, name) };
    }
    return isSame ? object : Object.defineProperties(emptyLike(object, hasStack), members);
  }
}

const UNREADABLE = Symbol();

function read(object: object, name: string): unknown {
  try {
    return object[name as keyof typeof object];
  } catch {
    return UNREADABLE;
  }
}

/** Of a class, errors apart, a copy would have none of the private members that its methods use. */
function emptyLike(object: object, hasStack: boolean): object {
  if (!hasStack) return Array.isArray(object) ? [] : {};
  return Object.setPrototypeOf(new Error(), Object.getPrototypeOf(object) as object | null) as object;
}
