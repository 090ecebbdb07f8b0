import type { EngineStatus } from "./engine-status.js";
import type { HubContext } from "./hub-context.js";
import { copyOf, type HubStats } from "./hub-stats.js";

/** What a hub has counted, and how much there is, in one object. */
export function statsOf(
  { recovery, presence, options, counts }: HubContext,
  engine: EngineStatus,
  sessions: number,
): HubStats {
  const { phases, ...recovered } = copyOf(recovery.counts);
  return {
    node: presence.node,
    engine: engine.report,
    sessions,
    topics: recovery.topics.size,
    phases,
    suspects: phases.suspect + phases.repairing + phases.renewing + phases.resetting,
    members: presence.localMembers,
    historyBytes: recovery.bytes,
    historyLimitBytes: options.limits.historyBytes,
    ...copyOf(counts),
    ...recovered,
  };
}
