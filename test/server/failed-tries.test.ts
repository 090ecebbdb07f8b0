// How many wrong tokens are answered as such.

import assert from "node:assert/strict";
import { test } from "node:test";
import { FailedTries } from "hawser/tools";
import { StepClock } from "../harness/step-clock.js";

test("ten of an address, one back a second, and what is refused costs nothing", () => {
  const clock = new StepClock();
  const tries = new FailedTries(clock);
  const taken = (address: string, times: number): number =>
    Array.from({ length: times }, () => tries.take(address)).filter(Boolean).length;
  assert.equal(taken("192.0.2.1", 200), 10);
  assert.equal(taken("192.0.2.2", 1), 1);
  clock.advance(999);
  assert.equal(taken("192.0.2.1", 200), 0);
  clock.advance(1);
  assert.equal(taken("192.0.2.1", 200), 1);
  clock.advance(60_000);
  assert.equal(taken("192.0.2.1", 200), 10);
});

test("a hundred in all, from however many addresses; ten back a second", () => {
  const clock = new StepClock();
  const tries = new FailedTries(clock);
  const taken = (from: number, addresses: number): number =>
    Array.from({ length: addresses }, (_, at) => tries.take(`2001:db8::${from + at}`)).filter(Boolean).length;
  assert.equal(taken(0, 5000), 100);
  clock.advance(500);
  assert.equal(taken(5000, 5000), 5);
});

test("what is remembered is bounded, and the oldest is forgotten first", () => {
  const clock = new StepClock();
  const tries = new FailedTries(clock);
  for (let i = 0; i < 10; i++) tries.take("192.0.2.1");
  // An hour of wrong tokens, each from an address that was never seen.
  let most = 0;
  for (let at = 0; at < 36_000; at++) {
    clock.advance(100);
    assert.equal(tries.take(`2001:db8::${at}`), true);
    most = Math.max(most, tries.size);
    // Ten seconds later the first one has all its tries back, and not before.
    if (at === 50) assert.equal(tries.take("192.0.2.1"), true);
  }
  assert.ok(most < 200, `${most} addresses`);
});

test("somebody who goes on trying keeps nobody else from being forgotten", () => {
  const clock = new StepClock();
  const tries = new FailedTries(clock);
  let most = 0;
  for (let at = 0; at < 3000; at++) {
    clock.advance(200);
    if (at % 5 === 0) tries.take("192.0.2.1");
    tries.take(`2001:db8::${at}`);
    most = Math.max(most, tries.size);
  }
  assert.ok(most < 200, `${most} addresses`);
});
