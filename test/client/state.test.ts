/** The state, as a store. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { createState } from "#client/state.js";
import { Rig } from "./harness/rig.js";

it("tells a listener at once, and of each change until it is called off", async () => {
  const rig = new Rig();
  const phases: string[] = [];
  // Stores are handed around without their object.
  const { subscribe } = rig.live.state;
  const stop = subscribe(({ phase }) => phases.push(phase));
  await rig.open();
  stop();
  rig.socket.end();
  assert.deepEqual(phases, ["idle", "connecting", "open"]);
});

it("a listener that throws is reported, and the others are told", async () => {
  const rig = new Rig();
  const stop = rig.live.state.subscribe(() => {
    throw new Error("mine");
  });
  const phases: string[] = [];
  rig.live.state.subscribe(({ phase }) => phases.push(phase));
  await rig.open();
  stop();
  assert.deepEqual(phases, ["idle", "connecting", "open"]);
  assert.equal(rig.reported.length, 3);
});

it("a listener that changes the state: nobody hears of the old one after the new one", () => {
  const state = createState((handler, ...args) => handler?.(...args));
  const phases: string[] = [];
  state.subscribe(({ phase }) => phase === "connecting" && state.set({ phase: "closed", why: "x", code: undefined }));
  state.subscribe(({ phase }) => phases.push(phase));
  state.set({ phase: "connecting" });
  assert.deepEqual(phases, ["idle", "closed"]);
});

it("the same function may listen twice", () => {
  const state = createState((handler, ...args) => handler?.(...args));
  let calls = 0;
  const listener = (): void => void calls++;
  const stop = state.subscribe(listener);
  state.subscribe(listener);
  stop();
  state.set({ phase: "connecting" });
  assert.equal(calls, 3);
});

it("close inside of a listener is heeded", async () => {
  const rig = new Rig();
  rig.live.state.subscribe(({ phase }) => phase === "open" && rig.live.close());
  await rig.open();
  assert.equal(rig.phase, "closed");
  assert.equal(rig.time.timers, 0);
});
