// Whose a wait is: the server's, or that of a machine which is busy with something else.

import assert from "node:assert/strict";
import { test } from "node:test";

import { judge } from "#cli/audit/bystander.js";
import { Machine } from "#cli/audit/machine.js";

function verdict(loadedMs: number, delays?: { stretch: number; ownMs: number }): string {
  return judge({ loadedMs, medianMs: 1, quietMs: 1, delays }).verdict;
}

test("what nobody feels passes, however busy the machine is", () => {
  assert.equal(verdict(150), "pass");
  assert.equal(verdict(150, { stretch: 10, ownMs: 100 }), "pass");
});

test("on a machine that does nothing else a wait is the server's", () => {
  assert.equal(verdict(151, { stretch: 1, ownMs: 0 }), "warn");
  assert.equal(verdict(500, { stretch: 1, ownMs: 0 }), "warn");
  assert.equal(verdict(501, { stretch: 1, ownMs: 0 }), "fail");
});

test("on a busy one a stall fails only where it would be one on its own", () => {
  assert.equal(verdict(1500, { stretch: 3, ownMs: 0 }), "not testable");
  assert.equal(verdict(1501, { stretch: 3, ownMs: 0 }), "fail");
  assert.equal(verdict(400, { stretch: 2, ownMs: 0 }), "not testable", "no warning, either");
});

test("what the auditor itself came late is not the server's", () => {
  assert.equal(verdict(600, { stretch: 1, ownMs: 500 }), "not testable");
  assert.equal(verdict(1600, { stretch: 1, ownMs: 500 }), "fail");
});

test("what was not told is explained, with both numbers", () => {
  const { seen, measured } = judge({ loadedMs: 812, medianMs: 3, quietMs: 2, delays: { stretch: 3.14, ownMs: 12 } });
  assert.equal(
    seen,
    "another client waited 812 ms at most, and this machine was too busy to tell: work took 3.1 times as long as it does alone, and the audit itself came 12 ms late",
  );
  assert.deepEqual(measured, {
    worstWaitMs: 812,
    medianWaitMs: 3,
    quietWaitMs: 2,
    ownDelayMs: 12,
    machineStretch: 3.1,
  });
});

test("the auditor sees its own delay, and how busy the machine is", async () => {
  const machine = await Machine.start();
  try {
    const since = machine.watch();
    for (const until = performance.now() + 100; performance.now() < until;);
    const { stretch, ownMs } = since();
    assert.ok(ownMs >= 90, `${ownMs} ms`);
    assert.ok(stretch >= 1 && Number.isFinite(stretch), `${stretch}`);
  } finally {
    await machine.stop();
  }
});
