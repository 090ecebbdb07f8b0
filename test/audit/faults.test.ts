// Each server breaks some practices, each by one fault: those are found by the checks that are for them, and no other is blamed.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { freePort } from "../harness/free-port.js";
import {
  type Audited,
  PATIENT,
  auditJson,
  describeReport,
  faultCommand,
  named,
  namedButNoise,
  startFault,
  wasTooBusy,
} from "./harness/auditing.js";
import { type Broken, type Fault, faults, servers } from "./harness/faults.js";

/** Audits wait more than they work. */
const AT_ONCE = 4;

test("each fault is in one server, where no other breaks its practice", () => {
  assert.deepEqual(servers.flat().toSorted(), Object.keys(faults).toSorted());
  for (const names of servers) {
    const practices = names.map((name) => faults[name].practice);
    assert.equal(new Set(practices).size, practices.length, `${names.join()}: practices ${practices.join()}`);
  }
});

describe("what is broken is found, and nothing else", { concurrency: AT_ONCE }, () => {
  for (const names of servers) {
    const broken: readonly Broken[] = names.map((name) => faults[name]);
    test(names.map((name) => `${name}: practice ${faults[name].practice}`).join("; "), async (t) => {
      const { report, code } = await audited(broken, names, () => startFault(t, ...names));
      const expected = broken.flatMap(({ checks }) => checks).filter((check) => !wasTooBusy(report, check));
      const failed = report.results.filter(({ verdict }) => verdict === "fail");
      const missed = expected.filter((check) => !failed.some(({ name }) => name === check));
      assert.deepEqual(missed, [], `not found\n${describeReport(report)}`);
      const blamed = failed.filter(
        ({ name, practice }) =>
          !expected.includes(name) &&
          !broken.some((one) => (one.isSlow && one.practice === practice) || one.mayShowIn === name),
      );
      assert.deepEqual(
        blamed.map(({ name }) => name),
        [],
        `blamed, and not broken\n${describeReport(report)}`,
      );
      assert.deepEqual(
        report.practices.filter(({ verdict }) => verdict === "fail").map(({ practice }) => practice),
        [...new Set(failed.map(({ practice }) => practice))].toSorted((a, b) => a - b),
      );
      assert.equal(code, failed.length > 0 ? 1 : 0);
    });
  }

  test("none: nothing fails or warns, and everything is testable", async () => {
    const { report, code } = await audited([], []);
    assert.deepEqual(named(report, "fail"), [], describeReport(report));
    for (const verdict of ["warn", "not testable"])
      assert.deepEqual(namedButNoise(report, verdict), [], describeReport(report));
    assert.equal(code, 0);
  });
});

/** From outside where `start` is given and everything is seen from there. */
async function audited(
  broken: readonly Broken[],
  names: readonly Fault[],
  start?: () => Promise<string>,
): Promise<Audited> {
  const time = broken.some(({ isSlow }) => isSlow) ? ["--wait-ms", "20000"] : PATIENT;
  if (start !== undefined && !broken.some(({ needsExec }) => needsExec)) return auditJson(await start(), ...time);
  const port = await freePort();
  return auditJson(`127.0.0.1:${port}`, ...time, "--exec", faultCommand(port, ...names));
}
