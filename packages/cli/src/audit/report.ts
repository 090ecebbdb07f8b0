/** What an audit found. It is what `--json` prints. */
import type { Finding, Verdict } from "./check.js";
import { practices, type PracticeNumber } from "./practices.js";

export interface CheckResult extends Finding {
  readonly practice: PracticeNumber;
  readonly practiceName: string;
  readonly name: string;
  readonly title: string;
  /** What to do about it. Of use unless it passed. */
  readonly advice: string;
  /** Path and heading in the documents. */
  readonly link: string;
  readonly durationMs: number;
}

export interface PracticeResult {
  readonly practice: PracticeNumber;
  readonly name: string;
  /** The worst of its checks: fail, then warn, then pass; not testable where none could be carried out. */
  readonly verdict: Verdict;
}

export interface Report {
  readonly target: string;
  readonly mode: "quick" | "full";
  /** The command that started the server; null: it ran already. */
  readonly exec: string | null;
  /** ISO 8601 */
  readonly startedAt: string;
  readonly durationMs: number;
  /** Checks by verdict. */
  readonly counts: Readonly<Record<Verdict, number>>;
  /** Whether nothing failed. */
  readonly passed: boolean;
  readonly practices: readonly PracticeResult[];
  /** In the order of the practices. */
  readonly results: readonly CheckResult[];
}

const NUMBERS = Object.keys(practices).map(Number) as PracticeNumber[];
const BY_WEIGHT: readonly Verdict[] = ["fail", "warn", "pass", "not testable"];

export function makeReport(
  about: Pick<Report, "target" | "mode" | "exec" | "startedAt" | "durationMs">,
  found: readonly CheckResult[],
): Report {
  const results = NUMBERS.flatMap((number) => found.filter(({ practice }) => practice === number));
  const countOf = (verdict: Verdict): number => results.filter((result) => result.verdict === verdict).length;
  return {
    ...about,
    counts: {
      pass: countOf("pass"),
      fail: countOf("fail"),
      warn: countOf("warn"),
      "not testable": countOf("not testable"),
    },
    passed: countOf("fail") === 0,
    practices: NUMBERS.map((practice) => ({
      practice,
      name: practices[practice].name,
      verdict:
        BY_WEIGHT.find((verdict) =>
          results.some((result) => result.practice === practice && result.verdict === verdict),
        ) ?? "not testable",
    })),
    results,
  };
}
