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
      turns.countWork();
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
      turns.countWork();
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
    turns.beginWork();
    clock.leap(tookMs);
    turns.countWork();
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

test("a share is so much work or 8 ms; 1 ms once the turn has taken 16 ms, and nothing from 32 ms on", () => {
  const clock = new StepClock();
  const turns = new Turns(clock, 512);
  const shares = [0, 0.9, 1, 7.9, 8];
  const used = (): boolean[] => shares.map((ms) => turns.isShareUsed(0, ms));
  assert.deepEqual([turns.isShareUsed(511, 0), turns.isShareUsed(512, 0)], [false, true]);
  turns.beginWork();
  assert.deepEqual(used(), [false, false, false, false, true]);
  clock.leap(1);
  assert.equal(turns.countWork(), 1);
  assert.equal(turns.countWork(), 0, "counted once");
  clock.leap(14);
  turns.countWork();
  assert.deepEqual(used(), [false, false, false, false, true]);
  clock.leap(1);
  turns.countWork();
  assert.deepEqual(used(), [false, false, true, true, true]);
  clock.leap(16);
  turns.beginWork();
  assert.deepEqual(used(), [false, false, true, true, true], "what was before somebody's work is nobody's");
  clock.leap(15);
  turns.countWork();
  assert.deepEqual(used(), [false, false, true, true, true]);
  clock.leap(1);
  turns.countWork();
  assert.deepEqual(used(), [true, true, true, true, true]);
});

test("a turn ends by itself when half of a share is used, and not before", async () => {
  const clock = new StepClock();
  const endsAfter = async (use: (turns: Turns) => void): Promise<boolean> => {
    const turns = new Turns(clock, 512);
    turns.beginWork();
    use(turns);
    await eventLoopTurns();
    return turns.number > 1;
  };
  const after = (ms: number) => (turns: Turns) => {
    clock.leap(ms);
    turns.countWork();
  };
  const rows: [what: string, use: (turns: Turns) => void, ends: boolean][] = [
    ["a little of the work", (turns) => turns.isShareUsed(255, 0), false],
    ["half of the work", (turns) => turns.isShareUsed(256, 0), true],
    ["a little of a client's time", (turns) => turns.isShareUsed(0, 3.9), false],
    ["half of a client's time", (turns) => turns.isShareUsed(0, 4), true],
    ["a little of the time of all", after(7), false],
    ["half of the time of all", after(8), true],
  ];
  for (const [what, use, ends] of rows) assert.equal(await endsAfter(use), ends, what);
});

test("a turn that nothing was put off in is followed by none, and a new one has its whole time again", async () => {
  const clock = new StepClock();
  const turns = new Turns(clock, 512);
  turns.beginWork();
  clock.leap(20);
  turns.countWork();
  await eventLoopTurns(5);
  assert.equal(turns.number, 2);
  assert.equal(turns.isShareUsed(0, 1), false);
  clock.leap(20);
  for (let i = 0; i < 32; i++) turns.flushLater({ endTurn() {} });
  await eventLoopTurns(1);
  assert.equal(turns.isShareUsed(0, 1), false, "the time between turns is nobody's");
});

test("the clock is looked at after little work first, then after every eighth, and when all of it is done", () => {
  const turns = new Turns(new StepClock(), 18);
  const looks = [0, 1, 2, 3, 4, 7, 8, 15, 16, 17];
  assert.deepEqual(
    looks.map((work) => turns.nextLook(work)),
    [1, 2, 4, 4, 8, 8, 16, 16, 18, 18],
  );
});

test("where handlers are quick the clock is looked at every eighth time alone, and more closely in the turn of a slow one and the next", async () => {
  const clock = new StepClock();
  const turns = new Turns(clock, 512);
  const nextTurn = async (): Promise<void> => {
    turns.countLater({ countIncoming() {} });
    await eventLoopTurns(1);
  };
  const looksInTurn = (): number[] => [0, 1, 7, 8].map((work) => turns.nextLook(work));
  const settle = (times: number): boolean[] => Array.from({ length: times }, () => turns.isLookDue());
  const watched = [1, 2, 8, 16];
  const quick = [8, 8, 8, 16];
  turns.beginWork();
  assert.deepEqual(looksInTurn(), watched);
  assert.deepEqual(settle(2), [true, true]);
  await nextTurn();
  assert.deepEqual(looksInTurn(), watched);
  await nextTurn();
  assert.deepEqual(looksInTurn(), quick);
  turns.countWork();
  assert.deepEqual(settle(8), [false, false, false, false, false, false, false, true]);
  clock.leap(3);
  turns.countWork();
  assert.deepEqual([looksInTurn(), settle(1)], [quick, [false]]);
  for (const find of [() => void turns.countWork(), () => turns.beginWork()]) {
    clock.leap(4);
    find();
    assert.deepEqual([looksInTurn(), settle(1)], [watched, [true]]);
    await nextTurn();
    assert.deepEqual(looksInTurn(), watched);
    await nextTurn();
    assert.deepEqual(looksInTurn(), quick);
  }
});
