import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ControlRate } from "#hawser/server/session/control-rate.js";

const PING = Buffer.from("ping");

describe("control rate", () => {
  it("answers so many a second, then puts off, then ends it", () => {
    const rate = new ControlRate(5);
    const verdicts = Array.from({ length: 51 }, () => rate.onPing(PING, 10_000));
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
      assert.equal(rate.onPing(PING, second * 1000), "answer");
      assert.equal(rate.onPing(PING, second * 1000 + 10), "answer");
      assert.equal(rate.onPing(PING, second * 1000 + 20), "later");
    }
  });

  it("keeps the latest ping that waits, and hands it out when the second is over", () => {
    const rate = new ControlRate(1);
    assert.deepEqual([rate.answerAt, rate.dueAt(10_000)], [Infinity, null]);
    rate.onPing(PING, 10_000);
    assert.equal(rate.answerAt, Infinity);
    const pooled = Buffer.from("latest");
    rate.onPing(PING, 10_100);
    rate.onPing(pooled, 10_200);
    pooled.fill(0);
    assert.deepEqual([rate.answerAt, rate.dueAt(10_999)], [11_000, null]);
    assert.equal(String(Buffer.from(rate.dueAt(11_000)!)), "latest");
    assert.deepEqual([rate.answerAt, rate.dueAt(12_000)], [Infinity, null]);
  });

  it("has the ping that waits answered with the next one that is answered", () => {
    const rate = new ControlRate(1);
    rate.onPing(PING, 10_000);
    assert.equal(rate.onPing(PING, 10_100), "later");
    assert.equal(rate.onPing(PING, 11_100), "answer");
    assert.equal(rate.answerAt, Infinity);
  });
});
