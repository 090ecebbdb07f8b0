/** Everything that is due, with one timer. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { createAgenda } from "#client/agenda.js";
import { systemClock } from "#client/clock.js";
import { StepTime } from "./harness/step-time.js";

it("runs what is due at its time, with one timer", async () => {
  const time = new StepTime();
  const agenda = createAgenda(time);
  const ran: [string, number][] = [];
  const start = time.now();
  for (const ms of [300, 100, 200, 100]) agenda.after(ms, () => ran.push([String(ms), time.now() - start]));
  assert.equal(time.timers, 1);
  await time.advance(1_000);
  assert.deepEqual(ran, [
    ["100", 100],
    ["100", 100],
    ["200", 200],
    ["300", 300],
  ]);
  assert.equal(time.timers, 0);
});

it("does not run what was called off, even by another that is due at the same time", async () => {
  const time = new StepTime();
  const agenda = createAgenda(time);
  const ran: string[] = [];
  agenda.after(100, () => {
    ran.push("first");
    cancel();
  });
  const cancel = agenda.after(100, () => ran.push("second"));
  await time.advance(1_000);
  assert.deepEqual(ran, ["first"]);
});

it("leaves no timer when nothing is left to do", () => {
  const time = new StepTime();
  const agenda = createAgenda(time);
  const cancels = [100, 50].map((ms) => agenda.after(ms, () => {}));
  for (const cancel of cancels) cancel();
  assert.equal(time.timers, 0);
});

it("says how late it is", async () => {
  const time = new StepTime();
  const late: number[] = [];
  createAgenda(time).after(100, (lateMs) => late.push(lateMs));
  await time.leap(5_000);
  assert.deepEqual(late, [4_900]);
});

it("the clock stands still when the machine's is set back, and goes on from there", (t) => {
  let machine = 10_000;
  t.mock.method(Date, "now", () => machine);
  const { now } = systemClock();
  const times = [0, 500, -3_600_000, 100, 100, 3_600_000].map((step) => {
    machine += step;
    return now();
  });
  assert.deepEqual(times, [10_000, 10_500, 10_500, 10_600, 10_700, 3_610_700]);
});

it("a timer of 30 days does not fire at once, as setTimeout would have it", (t) => {
  const delays: unknown[] = [];
  t.mock.method(globalThis, "setTimeout", (_: unknown, ms: unknown) => delays.push(ms));
  systemClock().after(30 * 86_400_000, () => {});
  assert.deepEqual(delays, [2 ** 31 - 1]);
});

it("never asks for a timer in the past, however late it is", async () => {
  const delays: number[] = [];
  const time = new StepTime();
  const { now, after } = time;
  const agenda = createAgenda({
    now,
    after(ms, run) {
      delays.push(ms);
      return after(ms, run);
    },
  });
  agenda.after(100, () => void time.leap(50));
  agenda.after(120, () => {});
  await time.advance(1_000);
  assert.deepEqual(delays, [100, 0]);
});
