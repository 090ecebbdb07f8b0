// Each server breaks exactly one practice: that one is found, and no other is blamed.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import {
  type Audited,
  PATIENT,
  auditJson,
  describeReport,
  faultCommand,
  freePort,
  named,
  namedButNoise,
  startFault,
  wasTooBusy,
} from "./harness/auditing.js";
import { type Broken, type Fault, faults } from "./harness/faults.js";

/** Audits wait more than they work. */
const AT_ONCE = 4;

describe("one practice broken, and that one found", { concurrency: AT_ONCE }, () => {
  for (const [name, broken] of Object.entries(faults) as [Fault, Broken][]) {
    test(`${name}: practice ${broken.practice}`, async (t) => {
      const { report, code } = await auditFault(name, broken, (fault) => startFault(t, fault));
      const failed = new Set(
        report.results.filter(({ verdict }) => verdict === "fail").map(({ practice }) => practice),
      );
      if (broken.checks.some((check) => wasTooBusy(report, check))) {
        assert.deepEqual(
          [...failed].filter((practice) => practice !== broken.practice),
          [],
          describeReport(report),
        );
        return;
      }
      assert.deepEqual([...failed], [broken.practice], describeReport(report));
      assert.deepEqual(
        broken.checks.filter((check) => !named(report, "fail").includes(check)),
        [],
        describeReport(report),
      );
      assert.equal(code, 1);
      assert.equal(report.practices.find(({ practice }) => practice === broken.practice)?.verdict, "fail");
    });
  }

  test("none: nothing fails, from outside", async (t) => {
    const { report, code } = await auditJson(await startFault(t, "none"), ...PATIENT);
    assert.deepEqual(named(report, "fail"), [], describeReport(report));
    assert.deepEqual(namedButNoise(report, "warn"), [], describeReport(report));
    assert.equal(code, 0);
  });

  test("none: nothing fails, from inside, and everything is testable", async () => {
    const { report, code } = await auditFault("none", { needsExec: true });
    assert.deepEqual(named(report, "fail"), [], describeReport(report));
    assert.deepEqual(namedButNoise(report, "not testable"), [], describeReport(report));
    assert.equal(code, 0);
  });
});

async function auditFault(
  fault: Fault | "none",
  { needsExec, isSlow }: Pick<Broken, "needsExec" | "isSlow">,
  start?: (fault: Fault | "none") => Promise<string>,
): Promise<Audited> {
  const time = isSlow === true ? ["--wait-ms", "20000"] : PATIENT;
  if (needsExec !== true && start !== undefined) return auditJson(await start(fault), ...time);
  const port = await freePort();
  return auditJson(`127.0.0.1:${port}`, ...time, "--exec", faultCommand(port, fault));
}
