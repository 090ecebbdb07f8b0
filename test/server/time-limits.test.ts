/** What is due for a client, by numbers alone. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { SessionSettings } from "#hawser/server/session/session-context.js";
import { checkTimeLimits, type ClientTimes } from "#hawser/server/session/time-limits.js";

const settings: SessionSettings = {
  pongWaitMs: 60_000,
  pingPeriodMs: 54_000,
  writeWaitMs: 10_000,
  messageTimeoutMs: 20_000,
  closeTimeoutMs: 5_000,
  idleTimeoutMs: 30_000,
  maxAgeMs: 0,
  maxMessageBytes: 1024,
  maxControlFramesPerSecond: 5,
};

/** Nothing is due for this one, whenever it is asked, with an idle timeout of 0. */
const QUIET: ClientTimes = { silentAt: Infinity, stalledSince: 0, messageSince: 0, activeAt: 100_000, expiresAt: 0 };
const noIdle = { ...settings, idleTimeoutMs: 0 };

function dueAt(now: number, times: Partial<ClientTimes>, by: SessionSettings = settings): string | number {
  const limit = checkTimeLimits(now, { ...QUIET, ...times }, by);
  return typeof limit === "number" ? limit : `${limit.event} ${limit.cause} ${limit.code} ${limit.reason}`.trim();
}

describe("the limits of time", () => {
  const cases: readonly [string, Partial<ClientTimes>, number][] = [
    ["cut heartbeat-timeout 1006", { activeAt: 1e9, silentAt: 150_000 }, 150_000],
    ["cut write-timeout 1006", { activeAt: 1e9, stalledSince: 140_000 }, 150_000],
    ["fail message-timeout 1008 the message took too long", { activeAt: 1e9, messageSince: 130_000 }, 150_000],
    ["leave idle-timeout 1000 idle", { activeAt: 120_000 }, 150_000],
    ["leave max-age 1001 please reconnect", { activeAt: 1e9, expiresAt: 150_000 }, 150_000],
  ];
  for (const [due, times, at] of cases) {
    it(`${due}: from its time on and not before, which is known beforehand`, () => {
      for (const now of [at, at + 1, at + 1e6]) assert.equal(dueAt(now, times), due);
      assert.equal(dueAt(at - 1, times), at);
    });
  }

  it("none is there where nothing has begun and nothing is set", () => {
    assert.equal(dueAt(1e12, {}, noIdle), Infinity);
    assert.equal(dueAt(100_000, {}), 130_000);
  });

  it("the next one is the earliest of all", () => {
    const times = {
      silentAt: 205_000,
      stalledSince: 194_000,
      messageSince: 183_000,
      activeAt: 172_000,
      expiresAt: 201_000,
    };
    assert.equal(dueAt(200_000, times), 201_000);
    assert.equal(dueAt(200_000, { ...times, expiresAt: 0 }), 202_000);
    assert.equal(dueAt(200_000, { ...times, expiresAt: 0 }, noIdle), 203_000);
    assert.equal(dueAt(200_000, { ...times, expiresAt: 0, messageSince: 0 }, noIdle), 204_000);
    assert.equal(dueAt(200_000, { ...times, expiresAt: 0, messageSince: 0, stalledSince: 0 }, noIdle), 205_000);
  });

  it("of several that are reached the first in this list counts, whichever was reached first", () => {
    const off: ClientTimes = { ...QUIET, activeAt: 1e9 };
    const reached: readonly Partial<ClientTimes>[] = [
      { silentAt: 500_000 },
      { stalledSince: 400_000 },
      { messageSince: 300_000 },
      { activeAt: 200_000 },
      { expiresAt: 100_000 },
    ];
    for (const [i, [due]] of cases.entries())
      assert.equal(dueAt(1e6, Object.assign({}, off, ...reached.slice(i)) as ClientTimes), due);
  });
});
