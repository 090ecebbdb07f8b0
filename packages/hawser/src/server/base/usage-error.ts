/** The caller misused the library: a wrong option, a wrong argument, a call at the wrong time. Never thrown for what a peer did. */
export class UsageError extends Error {
  override readonly name: string = "UsageError";
}

/** An option has a value that it does not take. The message names the option, what it got and what it takes. */
export class OptionError extends UsageError {
  override readonly name = "OptionError";
  /** Name of the option as in the API, `pongWaitMs`. */
  readonly option: string;
  /** The value that was refused. */
  readonly value: unknown;
  /** What the option takes, as the end of a sentence: "a whole number of milliseconds from 10 to 86400000". */
  readonly takes: string;

  constructor(option: string, value: unknown, takes: string) {
    super(`${option}: got ${show(value)}, takes ${takes}`);
    this.option = option;
    this.value = value;
    this.takes = takes;
  }
}

function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
  if (typeof value === "function") return "a function";
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === "object" && value !== null) return "an object";
  return String(value);
}
