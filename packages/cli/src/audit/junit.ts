/** The report as JUnit XML, which CI systems show: a suite for each practice, a test case for each check. */
import { printableLines } from "hawser/tools";
import type { CheckResult, Report } from "./report.js";

export function formatJunit(report: Report): string {
  const suites = report.practices.map(({ practice, name }) => {
    const results = report.results.filter((result) => result.practice === practice);
    const cases = results.map((result) => testCase(result, `${practice}. ${name}`));
    return `  <testsuite${attributes({ name: `${practice}. ${name}`, ...totals(results), time: seconds(results), timestamp: report.startedAt.slice(0, 19) })}>\n${cases.join("")}  </testsuite>\n`;
  });
  const all = { name: `hawser audit ${report.target}`, ...totals(report.results), time: report.durationMs / 1000 };
  const xml = `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites${attributes(all)}>\n${suites.join("")}</testsuites>\n`;
  return printableLines(xml);
}

function totals(results: readonly CheckResult[]): Record<string, number> {
  return {
    tests: results.length,
    failures: results.filter(({ verdict }) => verdict === "fail").length,
    errors: 0,
    skipped: results.filter(({ verdict }) => verdict === "not testable").length,
  };
}

function seconds(results: readonly CheckResult[]): number {
  return results.reduce((sum, { durationMs }) => sum + durationMs, 0) / 1000;
}

function testCase({ name, title, verdict, seen, advice, link, durationMs }: CheckResult, classname: string): string {
  const head = `    <testcase${attributes({ name: title, classname, time: durationMs / 1000 })}>\n`;
  const properties = `      <properties>\n        <property${attributes({ name: "check", value: name })}/>\n        <property${attributes({ name: "verdict", value: verdict })}/>\n      </properties>\n`;
  const body =
    verdict === "fail"
      ? `      <failure${attributes({ message: seen, type: name })}>${escape(`${advice} (${link})`)}</failure>\n`
      : verdict === "not testable"
        ? `      <skipped${attributes({ message: seen })}/>\n`
        : `      <system-out>${escape(verdict === "warn" ? `warning: ${seen}\n${advice} (${link})` : seen)}</system-out>\n`;
  return `${head}${properties}${body}    </testcase>\n`;
}

function attributes(values: Readonly<Record<string, string | number>>): string {
  return Object.entries(values)
    .map(([name, value]) => ` ${name}="${escape(String(value)).replaceAll("\n", "&#10;")}"`)
    .join("");
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

function escape(text: string): string {
  return (
    text
      // What XML 1.0 has no way to write.
      .replace(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, "\u{fffd}")
      .replace(/[&<>"]/g, (character) => ENTITIES[character] ?? character)
  );
}
