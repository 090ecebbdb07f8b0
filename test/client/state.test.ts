/** The state, as a store. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { createState } from "#client/state.js";
import { Rig } from "./harness/rig.js";
import { settled } from "./harness/step-time.js";

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

for (const at of ["connecting", "open", "waiting"]) {
  it(`close inside of a listener is heeded, at ${at}`, async () => {
    const rig = new Rig();
    rig.live.state.subscribe(({ phase }) => phase === at && rig.live.close());
    await settled();
    if (at !== "connecting") await rig.open();
    if (at === "waiting") rig.socket.end();
    assert.equal(rig.phase, "closed");
    await rig.time.advance(60_000);
    assert.equal(rig.time.timers, 0);
    assert.ok(rig.sockets.every(({ state }) => state === "closed"));
  });
}

it("a connection that is lost while something is asked for again is not told as open once more", async () => {
  const rig = new Rig();
  await rig.open();
  void rig.live
    .topic("room")
    .publish(1)
    .catch(() => {});
  rig.err("pub", "unavailable", 5_000);
  rig.socket.end();
  assert.deepEqual(
    rig.states.map(({ phase }) => phase),
    ["idle", "connecting", "open", "open", "waiting"],
  );
  rig.live.close();
  assert.equal(rig.time.timers, 0);
});
