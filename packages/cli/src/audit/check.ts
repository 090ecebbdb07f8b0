/** What a check is, and what it finds. */
import type { Context } from "./context.js";
import type { PracticeNumber } from "./practices.js";

export type Verdict = "pass" | "fail" | "warn" | "not testable";

export interface Finding {
  readonly verdict: Verdict;
  /** One line, with the numbers. */
  readonly seen: string;
  /** The numbers alone, for programs. Durations in milliseconds, sizes in bytes. */
  readonly measured?: Readonly<Record<string, number | string | boolean | null>>;
}

export interface Check {
  readonly practice: PracticeNumber;
  /** Never changes and is never used for something else: programs look for it. */
  readonly name: string;
  readonly title: string;
  /** What it is about to do to the server; `--verbose` says so before. */
  readonly does: string;
  /** What to do about it when it does not pass. */
  readonly advice: string;
  /** Into the documents. @default that of the practice */
  readonly link?: string;
  /** It looks at the server's process, so it needs `--exec`. @default false */
  readonly needsExec?: boolean;
  run(context: Context): Promise<Finding>;
}

export function pass(seen: string, measured: Finding["measured"] = {}): Finding {
  return { verdict: "pass", seen, measured };
}

export function fail(seen: string, measured: Finding["measured"] = {}): Finding {
  return { verdict: "fail", seen, measured };
}

export function warn(seen: string, measured: Finding["measured"] = {}): Finding {
  return { verdict: "warn", seen, measured };
}

export function notTestable(seen: string, measured: Finding["measured"] = {}): Finding {
  return { verdict: "not testable", seen, measured };
}
