import assert from "node:assert/strict";
import { test } from "node:test";
import { Turns } from "#hawser/server/turns.js";
import { turns as eventLoopTurns } from "./rig.js";
import { StepClock } from "./step-clock.js";

test("flushes come before resumes, each once, at the end of the turn", async () => {
  const turns = new Turns(new StepClock(), 512);
  const seen: string[] = [];
  turns.resumeLater({ resumeTurn: () => void seen.push("resume") });
  turns.flushLater({ endTurn: () => void seen.push("flush 1") });
  turns.flushLater({ endTurn: () => void seen.push("flush 2") });
  assert.deepEqual(seen, []);
  await eventLoopTurns();
  assert.deepEqual(seen, ["flush 1", "flush 2", "resume"]);
});

test("what is put off while the turn ends waits for the next one", async () => {
  const turns = new Turns(new StepClock(), 512);
  let resumed = 0;
  const client = {
    resumeTurn() {
      if (++resumed < 3) turns.resumeLater(client);
    },
  };
  turns.resumeLater(client);
  await eventLoopTurns(1);
  assert.equal(resumed, 1);
  await eventLoopTurns(5);
  assert.equal(resumed, 3);
});

test("the shared empty batch forgets the turn's frames", async () => {
  const turns = new Turns(new StepClock(), 512);
  const frame = Buffer.from("frame");
  const batch = turns.empty.with(frame);
  assert.equal(turns.empty.with(frame), batch);
  turns.flushLater({ endTurn() {} });
  await eventLoopTurns();
  assert.notEqual(turns.empty.with(frame), batch);
});
