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

test("what would keep everybody waiting is done in several turns, in order, and somebody goes on in each", async () => {
  const clock = new StepClock();
  const turns = new Turns(clock, 512);
  const seen: string[] = [];
  for (let i = 0; i < 100; i++) {
    turns.flushLater({
      endTurn() {
        seen.push(`flush ${i}`);
        clock.leap(1);
      },
    });
  }
  for (let i = 0; i < 2; i++) turns.resumeLater({ resumeTurn: () => void seen.push(`resume ${i}`) });
  await eventLoopTurns(1);
  assert.ok(seen.length < 60, `${seen.length} in one turn`);
  assert.equal(seen.at(-1), "resume 0");
  await eventLoopTurns(10);
  assert.deepEqual(
    seen.filter((what) => what.startsWith("flush")),
    Array.from({ length: 100 }, (_, i) => `flush ${i}`),
  );
  assert.ok(seen.indexOf("resume 1") < seen.indexOf("flush 99"));
});
