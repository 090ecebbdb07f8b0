/** What can be wrong with the server of fault-server-main.ts: the practice that it breaks, and all checks that see it. */

export interface Broken {
  readonly practice: number;
  readonly checks: readonly string[];
  /** Seen from inside alone. */
  readonly needsExec?: true;
  /** It is slow in all that it does, its deadlines too: other checks of the practice may see that as well. */
  readonly isSlow?: true;
  /** A check that sees it as well where the machine is slow. */
  readonly mayShowIn?: string;
}

export const faults = {
  "address-kicks": { practice: 1, checks: ["same-address"] },
  "address-replies": { practice: 1, checks: ["same-address", "same-port"] },
  "address-map": { practice: 1, checks: ["same-address", "same-port"] },
  "port-map": { practice: 1, checks: ["same-port"] },
  "address-ids": { practice: 1, checks: ["log-ids"], needsExec: true },
  "never-drops": { practice: 2, checks: ["never-reading-client", "silent-client"] },
  "stall-cuts": { practice: 3, checks: ["stall"], needsExec: true },
  "no-pings": { practice: 3, checks: ["heartbeat"] },
  "no-size-limit": { practice: 4, checks: ["message-size"] },
  "unhandled-sigterm": { practice: 5, checks: ["shutdown"], needsExec: true },
  "shutdown-cuts": { practice: 5, checks: ["shutdown"], needsExec: true },
  "exit-code": { practice: 5, checks: ["shutdown"], needsExec: true },
  "plain-log": { practice: 6, checks: ["log-structure"], needsExec: true },
  "no-log": { practice: 6, checks: ["log-structure", "log-events"], needsExec: true },
  "bad-utf8": { practice: 7, checks: ["protocol-violations"] },
  crashes: { practice: 7, checks: ["protocol-violations"] },
  throws: { practice: 7, checks: ["unexpected-messages"] },
  "logs-errors": { practice: 7, checks: ["log-levels"], needsExec: true },
  "logs-messages": { practice: 8, checks: ["log-per-message"], mayShowIn: "message-flood", needsExec: true },
  blocks: { practice: 8, checks: ["busy-neighbour"], isSlow: true },
  "no-turns": { practice: 8, checks: ["message-flood"], isSlow: true },
  "slow-inflate": { practice: 8, checks: ["bomb-flood"], isSlow: true },
  "tiny-backlog": { practice: 8, checks: ["tiny-messages"], needsExec: true },
  "slow-headers": { practice: 9, checks: ["slow-headers"] },
  "large-headers": { practice: 9, checks: ["header-size"] },
  "any-origin": { practice: 10, checks: ["origin"] },
  "any-version": { practice: 10, checks: ["version"] },
  "trusts-host": { practice: 10, checks: ["rebinding"] },
  "refuses-h2c": { practice: 10, checks: ["h2c"] },
  "answers-twice": { practice: 10, checks: ["one-answer"] },
} as const satisfies Record<string, Broken>;

export type Fault = keyof typeof faults;

/**
 * One server for several faults, for a full audit is costly. Those of a server break different practices and do not hide each
 * other: what kills the server, or keeps it busy, has one to itself.
 */
export const servers: readonly (readonly Fault[])[] = [
  ["address-kicks", "no-pings", "slow-headers", "any-origin"],
  ["address-replies", "large-headers", "any-version"],
  ["address-map", "never-drops", "trusts-host"],
  ["port-map", "no-size-limit", "refuses-h2c"],
  ["address-ids", "stall-cuts", "unhandled-sigterm", "logs-errors", "logs-messages"],
  ["shutdown-cuts", "plain-log", "bad-utf8", "answers-twice"],
  ["exit-code", "no-log", "tiny-backlog"],
  ["crashes"],
  ["throws"],
  ["blocks"],
  ["no-turns"],
  ["slow-inflate"],
];
