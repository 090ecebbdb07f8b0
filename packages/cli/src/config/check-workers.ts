/** Limits that are divided among workers. */
import { availableParallelism } from "node:os";
import type { Given } from "./check-setting.js";
import { ConfigError, sourceText } from "./config-error.js";

/** Those of clients: a worker with a part of nothing would take none. */
const COUNTS = ["maxClients", "maxClientsPerAddress", "maxHandshakesPerSecond", "maxPendingHandshakes"];

/** How many processes serve; undefined: this one. */
export function workerCount(workers: string | undefined): number | undefined {
  if (workers === undefined) return undefined;
  return workers === "auto" ? availableParallelism() : Number(workers);
}

/** @throws ConfigError for a limit that is less than there are workers */
export function checkWorkers(workers: string | undefined, given: ReadonlyMap<string, Given>): void {
  const count = workerCount(workers) ?? 1;
  for (const name of COUNTS) {
    const { value, source } = given.get(name) ?? {};
    if (source === undefined || typeof value !== "number" || value === 0 || value >= count) continue;
    throw new ConfigError(
      `${name}: got ${value} from ${sourceText(source)}; takes ${count} or more, since it is divided among ${count} workers`,
    );
  }
}
