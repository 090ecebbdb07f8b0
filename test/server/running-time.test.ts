import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RunningTime } from "#hawser/server/base/running-time.js";

/** A clock in the test's hand that may jump either way. */
function timeOf(): { time: RunningTime; clock: { at: number }; passed: () => number } {
  const clock = { at: 1_000_000 };
  const time = new RunningTime({ now: () => clock.at, every: () => () => {} });
  return { time, clock, passed: () => time.now - 1_000_000 };
}

describe("running time", () => {
  it("is that of the clock while the process runs", () => {
    const { time, clock, passed } = timeOf();
    for (let turn = 1; turn <= 1_000; turn++) {
      clock.at += 50;
      assert.equal(passed(), turn * 50, "within a turn as well");
      assert.ok(time.turn());
      assert.equal(passed(), turn * 50);
    }
  });

  it("counts what holds the process up as 250 ms, whoever asks meanwhile and how often", () => {
    const { time, clock, passed } = timeOf();
    for (let i = 0; i < 62; i++) {
      clock.at += 1_000;
      assert.equal(passed(), 250);
    }
    assert.equal(time.turn(), false);
    assert.equal(passed(), 250);
    clock.at += 10;
    assert.ok(time.turn(), "what had come has been read");
    assert.equal(passed(), 260);
  });

  it("lets nothing be judged in the first of two late turns, and something in the second", () => {
    const { time, clock } = timeOf();
    const judged = Array.from({ length: 6 }, () => {
      clock.at += 150;
      return time.turn();
    });
    assert.deepEqual(judged, [false, true, false, true, false, true]);
    clock.at += 100;
    assert.ok(time.turn(), "no turn is that late by itself");
  });

  it("never goes back, and goes on at once when the clock has", () => {
    const { time, clock, passed } = timeOf();
    clock.at += 100;
    time.turn();
    clock.at -= 3_600_000;
    assert.equal(passed(), 100);
    time.turn();
    clock.at += 60;
    assert.equal(passed(), 160);
    clock.at += 3_600_000;
    assert.equal(passed(), 350);
  });
});
