/** The command's log: JSON lines for machines, readable lines on a terminal, both through a sink that never blocks. */
import { isatty } from "node:tty";
import type { LogLevel } from "hawser";
import { printableLines } from "hawser/tools";
import { type Logger as PinoLogger, pino } from "pino";
import type { TerminalFault } from "./exit.js";
import { prettyLine } from "./pretty-line.js";
import { openLogSink } from "./sink.js";

export interface Log {
  readonly logger: PinoLogger;
  /** Whether people read it. */
  readonly isPretty: boolean;
  /** A line of JSON that another process has logged. */
  forward(line: string): void;
  /** A line for people, outside the log. */
  say(line: string): void;
  terminalFault(): TerminalFault | undefined;
  /** Waits, not for long, until the last line is written. Whether it was. */
  flush(): Promise<boolean>;
}

export type LogFormat = "auto" | "pretty" | "json";

const STDOUT = 1;
const FLUSH_MS = 1000;

/** `onLine` sees each line as JSON, whatever the format is. */
export function openLog(level: LogLevel, format: LogFormat, onLine: (line: string) => void = () => {}): Log {
  const onTerminal = isatty(STDOUT);
  const isPretty = format === "pretty" || (format === "auto" && onTerminal);
  const sink = openLogSink(STDOUT, (lines) => {
    logger.warn({ event: "log-dropped", lines }, `${lines} log lines were dropped: nobody read them in time`);
  });
  const pretty = isPretty ? prettyLine({ colors: onTerminal && !process.env["NO_COLOR"] }) : undefined;
  const write = (raw: string): void => {
    // What the command itself writes has not gone through the library; in JSON \u009b is the same character.
    const line = printableLines(raw);
    onLine(line);
    sink.write(pretty === undefined ? line : pretty(line));
  };
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write },
  );
  return {
    logger,
    isPretty,
    forward: (line) => write(`${line}\n`),
    say: (line) => sink.write(`${line}\n`),
    terminalFault: () => {
      if (!onTerminal) return undefined;
      return isatty(STDOUT) ? (sink.isWaiting ? "on hold" : undefined) : "gone";
    },
    flush: () => sink.drained(FLUSH_MS),
  };
}
