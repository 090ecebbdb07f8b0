import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Account, type Hold, MemoryBudget } from "#hawser/server/sending/memory-budget.js";

const KIB = 1024;

interface Member {
  readonly account: Account;
  /** What it was asked to make room for. */
  readonly asked: number[];
}

/** One that gives way by giving back all that it was charged for alone. */
function member(budget: MemoryBudget, bytes = 0): Member {
  const asked: number[] = [];
  const account = new Account(budget, (needed) => {
    asked.push(needed);
    account.charge(-account.share);
  });
  account.charge(bytes);
  return { account, asked };
}

describe("memory budget", () => {
  it("has whoever holds most give way, and only as many as it takes", () => {
    const budget = new MemoryBudget(1000 * KIB);
    const [small, large, larger, asking] = [100, 300, 590, 0].map((kib) => member(budget, kib * KIB)) as [
      Member, Member, Member, Member]; // oxfmt-ignore
    assert.ok(budget.makeRoom(asking.account, 10 * KIB));
    assert.deepEqual([small.asked, large.asked, larger.asked], [[], [], []]);
    assert.ok(budget.makeRoom(asking.account, 20 * KIB));
    assert.deepEqual([small.asked, large.asked, larger.asked], [[], [], [20 * KIB]]);
    assert.equal(budget.used, 400 * KIB);
  });

  it("says what fits, to the byte", () => {
    const budget = new MemoryBudget(1000);
    member(budget, 400);
    assert.deepEqual([budget.fits(600), budget.fits(601)], [true, false]);
  });

  it("finds who holds most whatever it is, and nobody who holds less than 1 KiB", () => {
    const sizes = [0.9, 1, 3, 70, 5 * KIB, 100 * KIB, 3 * KIB * KIB];
    const budget = new MemoryBudget(sizes.reduce((sum, kib) => sum + kib * KIB));
    const members = sizes.map((kib) => member(budget, kib * KIB));
    const asking = member(budget);
    for (let largest = members.length - 1; largest > 0; largest--) {
      assert.ok(budget.makeRoom(asking.account, budget.max - budget.used + 1));
      assert.deepEqual(
        members.map(({ asked }) => asked.length),
        sizes.map((_, at) => Number(at >= largest)),
      );
      // It fills what was given back, held by somebody who is no candidate.
      budget.used = budget.max;
    }
    assert.ok(!budget.makeRoom(asking.account, 1));
    assert.equal(members[0]!.asked.length, 0);
  });

  it("refuses the one that would hold most itself, and what will never fit", () => {
    const budget = new MemoryBudget(1000 * KIB);
    const [small, large] = [member(budget, 300 * KIB), member(budget, 690 * KIB)];
    assert.ok(!budget.makeRoom(large.account, 20 * KIB));
    assert.ok(!budget.makeRoom(small.account, 400 * KIB), "it would hold 700 KiB");
    assert.ok(!budget.makeRoom(small.account, 1001 * KIB));
    assert.deepEqual([small.asked, large.asked], [[], []]);
  });

  it("takes those within a factor of two for equals: nobody gives way for one of them", () => {
    const budget = new MemoryBudget(100 * 1000);
    const members = Array.from({ length: 1000 }, () => member(budget, 100));
    assert.ok(!budget.makeRoom(members[0]!.account, 100));
    assert.ok(members.every(({ asked }) => asked.length === 0));
  });

  it("settles what is held already and cannot be refused: whoever holds most gives way, itself if it is that one", () => {
    const budget = new MemoryBudget(100 * KIB);
    const [small, large] = [member(budget, 30 * KIB), member(budget, 60 * KIB)];
    small.account.charge(20 * KIB);
    budget.settle(small.account);
    assert.deepEqual([small.asked, large.asked], [[0], []], "equals: the one that asks");
    small.account.charge(20 * KIB);
    large.account.charge(30 * KIB);
    budget.settle(small.account);
    assert.deepEqual([small.asked, large.asked], [[0], [0]]);
  });

  it("ends when nobody gives anything back", () => {
    const budget = new MemoryBudget(KIB);
    const stubborn = new Account(budget, () => {});
    stubborn.charge(10 * KIB);
    budget.settle(stubborn);
    assert.ok(!budget.makeRoom(new Account(budget, () => {}), 1));
  });

  it("charges a piece of memory once, each holder its part, and the last one all of it", () => {
    const budget = new MemoryBudget(1000 * KIB);
    const memory = new ArrayBuffer(256 * KIB);
    const alone = budget.costOf(memory);
    const members = Array.from({ length: 300 }, () => member(budget));
    const holds: Hold[] = members.map(({ account }) => account.hold(memory));
    assert.ok(budget.costOf(memory) < 100);
    const each = budget.costOf(memory);
    assert.equal(budget.used, alone + 299 * each);
    for (const { account } of members) {
      const part = account.share - each;
      assert.ok(part > (256 * KIB) / 600 && part < (256 * KIB) / 150, `${part} bytes`);
    }
    // In any order, so that each is found where it was put.
    const order = holds.map((_, at) => (at * 77) % 300);
    for (const at of order.slice(0, 299)) holds[at]!.release();
    const { account } = members[order[299]!]!;
    assert.deepEqual([account.share, budget.used], [alone, alone]);
    holds[order[299]!]!.release();
    assert.equal(budget.used, 0);
    assert.ok(members.every((one) => one.account.share === 0 && one.account.level === 0));
  });

  it("takes a few steps for each hold, even when one comes and goes where the parts change", () => {
    const budget = new MemoryBudget(1000 * KIB);
    const memory = new ArrayBuffer(256 * KIB);
    let steps = 0;
    class Counting extends Account {
      override shareIn(bytes: number): void {
        steps++;
        super.shareIn(bytes);
      }
    }
    const count = 4096;
    const accounts = Array.from({ length: count }, () => new Counting(budget, () => {}));
    for (const account of accounts.slice(0, -1)) account.hold(memory);
    for (let i = 0; i < count; i++) accounts.at(-1)!.hold(memory).release();
    assert.ok(steps < 12 * count, `${steps} steps`);
  });
});
