import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Heartbeat, PingSource } from "#hawser/server/session/heartbeat.js";

const PERIOD = 54_000;

/** The times of the pings in `ms` from 1,000,000 on, asked each time it said it wanted to be. */
function pingsOf(heartbeat: Heartbeat, ms: number, source = new PingSource()): number[] {
  const start = 1_000_000;
  const times: number[] = [];
  for (let now = start; now <= start + ms;) {
    const next = heartbeat.beat(now, now, PERIOD, source, () => times.push(now - start) > 0);
    assert.ok(next > now, "the next ping lies ahead");
    now = next;
  }
  return times;
}

describe("heartbeat", () => {
  it("pings once a period, the first time after three quarters of one to a whole one", () => {
    for (let i = 0; i < 50; i++) {
      const times = pingsOf(new Heartbeat(1_000_000, PERIOD), 10 * PERIOD);
      assert.ok(times[0]! >= PERIOD * 0.75 && times[0]! <= PERIOD, `first after ${times[0]} ms`);
      for (const [index, time] of times.entries())
        if (index > 0)
          assert.ok(Math.abs(time - times[index - 1]! - PERIOD) < 1, `${time - times[index - 1]!} ms apart`);
    }
  });

  it("spreads the pings of clients that came at once", () => {
    const firsts = Array.from({ length: 400 }, () => pingsOf(new Heartbeat(1_000_000, PERIOD), PERIOD)[0]!);
    const span = Math.max(...firsts) - Math.min(...firsts);
    assert.ok(span > PERIOD * 0.2, `all within ${span} ms`);
    for (let quarter = 0; quarter < 4; quarter++) {
      const from = PERIOD * (0.75 + quarter / 16);
      const there = firsts.filter((time) => time >= from && time < from + PERIOD / 16).length;
      assert.ok(there > 50 && there < 150, `${there} of 400 in quarter ${quarter}`);
    }
  });

  it("catches up after a hold-up without a burst", () => {
    const heartbeat = new Heartbeat(0, PERIOD);
    let pings = 0;
    const late = heartbeat.beat(10 * PERIOD, 0, PERIOD, new PingSource(), () => ++pings > 0);
    assert.equal(pings, 1);
    assert.ok(late >= 10 * PERIOD + PERIOD / 2);
  });

  it("measures the round trip of the ping that is answered, and of no other", () => {
    const heartbeat = new Heartbeat(0, PERIOD);
    let payload: Buffer = Buffer.alloc(0);
    heartbeat.beat(PERIOD, 1, PERIOD, new PingSource(), (frame) => {
      payload = frame.subarray(2);
      return true;
    });
    assert.equal(heartbeat.rttMs, null);
    assert.equal(heartbeat.onPong(Buffer.from("abcd"), PERIOD + 5), null);
    heartbeat.onPong(Buffer.alloc(0), PERIOD + 6);
    heartbeat.onPong(Buffer.concat([payload, payload]), PERIOD + 7);
    assert.equal(heartbeat.rttMs, null, "a pong that answers nothing of ours");
    assert.equal(heartbeat.onPong(payload, PERIOD + 12), 12);
    assert.equal(heartbeat.rttMs, 12);
    heartbeat.onPong(payload, PERIOD + 9_000);
    assert.equal(heartbeat.rttMs, 12, "a pong counts once");
  });

  it("calls silent nobody who was not asked, or has not had the time to answer", () => {
    const [WAIT, START] = [60_000, 1_000_000];
    const heartbeat = new Heartbeat(START, PERIOD);
    const silentAt = (heardAt: number): number => heartbeat.silentAt(heardAt, WAIT, PERIOD) - START;
    assert.equal(silentAt(START), Infinity, "no ping has left");
    heartbeat.beat(START + PERIOD, START, PERIOD, new PingSource(), () => false);
    assert.equal(silentAt(START), Infinity, "nor behind a backlog");
    heartbeat.beat(START + 2 * PERIOD, START, PERIOD, new PingSource(), () => true);
    assert.equal(silentAt(START), 2 * PERIOD + 5_900, "asked late");
    heartbeat.beat(START + 3 * PERIOD, START, PERIOD, new PingSource(), () => true);
    assert.equal(silentAt(START), 2 * PERIOD + 5_900, "the first ping without an answer counts");
    assert.equal(silentAt(START + 2 * PERIOD + 1), Infinity, "an answer is the end of it");
    heartbeat.beat(START + 4 * PERIOD, START + 2 * PERIOD + 1, PERIOD, new PingSource(), () => true);
    assert.equal(silentAt(START + 4 * PERIOD - 10), 4 * PERIOD - 10 + WAIT, "asked in time");
  });

  it("leaves half of the time there is to answer, where that is short", () => {
    const START = 1_000_000;
    const heartbeat = new Heartbeat(START, 900);
    heartbeat.beat(START + 2000, START, 900, new PingSource(), () => true);
    assert.equal(heartbeat.silentAt(START, 1000, 900), START + 2000 + 50);
    assert.equal(heartbeat.silentAt(START, 1200, 900), START + 2000 + 200);
  });

  it("pings of one time share one frame; those of different times have different payloads", () => {
    const source = new PingSource();
    assert.equal(source.next(1).frame, source.next(1).frame);
    assert.notDeepEqual(source.next(1).frame, source.next(2).frame);
    assert.equal(source.next(3).frame[0], 0x89);
  });
});
