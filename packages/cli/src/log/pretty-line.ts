/** A JSON log line as people read it: `[12:00:01] INFO: connect id=… clients=1`. */
import pretty from "pino-pretty";
import { printable } from "../config/config-error.js";

/** Fields that stand elsewhere in the line. */
const ELSEWHERE = new Set(["level", "time", "event", "msg", "err"]);

export function prettyLine(options: { colors: boolean }): (line: string) => string {
  return pretty.prettyFactory({
    colorize: options.colors,
    translateTime: "SYS:HH:MM:ss",
    include: "time,level",
    messageFormat: (log, messageKey) => describe(log, log[messageKey]),
  });
}

function describe(log: Record<string, unknown>, message: unknown): string {
  const fields = Object.entries(log).filter(([name, value]) => !ELSEWHERE.has(name) && value !== null && value !== "");
  const text = fields.map(([name, value]) => `${name}=${shown(value)}`).join(" ");
  // The fields say it all, as a rule: the message repeats them in words.
  const isPlainNews = text !== "" && (log["level"] === "info" || log["level"] === "debug");
  const line = [log["event"], text, isPlainNews || typeof message !== "string" ? "" : printable(message)]
    .filter(Boolean)
    .join(" ");
  return `${line}${stackOf(log["err"])}`;
}

/** Strangers choose some of these: nothing in them may reach the terminal as a control sequence. */
function shown(value: unknown): string {
  if (typeof value === "string" && /^[\w./:@%+-]+$/.test(value)) return value;
  // The library has escaped it already: not twice.
  return printable(JSON.stringify(value) ?? "").replace(/\\\\(?=u[0-9a-f]{4})/g, "\\");
}

/** A fault of the program's own is what a developer at a terminal wants to see whole. */
function stackOf(error: unknown): string {
  const stack = (error as { stack?: unknown } | undefined)?.stack;
  if (typeof stack !== "string") return "";
  const lines = stack.split("\n").map((line) => `\n    ${printable(line)}`);
  return lines.join("");
}
