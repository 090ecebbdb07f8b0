import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DeadlineWheel, type Timed } from "#hawser/server/base/deadlines.js";
import { StepClock } from "../harness/step-clock.js";

const TICK_MS = 50;

/** An entry with one deadline, which notes when it was acted on. */
class Deadline implements Timed {
  wheelAt = 0;
  wheelPrevious: Timed | null = null;
  wheelNext: Timed | null = null;
  due: number;
  firedAt: number | null = null;
  looks = 0;
  onFire: () => void = () => {};

  constructor(due: number) {
    this.due = due;
  }

  checkDeadlines(now: number): number {
    this.looks++;
    if (now < this.due) return this.due;
    this.firedAt = now;
    this.due = Number.POSITIVE_INFINITY;
    this.onFire();
    return this.due;
  }
}

function wheelOf(): { clock: StepClock; wheel: DeadlineWheel; at: (ms: number) => Deadline } {
  const clock = new StepClock();
  const wheel = new DeadlineWheel(clock);
  const start = clock.now();
  const at = (ms: number): Deadline => {
    const entry = new Deadline(start + ms);
    wheel.schedule(entry, entry.due);
    return entry;
  };
  return { clock, wheel, at };
}

describe("deadline wheel", () => {
  it("fires never early and at most two ticks late, at any distance", () => {
    const { clock, at } = wheelOf();
    const start = clock.now();
    const distances = [0, 1, 49, 50, 51, 99, 100, 777, 5_000, 51_150, 51_200, 51_201, 60_000, 123_456, 600_001];
    const entries = distances.map((ms) => ({ ms, entry: at(ms) }));
    clock.advance(601_000);
    for (const { ms, entry } of entries) {
      assert.ok(entry.firedAt !== null, `${ms} ms never fired`);
      const late = entry.firedAt - start - ms;
      assert.ok(late >= 0 && late <= 2 * TICK_MS, `${ms} ms fired ${late} ms late`);
    }
  });

  it("holds for 10,000 entries, with one timer, each looked at a few times", () => {
    const { clock, at } = wheelOf();
    const start = clock.now();
    const entries = Array.from({ length: 10_000 }, (_, i) => ({
      ms: (i * 7_919) % 120_000,
      entry: at((i * 7_919) % 120_000),
    }));
    assert.equal(clock.timers, 1);
    clock.advance(121_000);
    for (const { ms, entry } of entries) {
      const late = entry.firedAt! - start - ms;
      assert.ok(late >= 0 && late <= 2 * TICK_MS, `${ms} ms fired ${late} ms late`);
      assert.ok(entry.looks <= 4, `looked at ${entry.looks} times`);
    }
    assert.equal(clock.timers, 0, "a wheel without entries has no timer");
  });

  it("an entry moves on lazily: a deadline that was put off is looked at, not fired", () => {
    const { clock, at } = wheelOf();
    const entry = at(1_000);
    entry.due += 4_000;
    clock.advance(4_900);
    assert.equal(entry.firedAt, null);
    clock.advance(200);
    assert.ok(entry.firedAt !== null);
  });

  it("an entry can be brought forward", () => {
    const { clock, wheel, at } = wheelOf();
    const entry = at(50_000);
    entry.due = clock.now() + 300;
    wheel.schedule(entry, entry.due);
    clock.advance(400);
    assert.ok(entry.firedAt !== null);
    assert.equal(clock.timers, 0);
  });

  it("has the time at once when it starts, and no timer as soon as the last entry is removed", () => {
    const { clock, wheel, at } = wheelOf();
    clock.leap(200);
    const entry = at(500);
    assert.equal(wheel.now, wheel.time.now);
    wheel.remove(entry);
    assert.equal(clock.timers, 0);
  });

  it("an entry that was removed is not looked at", () => {
    const { clock, wheel, at } = wheelOf();
    const [gone, stays] = [at(500), at(500)];
    wheel.remove(gone);
    wheel.remove(gone);
    clock.advance(1_000);
    assert.equal(gone.looks, 0);
    assert.ok(stays.firedAt !== null);
  });

  it("entries may remove each other, and add others, while the wheel turns", () => {
    const { clock, wheel, at } = wheelOf();
    const entries = Array.from({ length: 9 }, () => at(500));
    let added: Deadline | null = null;
    for (const entry of entries) {
      entry.onFire = () => {
        for (const other of entries) if (other !== entry) wheel.remove(other);
        added = at(500 + 1_000);
      };
    }
    clock.advance(700);
    assert.equal(entries.filter(({ firedAt }) => firedAt !== null).length, 1);
    clock.advance(1_000);
    assert.ok(added!.firedAt !== null);
    assert.equal(clock.timers, 0);
  });

  it("the last entry may be removed and put back while the wheel turns", () => {
    const { clock, wheel, at } = wheelOf();
    const later = at(100);
    // In the same slot, and before it.
    const entry = at(100);
    entry.onFire = () => {
      wheel.remove(later);
      later.due = clock.now() + 1_000;
      wheel.schedule(later, later.due);
    };
    clock.advance(250);
    assert.equal(later.firedAt, null);
    clock.advance(1_100);
    assert.ok(later.firedAt !== null);
  });

  it("held up, it lets the sockets be read before it acts", () => {
    const { clock, at } = wheelOf();
    const entry = at(200);
    clock.leap(20_000);
    assert.equal(entry.looks, 0, "the first tick after a long sleep acts on nothing");
    clock.advance(TICK_MS);
    assert.ok(entry.firedAt !== null);
  });

  it("what holds it up counts as one long turn, and nobody is missed", () => {
    const { clock, at } = wheelOf();
    const entries = Array.from({ length: 2_000 }, (_, i) => at(i * 30));
    const fired = (): number => entries.filter(({ firedAt }) => firedAt !== null).length;
    clock.leap(200_000);
    clock.advance(TICK_MS);
    assert.ok(fired() > 0 && fired() <= 12, `${fired()} of those due within 250 ms and a tick`);
    clock.advance(60_000);
    assert.equal(fired(), 2_000);
  });

  it("when every turn is late it acts in every other one", () => {
    const { clock, at } = wheelOf();
    const entry = at(1_000);
    for (let turn = 0; turn < 4; turn++) clock.leap(400);
    assert.equal(entry.firedAt, null, "four turns count as a second, and the sockets are read before it acts");
    clock.leap(400);
    clock.leap(400);
    assert.ok(entry.firedAt !== null);
  });

  it("its coarse time is that of the last tick", () => {
    const { clock, wheel, at } = wheelOf();
    at(10_000);
    clock.advance(1_020);
    assert.ok(clock.now() - wheel.now <= TICK_MS);
  });
});
