import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DurationCounter } from "#hawser/server/base/durations.js";
import { HandlerTimes } from "#hawser/server/watching/handler-times.js";
import { emptyStats } from "#hawser/server/watching/stats.js";

describe("durations", () => {
  it("fall into the first bucket that holds them, bounds included, and above the last one too", () => {
    const durations = new DurationCounter([1, 10, 100]);
    for (const ms of [0, 1, 1.5, 10, 10.1, 100, 100.5, 99_999]) durations.add(ms);
    assert.deepEqual(durations.counts, [2, 2, 2, 2]);
    assert.equal(durations.count, 8);
    assert.equal(durations.sumMs, 100_222.1);
  });
});

describe("handler times", () => {
  function timed(): {
    times: HandlerTimes;
    durations: ReturnType<typeof emptyStats>["handlerTimes"];
    pass: (ms: number) => void;
  } {
    let now = 1;
    const durations = emptyStats().handlerTimes;
    return { times: new HandlerTimes(durations, () => now), durations, pass: (ms) => void (now += ms) };
  }

  it("are those between begin and end, by handler", () => {
    const { times, durations, pass } = timed();
    const begunAt = times.begin();
    pass(7);
    times.end("open", begunAt);
    assert.equal(durations.open.sumMs, 7);
    assert.equal(durations.open.count, 1);
    assert.equal(durations.message.count, 0);
  });

  it("of messages are taken of ten in a millisecond, and of no more", () => {
    const { times, durations, pass } = timed();
    for (const arrivedAt of [5, 6]) {
      for (let i = 0; i < 10; i++) {
        assert.ok(times.beginRead(arrivedAt));
        const begunAt = times.beginMessage();
        pass(2);
        times.end("message", begunAt);
      }
      assert.ok(!times.beginRead(arrivedAt));
      const begunAt = times.beginMessage();
      assert.equal(begunAt, 0);
      times.end("message", begunAt);
    }
    assert.equal(durations.message.count, 20);
    assert.equal(durations.message.sumMs, 40);
  });
});
