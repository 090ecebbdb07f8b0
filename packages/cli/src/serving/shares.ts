/** What one of several workers takes of the limits that hold for all of them together. */
import type { Broker } from "hawser/hub";
import { resolveOptions } from "hawser/tools";
import type { Worker } from "hawser/workers";
import type { WrittenOptions } from "../config/configure.js";
import type { HubAmongOthers } from "./hub.js";

const COUNTS = [
  "maxClients",
  "maxClientsPerAddress",
  "maxHandshakesPerSecond",
  "maxPendingHandshakes",
] as const satisfies readonly (keyof WrittenOptions)[];

/** The library's defaults for one hub. */
const HISTORY_BYTES = 64 * 1024 * 1024;
const RETURNS_PER_SECOND = 500;

export function sharedOptions(options: WrittenOptions, worker: Pick<Worker, "share">): WrittenOptions {
  const all = resolveOptions(options);
  const shares = COUNTS.map((name) => [name, worker.share(all[name])]);
  return {
    ...options,
    ...(Object.fromEntries(shares) as Partial<WrittenOptions>),
    // One client may have as much as ever.
    maxTotalBacklogBytes: Math.max(all.maxBacklogBytes, worker.share(all.maxTotalBacklogBytes)),
    maxTotalIncomingBytes: Math.max(2 * all.maxMessageBytes, worker.share(all.maxTotalIncomingBytes)),
  };
}

/** @param broker an engine that workers share with other machines; undefined: the memory of their supervisor */
export function sharedHub(worker: Pick<Worker, "share" | "broker">, broker: Broker | undefined): HubAmongOthers {
  return {
    broker: broker ?? worker.broker(),
    limits: { historyBytes: worker.share(HISTORY_BYTES) },
    returnsPerSecond: worker.share(RETURNS_PER_SECOND),
  };
}
