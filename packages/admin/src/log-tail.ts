import type { Logger } from "hawser";

/** A log line as the dashboard shows it: everything is text. */
export interface LogEntry {
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly level: string;
  readonly event: string;
  readonly message: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
}

type Fields = Record<string, unknown>;

const LINES_KEPT = 200;
const LONGEST_VALUE = 300;
/** Fields that stand elsewhere in the entry. */
const ELSEWHERE = new Set(["time", "level", "event", "msg"]);
const PINO_LEVELS: Record<number, string> = {
  10: "trace",
  20: "debug",
  30: "info",
  40: "warn",
  50: "error",
  60: "fatal",
};

/**
 * The last lines of a log, for the dashboard. Fill it with one of two: `write`, which takes the JSON lines of pino (it is a stream of
 * pino's), or `tee`, which makes a logger that writes to another one and to this.
 */
export class LogTail {
  readonly #lines: (string | Fields)[] = [];
  #written = 0;

  /** Takes a JSON line. It is kept as it is, and read when somebody looks. */
  write(line: string): void {
    this.#keep(line);
  }

  /** The same logger, whose lines are kept here as well. */
  tee(log: Logger): Logger {
    const both =
      (level: keyof Logger): Logger[keyof Logger] =>
      (fields, message) => {
        this.#keep({ ...fields, level, time: Date.now(), msg: message });
        log[level](fields, message);
      };
    return { debug: both("debug"), info: both("info"), warn: both("warn"), error: both("error") };
  }

  /** How many lines there have been. */
  get written(): number {
    return this.#written;
  }

  /**
   * The lines after the first `seen`, as far as they are kept.
   * @param secret is left out wherever it stands
   * @param most of them, the latest
   */
  after(seen: number, secret: string, most: number = LINES_KEPT): LogEntry[] {
    const fresh = Math.min(this.#written - seen, this.#lines.length, most);
    return fresh <= 0 ? [] : this.#lines.slice(-fresh).flatMap((line) => entryOf(line, secret) ?? []);
  }

  #keep(line: string | Fields): void {
    this.#written++;
    if (this.#lines.push(line) > LINES_KEPT) this.#lines.shift();
  }
}

function entryOf(line: string | Fields, secret: string): LogEntry | null {
  const fields = typeof line === "string" ? parse(line) : line;
  if (fields === null) return null;
  const text = (value: unknown): string => shown(value).replaceAll(secret, "…").slice(0, LONGEST_VALUE);
  const { time, level, event, msg } = fields;
  return {
    time: typeof time === "number" ? time : Date.parse(String(time)) || Date.now(),
    level: typeof level === "number" ? (PINO_LEVELS[level] ?? "info") : text(level),
    event: text(event),
    message: text(msg),
    fields: Object.entries(fields)
      .filter(([name, value]) => !ELSEWHERE.has(name) && value !== null && value !== "" && value !== undefined)
      .map(([name, value]) => [name, name === "err" ? kindOf(value) : text(value)] as const),
  };
}

function parse(line: string): Fields | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? (value as Fields) : null;
  } catch {
    return null;
  }
}

function shown(value: unknown): string {
  if (value === undefined) return "";
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}

/** The kind of an error and no more: its text may quote a message (`JSON.parse` does). The log itself has it whole. */
function kindOf(error: unknown): string {
  const { name, type, code } = (error ?? {}) as Record<string, unknown>;
  const kind = [type, name].find((word) => typeof word === "string") ?? "error";
  return [kind, code]
    .filter((word) => typeof word === "string")
    .join(" ")
    .slice(0, 100);
}
