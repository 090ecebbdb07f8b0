/**
 * Signals. The handlers are set explicitly and before anything listens: as process 1 of a container there are no defaults, and a
 * signal without a handler is ignored there.
 */
import { constants } from "node:os";

export type StopSignal = "SIGINT" | "SIGTERM";

export interface SignalActions {
  /** The first SIGINT or SIGTERM. */
  stop(signal: StopSignal): void;
  /** Another one: whoever sent it does not want to wait. */
  stopAtOnce(exitCode: number): void;
  /** SIGHUP */
  hangUp(): void;
}

/** What of `process` this needs. */
export interface SignalSource {
  on(signal: StopSignal | "SIGHUP", listener: () => void): unknown;
}

/**
 * npm hands Ctrl+C on to the program that has had it from the terminal already. The same signal so soon after the first is that one
 * again, and no second wish.
 */
const ECHO_MS = 100;

export function onSignals(
  source: SignalSource,
  actions: SignalActions,
  now: () => number = () => performance.now(),
): void {
  let first: { signal: StopSignal; at: number } | undefined;
  const onStop = (signal: StopSignal): void => {
    if (first === undefined) {
      first = { signal, at: now() };
      actions.stop(signal);
    } else if (signal !== first.signal || now() - first.at >= ECHO_MS) {
      // The shell's convention for a process that a signal ended.
      actions.stopAtOnce(128 + constants.signals[signal]);
    }
  };
  source.on("SIGINT", () => onStop("SIGINT"));
  source.on("SIGTERM", () => onStop("SIGTERM"));
  source.on("SIGHUP", () => actions.hangUp());
}
