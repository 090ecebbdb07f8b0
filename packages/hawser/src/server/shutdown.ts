import type { Clock } from "./base/clock.js";
import { RunningTime } from "./base/running-time.js";

/** What became of the clients that were connected when a shutdown began. */
export interface ShutdownReport {
  /** How many there were. */
  clients: number;
  /** Answered the close frame, or sent one of their own. */
  clean: number;
  /** Went without one. */
  lost: number;
  /** Were still there when the grace was over, and cut. */
  cut: number;
  /** Messages that were queued and could not be delivered, and their bytes. */
  droppedMessages: number;
  droppedBytes: number;
  durationMs: number;
}

/** A client, as far as a shutdown is concerned. */
export interface Leaving {
  readonly dropped: number;
  readonly droppedBytes: number;
  /** Closes with 1001: once its handlers have finished, or now. */
  shutDown(reason: string, isNow: boolean): void;
  cutForShutdown(): void;
}

export interface ShutdownPort {
  readonly clock: Clock;
  /** Those connected, as it is at the time of reading. */
  readonly clients: { readonly size: number; values(): Iterable<Leaving> };
  /** Readiness goes off and the listener closes. */
  stopAccepting(): void;
  /** Ends what is left of HTTP: idle connections at once, requests in flight when `force` is set. @returns whether all is ended */
  endHttp(force: boolean): boolean;
}

const STEP_MS = 20;
const SMALLEST_BATCH = 100;
const TURNS_TO_CLOSE = 100;

/** Takes the server down step by step, as written here from top to bottom, in `graceMs` at most. */
export async function shutDown(
  port: ShutdownPort,
  graceMs: number,
  reason: string,
  outcome: { readonly clean: number },
): Promise<ShutdownReport> {
  const startedAt = port.clock.now();
  const time = new RunningTime(port.clock);
  const deadline = time.now + graceMs;
  const halfTime = time.now + graceMs / 2;
  port.stopAccepting();

  const leaving = [...port.clients.values()];
  const droppedBefore = sumDropped(leaving);
  let cut = 0;

  // In batches over half of the grace: clients that are told at the same moment come back at the same moment, somewhere else.
  const steps = Math.max(1, Math.floor(graceMs / 2 / STEP_MS));
  const batch = Math.max(SMALLEST_BATCH, Math.ceil(leaving.length / steps));
  let told = 0;
  let isHurried = false;

  await repeat(port.clock, () => {
    for (const client of leaving.slice(told, told + batch)) client.shutDown(reason, false);
    told += batch;
    const mayJudge = time.turn();
    // Handlers have had half of the grace. The other half is for their clients to answer: a handler may be waiting for this very shutdown.
    if (!isHurried && mayJudge && time.now >= halfTime) {
      isHurried = true;
      for (const client of port.clients.values()) client.shutDown(reason, true);
    }
    const isLate = mayJudge && time.now >= deadline;
    if (isLate) {
      for (const client of port.clients.values()) {
        cut++;
        client.cutForShutdown();
      }
    }
    const httpEnded = port.endHttp(isLate);
    return isLate || (told >= leaving.length && port.clients.size === 0 && httpEnded);
  });

  // A socket that was cut says so some turns of the event loop later, and only then is known what was left in its queue.
  for (let turn = 0; turn < TURNS_TO_CLOSE && port.clients.size > 0; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  const dropped = sumDropped(leaving);
  return {
    clients: leaving.length,
    clean: outcome.clean,
    lost: leaving.length - cut - outcome.clean,
    cut,
    droppedMessages: dropped.messages - droppedBefore.messages,
    droppedBytes: dropped.bytes - droppedBefore.bytes,
    durationMs: Math.round(port.clock.now() - startedAt),
  };
}

function sumDropped(clients: readonly Leaving[]): { messages: number; bytes: number } {
  let messages = 0;
  let bytes = 0;
  for (const client of clients) {
    messages += client.dropped;
    bytes += client.droppedBytes;
  }
  return { messages, bytes };
}

/** Calls `step` now and every STEP_MS until it answers true. */
function repeat(clock: Clock, step: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    if (step()) {
      resolve();
      return;
    }
    const stop = clock.every(STEP_MS, () => {
      if (!step()) return;
      stop();
      resolve();
    });
  });
}
