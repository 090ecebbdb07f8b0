import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ControlRate } from "#hawser/server/session/control-rate.js";

describe("control rate", () => {
  it("answers so many a second, then puts off, then ends it", () => {
    const rate = new ControlRate(5);
    const verdicts = Array.from({ length: 51 }, () => rate.take(10_000));
    assert.deepEqual(
      verdicts.slice(0, 5),
      Array.from({ length: 5 }, () => "answer"),
    );
    assert.deepEqual(
      verdicts.slice(5, 50),
      Array.from({ length: 45 }, () => "later"),
    );
    assert.equal(verdicts[50], "flood");
  });

  it("begins anew with each second", () => {
    const rate = new ControlRate(2);
    for (let second = 10; second < 20; second++) {
      assert.equal(rate.take(second * 1000), "answer");
      assert.equal(rate.take(second * 1000 + 10), "answer");
      assert.equal(rate.take(second * 1000 + 20), "later");
    }
  });

  it("says when the ping that waits is due", () => {
    const rate = new ControlRate(1);
    assert.equal(rate.answerAt, Infinity);
    rate.take(10_000);
    rate.latestPing = Buffer.from("latest");
    assert.equal(rate.answerAt, 11_000);
  });
});
