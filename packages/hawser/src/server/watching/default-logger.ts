import type { Logger, LogLevel } from "../api/logger.js";
import { loadPino } from "./load-pino.js";
import { type Output, standardOutput, type StandardStream } from "./standard-output.js";

/** JSON lines on standard output, or on standard error: level in words, time as ISO 8601, and the fields of the event. */
export function defaultLogger(level: LogLevel, stream: StandardStream = "stdout"): Logger {
  const pino = loadPino();
  const loggerTo = (to: Output): Logger =>
    pino(
      {
        level,
        base: null,
        timestamp: pino.stdTimeFunctions.isoTime,
        formatters: { level: (label) => ({ level: label }) },
      },
      to,
    );
  const output = standardOutput(stream, pino, (to, lines) =>
    loggerTo(to).warn({ event: "log-dropped", lines }, `${lines} log lines were dropped: nobody read them in time`),
  );
  return loggerTo(output);
}
