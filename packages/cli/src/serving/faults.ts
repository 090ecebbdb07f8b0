/** Faults of the program's own: one line each, and an orderly end. */

import { types } from "node:util";

/** What of `process` this needs. */
export interface FaultSource {
  on(event: "uncaughtException" | "unhandledRejection" | "warning", listener: (error: unknown) => void): unknown;
  removeAllListeners(event: "warning"): unknown;
}

export interface FaultLog {
  fatal(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** A fault that repeats itself while the server shuts down must not flood the log. */
const MOST_LINES = 10;

export function onFaults(source: FaultSource, log: FaultLog, stop: () => void): void {
  let lines = 0;
  const onFault = (error: unknown): void => {
    if (lines++ < MOST_LINES)
      log.fatal({ event: "fault", err: asError(error) }, "a fault in the program: shutting down");
    stop();
  };
  source.on("uncaughtException", onFault);
  source.on("unhandledRejection", onFault);
  // Node's own listener writes several lines of text to standard error.
  source.removeAllListeners("warning");
  source.on("warning", (warning) => {
    const { name, message } = asError(warning);
    log.warn({ event: "process-warning", name }, message);
  });
}

/** Anything can be thrown: an error of another realm, a DOMException (no native error before Node 24), what cannot be looked at. */
function asError(thrown: unknown): Error {
  try {
    return types.isNativeError(thrown) || thrown instanceof Error ? thrown : new Error(String(thrown));
  } catch {
    // A revoked proxy, for instance.
    return new Error("what was thrown cannot be shown");
  }
}
