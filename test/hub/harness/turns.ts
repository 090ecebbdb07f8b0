import type { StepClock } from "../../harness/step-clock.js";

/** Lets all promises that can go on go on. */
export async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

/** Calls back once, when the clock was moved so far. */
export function after(clock: StepClock, ms: number, callback: () => void): void {
  const stop = clock.every(ms, () => {
    stop();
    callback();
  });
}

/** Lets time pass, with a turn of the event loop in between each step. */
export async function pass(clock: StepClock, ms: number, stepMs = 250): Promise<void> {
  for (let left = ms; left > 0; left -= stepMs) {
    clock.advance(Math.min(left, stepMs));
    await settled();
  }
}
