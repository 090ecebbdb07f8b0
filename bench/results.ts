/** What a run has found, as it is written to results/latest.json. */

import type { Round } from "./measures.js";
import type { ServerName } from "./server-process.js";

export interface WorkloadReport {
  name: string;
  title: string;
  unit: string;
  /** What the others are compared with. @default Hawser */
  base?: ServerName;
  results: { server: ServerName; label: string; failed: string | null; rounds: Round[] }[];
}

export interface Report {
  date: string;
  machine: string;
  isPinned: boolean;
  threads: number;
  node: string;
  bun: string;
  rounds: number;
  seconds: number;
  workloads: WorkloadReport[];
  /** What a page has to load for a client library, in bytes: minified, and compressed by gzip -9. */
  bundles?: Bundle[];
}

export interface Bundle {
  name: string;
  bytes: number;
}

/** Of each figure, the median over the rounds. */
export function medianOf(rounds: readonly Round[]): Round {
  const result: Round = {};
  for (const key of Object.keys(rounds[0] ?? {}) as (keyof Round)[]) {
    const sorted = rounds.flatMap((round) => round[key] ?? []).toSorted((a, b) => a - b);
    result[key] = sorted[Math.floor(sorted.length / 2)]!;
  }
  return result;
}
