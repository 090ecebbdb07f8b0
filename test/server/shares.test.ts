import assert from "node:assert/strict";
import { test } from "node:test";
import { Shares } from "#hawser/server/sending/shares.js";
import { StepClock } from "../harness/step-clock.js";

test("a share is so much work or 8 ms; 1 ms once the turn has taken 16 ms, and nothing from 32 ms on", () => {
  const clock = new StepClock();
  const shares = new Shares(clock, 512, () => {});
  const times = [0, 0.9, 1, 7.9, 8];
  const used = (): boolean[] => times.map((ms) => shares.isUsed(0, ms));
  assert.deepEqual([shares.isUsed(511, 0), shares.isUsed(512, 0)], [false, true]);
  shares.beginWork();
  assert.deepEqual(used(), [false, false, false, false, true]);
  clock.leap(1);
  assert.equal(shares.countWork(), 1);
  assert.equal(shares.countWork(), 0, "counted once");
  clock.leap(14);
  shares.countWork();
  assert.deepEqual(used(), [false, false, false, false, true]);
  clock.leap(1);
  shares.countWork();
  assert.deepEqual(used(), [false, false, true, true, true]);
  clock.leap(16);
  shares.beginWork();
  assert.deepEqual(used(), [false, false, true, true, true], "what was before somebody's work is nobody's");
  clock.leap(15);
  shares.countWork();
  assert.deepEqual(used(), [false, false, true, true, true]);
  clock.leap(1);
  shares.countWork();
  assert.deepEqual(used(), [true, true, true, true, true]);
});

test("the clock is looked at after little work first, then after every eighth, and when all of it is done", () => {
  const shares = new Shares(new StepClock(), 18, () => {});
  const looks = [0, 1, 2, 3, 4, 7, 8, 15, 16, 17];
  assert.deepEqual(
    looks.map((work) => shares.nextLook(work)),
    [1, 2, 4, 4, 8, 8, 16, 16, 18, 18],
  );
});

test("where handlers are quick the clock is looked at every eighth time alone, and more closely in the turn of a slow one and the next", () => {
  const clock = new StepClock();
  const shares = new Shares(clock, 512, () => {});
  const looksInTurn = (): number[] => [0, 1, 7, 8].map((work) => shares.nextLook(work));
  const settle = (times: number): boolean[] => Array.from({ length: times }, () => shares.isLookDue());
  const watched = [1, 2, 8, 16];
  const quick = [8, 8, 8, 16];
  shares.beginWork();
  assert.deepEqual(looksInTurn(), watched);
  assert.deepEqual(settle(2), [true, true]);
  shares.renew();
  assert.deepEqual(looksInTurn(), watched);
  shares.renew();
  assert.deepEqual(looksInTurn(), quick);
  shares.countWork();
  assert.deepEqual(settle(8), [false, false, false, false, false, false, false, true]);
  clock.leap(3);
  shares.countWork();
  assert.deepEqual([looksInTurn(), settle(1)], [quick, [false]]);
  for (const find of [() => void shares.countWork(), () => shares.beginWork()]) {
    clock.leap(4);
    find();
    assert.deepEqual([looksInTurn(), settle(1)], [watched, [true]]);
    shares.renew();
    assert.deepEqual(looksInTurn(), watched);
    shares.renew();
    assert.deepEqual(looksInTurn(), quick);
  }
});
