// The report: its sums, and its forms for people and for CI.

import assert from "node:assert/strict";
import { test } from "node:test";

import { formatJunit, formatTable, practices, type CheckResult } from "#cli/audit/index.js";
import { makeReport } from "#cli/audit/report.js";

function result(
  practice: keyof typeof practices,
  verdict: CheckResult["verdict"],
  seen = "what was seen",
): CheckResult {
  return {
    practice,
    practiceName: practices[practice].name,
    name: `check-${practice}-${verdict}`,
    title: "a rule is kept",
    verdict,
    seen,
    advice: "keep the rule",
    link: "docs/options.md",
    durationMs: 1500,
  };
}

const about = {
  target: "ws://localhost:1/",
  mode: "quick",
  exec: null,
  startedAt: "2026-01-02T03:04:05.678Z",
  durationMs: 1234,
} as const;

test("a practice has the worst verdict of its checks, and is not testable only when nothing of it was", () => {
  const {
    practices: rows,
    counts,
    passed,
  } = makeReport(about, [
    result(10, "pass"),
    result(10, "fail"),
    result(9, "not testable"),
    result(9, "warn"),
    result(8, "not testable"),
    result(8, "pass"),
    result(7, "not testable"),
  ]);
  const verdicts = Object.fromEntries(rows.map(({ practice, verdict }) => [practice, verdict]));
  assert.deepEqual(
    [verdicts[10], verdicts[9], verdicts[8], verdicts[7], verdicts[1]],
    ["fail", "warn", "pass", "not testable", "not testable"],
  );
  assert.deepEqual(counts, { pass: 2, fail: 1, warn: 1, "not testable": 3 });
  assert.equal(passed, false);
  assert.equal(makeReport(about, [result(9, "warn")]).passed, true);
});

test("of any two verdicts, the worse one is the practice's, in whatever order they were found", () => {
  const fromWorst = ["fail", "warn", "pass", "not testable"] as const;
  for (const [at, worse] of fromWorst.entries()) {
    for (const other of fromWorst.slice(at)) {
      for (const found of [
        [worse, other],
        [other, worse],
      ]) {
        const { practices: rows } = makeReport(
          about,
          found.map((verdict) => result(4, verdict)),
        );
        assert.equal(rows.find(({ practice }) => practice === 4)?.verdict, worse, found.join(", "));
      }
    }
  }
});

test("results stand in the order of the practices", () => {
  const { results } = makeReport(about, [result(10, "pass"), result(2, "pass"), result(10, "warn"), result(1, "pass")]);
  assert.deepEqual(
    results.map(({ practice, verdict }) => `${practice} ${verdict}`),
    ["1 pass", "2 pass", "10 pass", "10 warn"],
  );
});

test("the table keeps to its width, and gives advice where something is to be done", () => {
  const report = makeReport(about, [
    result(4, "fail", "words ".repeat(40).trim()),
    result(5, "pass"),
    result(6, "warn"),
  ]);
  for (const width of [60, 80, 120]) {
    const table = formatTable(report, { width });
    assert.deepEqual(
      table.split("\n").filter((line) => line.length > width || /\s$/.test(line)),
      [],
    );
    assert.equal(table.match(/→ keep the rule/g)?.length, 2);
  }
  assert.ok(!formatTable(report).includes("\u001b"));
  assert.ok(formatTable(report, { colours: true }).includes("\u001b[31mfail"));
});

test("a reason for which several checks could not be carried out stands once, below the table", () => {
  const shared = 'the server has to be started here: --exec "COMMAND"';
  const report = makeReport(about, [
    result(1, "not testable", shared),
    result(5, "not testable", shared),
    result(6, "not testable", "a reason of its own"),
    result(7, "pass", "a reason of its own"),
    result(8, "not testable", "another one, for two"),
    result(9, "not testable", "another one, for two"),
  ]);
  const table = formatTable(report);
  assert.equal(table.split(shared).length - 1, 1);
  assert.match(table, /^ {4}not testable {2}a rule is kept \[1\]\n/m);
  assert.match(table, /^ {4}not testable {2}a rule is kept: a reason of its own$/m);
  assert.match(table, /\n\n\[1\] the server has .*\n\[2\] another one, for two\n\n1 passed/);
});

test("what a server has sent writes nothing to the terminal", () => {
  const seen = "a\u001b]0;b\u009b31mc\u202ed\u007fe\u2066";
  const report = makeReport(about, [result(7, "fail", seen)]);
  for (const text of [formatTable(report), formatJunit(report)])
    assert.doesNotMatch(text, /[^\n\P{Cc}]|[\u202e\u2066]/u, text);
  assert.match(formatTable(report), /a\\u001b\]0;b\\u009b31mc\\u202ed\\u007fe\\u2066/);
});

test("JUnit: what was seen is escaped, whatever it is", () => {
  const xml = formatJunit(
    makeReport(about, [result(7, "fail", `<a> & "b"\u{0}\u{1b}`), result(7, "not testable"), result(7, "warn")]),
  );
  assert.match(
    xml,
    /<failure message="&lt;a&gt; &amp; &quot;b&quot;\u{fffd}\u{fffd}" type="check-7-fail">keep the rule \(docs\/options\.md\)<\/failure>/u,
  );
  assert.match(xml, /<skipped message="what was seen"\/>/);
  assert.match(
    xml,
    /<testsuites name="hawser audit ws:\/\/localhost:1\/" tests="3" failures="1" errors="0" skipped="1" time="1.234">/,
  );
  assert.match(xml, /<testcase name="a rule is kept" classname="7. error handling" time="1.5">/);
});
