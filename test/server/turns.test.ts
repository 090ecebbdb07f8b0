import assert from "node:assert/strict";
import { test } from "node:test";
import { Turns } from "#hawser/server/sending/turns.js";
import { turns as eventLoopTurns } from "../harness/rig.js";
import { StepClock } from "../harness/step-clock.js";

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

test("who has to wait for another turn is the first in it", async () => {
  const clock = new StepClock();
  const turns = new Turns(clock, 512);
  const seen: string[] = [];
  const client = (name: string, again: boolean): { resumeTurn(): void } => ({
    resumeTurn() {
      seen.push(name);
      clock.leap(16);
      turns.shares.countWork();
      if (again) turns.resumeLater(client(name, false));
    },
  });
  for (const name of ["a", "b", "c"]) turns.resumeLater(client(name, name === "a"));
  const outbox = (name: string): { endTurn(): void } => ({ endTurn: () => void seen.push(name) });
  for (let i = 0; i < 32; i++) {
    turns.flushLater({
      endTurn() {
        clock.leap(i === 31 ? 16 : 0);
        if (i === 0) turns.flushLater(outbox("flush of the next turn"));
      },
    });
  }
  turns.flushLater(outbox("flush that is left over"));
  await eventLoopTurns(1);
  assert.deepEqual(seen, ["a"]);
  await eventLoopTurns(5);
  assert.deepEqual(seen, ["a", "flush that is left over", "flush of the next turn", "b", "c", "a"]);
});

test("one that is left over alone has its turn, too", async () => {
  const clock = new StepClock();
  for (const kind of ["flush", "resume"] as const) {
    const turns = new Turns(clock, 512);
    let done = 0;
    const act = (): void => {
      done++;
      clock.leap(1);
      turns.shares.countWork();
    };
    const count = 17;
    for (let i = 0; i < count; i++) {
      if (kind === "flush") turns.flushLater({ endTurn: act });
      else turns.resumeLater({ resumeTurn: act });
    }
    await eventLoopTurns(1);
    assert.ok(done < count, `${done} of ${kind}`);
    await eventLoopTurns(5);
    assert.equal(done, count);
  }
});

test("what has come is counted once, when everything else is done", async () => {
  const turns = new Turns(new StepClock(), 512);
  const seen: string[] = [];
  turns.countLater({ countIncoming: () => void seen.push("count") });
  turns.resumeLater({ resumeTurn: () => void seen.push("resume") });
  await eventLoopTurns();
  turns.flushLater({ endTurn: () => void seen.push("flush") });
  await eventLoopTurns();
  assert.deepEqual(seen, ["resume", "count", "flush"]);
});

test("half as many go on in the turn after one that took too long, and about twice as many after a short one", async () => {
  const clock = new StepClock();
  const turns = new Turns(clock, 512);
  let resumed = 0;
  for (let i = 0; i < 40; i++) turns.resumeLater({ resumeTurn: () => void resumed++ });
  const resumedIn = async (tookMs: number): Promise<number> => {
    turns.shares.beginWork();
    clock.leap(tookMs);
    turns.shares.countWork();
    const before = resumed;
    await eventLoopTurns(1);
    return resumed - before;
  };
  // None has gone on yet, and one at least does.
  assert.equal(await resumedIn(33), 1);
  assert.equal(await resumedIn(32), 1);
  assert.equal(await resumedIn(0), 3);
  assert.equal(await resumedIn(0), 7);
  assert.equal(await resumedIn(33), 3);
  assert.equal(await resumedIn(0), 7);
  assert.equal(await resumedIn(0), 15);
});

test("a turn ends by itself when half of a share is used, and not before", async () => {
  const clock = new StepClock();
  const endsAfter = async (use: (turns: Turns) => void): Promise<boolean> => {
    const turns = new Turns(clock, 512);
    turns.shares.beginWork();
    use(turns);
    await eventLoopTurns();
    return turns.number > 1;
  };
  const after = (ms: number) => (turns: Turns) => {
    clock.leap(ms);
    turns.shares.countWork();
  };
  const rows: [what: string, use: (turns: Turns) => void, ends: boolean][] = [
    ["a little of the work", (turns) => turns.shares.isUsed(255, 0), false],
    ["half of the work", (turns) => turns.shares.isUsed(256, 0), true],
    ["a little of a client's time", (turns) => turns.shares.isUsed(0, 3.9), false],
    ["half of a client's time", (turns) => turns.shares.isUsed(0, 4), true],
    ["a little of the time of all", after(7), false],
    ["half of the time of all", after(8), true],
  ];
  for (const [what, use, ends] of rows) assert.equal(await endsAfter(use), ends, what);
});

test("a turn that nothing was put off in is followed by none, and a new one has its whole time again", async () => {
  const clock = new StepClock();
  const turns = new Turns(clock, 512);
  turns.shares.beginWork();
  clock.leap(20);
  turns.shares.countWork();
  await eventLoopTurns(5);
  assert.equal(turns.number, 2);
  assert.equal(turns.shares.isUsed(0, 1), false);
  clock.leap(20);
  for (let i = 0; i < 32; i++) turns.flushLater({ endTurn() {} });
  await eventLoopTurns(1);
  assert.equal(turns.shares.isUsed(0, 1), false, "the time between turns is nobody's");
});
