/** SIGINT and SIGTERM: the first one ends things in good order, another one at once. */
import { once } from "node:events";
import { Server as NetServer } from "node:net";
import { constants } from "node:os";

export type StopSignal = "SIGINT" | "SIGTERM";

export interface StopActions {
  /** The first SIGINT or SIGTERM. */
  stop(signal: StopSignal): void;
  /** Another one: whoever sent it does not want to wait. `exitCode` is 128 and the signal's number, as shells have it. */
  stopAtOnce(exitCode: number): void;
}

/** What of `process` this needs. */
export interface SignalSource {
  on(signal: StopSignal, listener: () => void): unknown;
  removeListener(signal: StopSignal, listener: () => void): unknown;
}

/**
 * npm hands Ctrl+C on to the program that has had it from the terminal already. The same signal so soon after the first is that one
 * again, and no second wish.
 */
const ECHO_MS = 100;

/**
 * Listens for SIGINT and SIGTERM. As process 1 of a container that is needed even for what would be Node's default: a signal without a
 * handler is ignored there.
 * @returns what ends it
 */
export function onStopSignals(
  source: SignalSource,
  actions: StopActions,
  now: () => number = () => performance.now(),
): () => void {
  let first: { signal: StopSignal; at: number } | undefined;
  const onStop = (signal: StopSignal): void => {
    if (first === undefined) {
      first = { signal, at: now() };
      actions.stop(signal);
    } else if (signal !== first.signal || now() - first.at >= ECHO_MS) {
      actions.stopAtOnce(128 + constants.signals[signal]);
    }
  };
  const onInterrupt = (): void => onStop("SIGINT");
  const onTerminate = (): void => onStop("SIGTERM");
  source.on("SIGINT", onInterrupt);
  source.on("SIGTERM", onTerminate);
  return () => {
    source.removeListener("SIGINT", onInterrupt);
    source.removeListener("SIGTERM", onTerminate);
  };
}

/** A server of Hawser's or of `node:http`, a Fastify application, or `{ close: () => database.end() }`. */
export interface Closable {
  /** A promise is waited for, and the connections of a server of Node's. */
  close(): unknown;
}

/** Of the whole process, as signals are: it ends when all of them are closed, whoever named them. */
const closables = new Set<Closable>();
let stopListening: (() => void) | undefined;

/** What an HTTP server's requests have to be answered within; after that its connections are cut. */
const REQUESTS_MS = 5000;
/** How long something else, a timer or a connection of the application's, may keep the process once everything is closed. */
const LINGER_MS = 1000;

/**
 * On the first SIGINT or SIGTERM these are closed, all at once, and then the process ends with exit code 0, or with 1 where one of them
 * fails to close; a second signal ends it at once. Call it after `listen` or `attach`, as often as there is something to close.
 * On Windows that is Ctrl+C: there is no SIGTERM there.
 * @returns what takes it back
 */
export function closeOnSignals(...toClose: Closable[]): () => void {
  for (const closable of toClose) closables.add(closable);
  stopListening ??= onStopSignals(process, {
    stop: () => void closeAll(),
    stopAtOnce: (exitCode) => process.exit(exitCode),
  });
  return () => {
    for (const closable of toClose) closables.delete(closable);
    if (closables.size > 0) return;
    stopListening?.();
    stopListening = undefined;
  };
}

/** @throws what one of them throws, when all are closed: nobody catches it, so that the process ends with it, and it is shown */
async function closeAll(): Promise<void> {
  const ends = await Promise.allSettled([...closables].map(close));
  for (const end of ends) if (end.status === "rejected") throw end.reason;
  setTimeout(() => process.exit(), LINGER_MS).unref();
}

async function close(closable: Closable): Promise<void> {
  if (!(closable instanceof NetServer)) return void (await closable.close());
  if (!closable.listening) return;
  const closed = once(closable, "close");
  closable.close();
  // A connection that has asked for nothing yet, such as browsers keep in reserve, counts as busy to Node, and is not timed any more.
  const { closeAllConnections } = closable as NetServer & { closeAllConnections?: () => void };
  const cut = setTimeout(() => closeAllConnections?.call(closable), REQUESTS_MS);
  await closed;
  clearTimeout(cut);
}
