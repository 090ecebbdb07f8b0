/** The report as a table for people. */
import { styleText } from "node:util";
import { printableLines } from "hawser/tools";
import { duration } from "./amounts.js";
import type { Verdict } from "./check.js";
import type { CheckResult, Report } from "./report.js";

export interface TableOptions {
  /** Characters in a line. @default 100 */
  readonly width?: number;
  /** @default false */
  readonly colours?: boolean;
}

const COLOURS = { pass: "green", fail: "red", warn: "yellow", "not testable": "gray" } as const;
const MARGIN = "    ";
const VERDICT_WIDTH = "not testable".length + 2;
/** The longest name of a practice, with its number and a gap. */
const NAME_WIDTH = 36;

export function formatTable(report: Report, { width = 100, colours = false }: TableOptions = {}): string {
  const paint = (verdict: Verdict, text: string): string =>
    colours ? styleText(COLOURS[verdict], text, { validateStream: false }) : text;
  const bold = (text: string): string => (colours ? styleText("bold", text, { validateStream: false }) : text);
  const notes = repeatedReasons(report.results);
  const lines: string[] = [`${printableLines(report.target)}, ${report.mode} audit in ${duration(report.durationMs)}`];
  for (const { practice, name, verdict } of report.practices) {
    lines.push("", `${bold(`${String(practice).padStart(2)}. ${name}`.padEnd(NAME_WIDTH))}${paint(verdict, verdict)}`);
    for (const result of report.results.filter((one) => one.practice === practice))
      lines.push(...rowOf(result, notes, width, (text) => paint(result.verdict, text)));
  }
  if (notes.length > 0) lines.push("");
  for (const [at, reason] of notes.entries()) lines.push(...wrap(`[${at + 1}] ${printableLines(reason)}`, width));
  const { counts } = report;
  const summary = `${counts.pass} passed, ${counts.fail} failed, ${counts.warn} warned, ${counts["not testable"]} not testable`;
  return `${[...lines, "", summary].join("\n")}\n`;
}

/** Why checks could not be carried out, where it is the same for several: it is said once, below the table. */
function repeatedReasons(results: readonly CheckResult[]): string[] {
  const reasons = results.filter(({ verdict }) => verdict === "not testable").map(({ seen }) => seen);
  return [...new Set(reasons.filter((reason, at) => reasons.indexOf(reason) !== at))];
}

function rowOf(
  result: CheckResult,
  notes: readonly string[],
  width: number,
  paint: (text: string) => string,
): string[] {
  const column = MARGIN.length + VERDICT_WIDTH;
  const indent = " ".repeat(column);
  const note = result.verdict === "not testable" ? notes.indexOf(result.seen) + 1 : 0;
  const text = note === 0 ? `${result.title}: ${printableLines(result.seen)}` : `${result.title} [${note}]`;
  const [first = "", ...seen] = wrap(text, width - column);
  const rows = [
    `${MARGIN}${paint(result.verdict.padEnd(VERDICT_WIDTH))}${first}`,
    ...seen.map((line) => `${indent}${line}`),
  ];
  if (result.verdict === "pass" || result.verdict === "not testable") return rows;
  return [...rows, ...wrap(`→ ${result.advice} (${result.link})`, width - column).map((line) => `${indent}${line}`)];
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/)) {
    if (line !== "" && line.length + 1 + word.length > Math.max(width, 20)) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
