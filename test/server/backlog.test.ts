import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Backlog, type BacklogBudget, overflowPolicies } from "#hawser/server/backlog.js";

function budgetOf(max = 1_000_000): BacklogBudget {
  return { used: 0, max };
}

function frame(text: string, length = text.length): Buffer {
  return Buffer.from(text.padEnd(length, "."));
}

/** What leaves, frame by frame. */
function drain(backlog: Backlog): string[] {
  const out: string[] = [];
  while (!backlog.isEmpty) out.push(backlog.take(1).toString());
  return out;
}

function all(backlog: Backlog): string {
  return backlog.take(1_000_000).toString();
}

describe("backlog", () => {
  it("hands its frames out in order, up to the limit", () => {
    const backlog = new Backlog(1000, budgetOf());
    for (const text of ["one", "two", "three"]) backlog.pushMessage(frame(text), null);
    assert.equal(backlog.bytes, 11);
    assert.equal(backlog.take(7).toString(), "onetwo");
    assert.equal(backlog.bytes, 5);
    assert.equal(backlog.take(100).toString(), "three");
    assert.ok(backlog.isEmpty);
  });

  it("cuts a frame that is longer than the limit, and keeps its rest in front", () => {
    const backlog = new Backlog(1000, budgetOf());
    backlog.pushMessage(frame("abcdef"), null);
    backlog.pushMessage(frame("next"), null);
    assert.equal(backlog.take(4).toString(), "abcd");
    assert.equal(backlog.bytes, 6);
    assert.equal(backlog.take(4).toString(), "ef");
    assert.equal(backlog.take(4).toString(), "next");
  });

  it("lets one message pass that is larger than itself, and then none", () => {
    const backlog = new Backlog(10, budgetOf());
    assert.ok(backlog.hasRoom(5000, 0));
    backlog.pushMessage(frame("x", 5000), null);
    assert.ok(!backlog.hasRoom(1, 0));
  });

  it("counts what the socket still holds", () => {
    const backlog = new Backlog(10, budgetOf());
    backlog.pushMessage(frame("1234"), null);
    assert.ok(backlog.hasRoom(6, 0));
    assert.ok(!backlog.hasRoom(6, 1));
  });

  it("takes and gives back its part of the budget that all share", () => {
    const budget = budgetOf(10);
    const [one, other] = [new Backlog(100, budget), new Backlog(100, budget)];
    one.pushMessage(frame("12345678"), null);
    other.pushRequired(frame("1"));
    assert.equal(budget.used, 9);
    assert.ok(!one.hasRoom(2, 0));
    one.take(3);
    assert.equal(budget.used, 6);
    one.release();
    assert.equal(budget.used, 1);
    other.take(100);
    assert.equal(budget.used, 0);
  });

  it("does not let the message that always fits break the budget that all share", () => {
    const budget = budgetOf(10);
    const [one, other] = [new Backlog(100, budget), new Backlog(100, budget)];
    one.pushMessage(frame("12345678"), null);
    assert.ok(!other.hasRoom(3, 0), "11 bytes in a process that takes 10");
    assert.ok(other.hasRoom(2, 0));
  });

  it("drops all that has not begun, and nothing that has to go out", () => {
    const budget = budgetOf();
    const backlog = new Backlog(1000, budget);
    backlog.pushMessage(frame("abcdef"), null);
    backlog.pushMessage(frame("message"), null);
    backlog.pushRequired(frame("ping"));
    backlog.take(2);
    assert.deepEqual(backlog.dropAll(), { messages: 1, bytes: 7 });
    assert.equal(budget.used, 8);
    assert.equal(all(backlog), "cdefping");
  });
});

describe("overflow", () => {
  const { close, "drop-newest": newest, "drop-oldest": oldest, "latest-per-key": latest } = overflowPolicies;

  function filled(): Backlog {
    const backlog = new Backlog(12, budgetOf());
    backlog.pushMessage(frame("aaaa"), "a");
    backlog.pushRequired(frame("PING"));
    backlog.pushMessage(frame("bbbb"), "b");
    return backlog;
  }

  it("close: says so and drops nothing by itself", () => {
    const backlog = filled();
    assert.deepEqual(close(backlog, 4, 0, null), { verdict: "close", dropped: 0 });
    assert.equal(all(backlog), "aaaaPINGbbbb");
  });

  it("drop-newest: what waits stays", () => {
    const backlog = filled();
    assert.deepEqual(newest(backlog, 4, 0, null), { verdict: "drop", dropped: 0 });
    assert.equal(all(backlog), "aaaaPINGbbbb");
  });

  it("drop-oldest: as many as have to, oldest first, and no control frame", () => {
    const backlog = filled();
    assert.deepEqual(oldest(backlog, 4, 0, null), { verdict: "queue", dropped: 1 });
    assert.equal(all(backlog), "PINGbbbb");
    const again = filled();
    assert.deepEqual(oldest(again, 7, 0, null), { verdict: "queue", dropped: 2 });
    assert.equal(all(again), "PING");
  });

  it("drop-oldest: a message that has begun to leave stays", () => {
    const backlog = new Backlog(8, budgetOf());
    backlog.pushMessage(frame("abcdefgh"), null);
    backlog.pushMessage(frame("2222"), null);
    backlog.take(2);
    assert.deepEqual(oldest(backlog, 4, 0, null), { verdict: "queue", dropped: 1 });
    assert.equal(all(backlog), "cdefgh");
  });

  it("drop-oldest: drops the new one when the budget is spent by others", () => {
    const budget = budgetOf(10);
    new Backlog(100, budget).pushMessage(frame("123456789"), null);
    const backlog = new Backlog(100, budget);
    assert.deepEqual(oldest(backlog, 4, 0, null), { verdict: "drop", dropped: 0 });
  });

  it("latest-per-key: what a later one supersedes goes, the rest keeps its order", () => {
    const backlog = new Backlog(16, budgetOf());
    for (const [text, key] of [["a1", "a"], ["b1", "b"], ["n1", null], ["a2", "a"], ["n2", null], ["b2", "b"]] as const)
      backlog.pushMessage(frame(text), key); // oxfmt-ignore
    backlog.pushRequired(frame("PING"));
    assert.deepEqual(latest(backlog, 2, 0, "a"), { verdict: "queue", dropped: 3 });
    assert.equal(all(backlog), "n1n2b2PING");
  });

  it("latest-per-key: closes when that makes no room", () => {
    const backlog = new Backlog(8, budgetOf());
    backlog.pushMessage(frame("aaaa"), "a");
    backlog.pushMessage(frame("bbbb"), "b");
    assert.deepEqual(latest(backlog, 4, 0, "c"), { verdict: "close", dropped: 0 });
    assert.equal(backlog.bytes, 8);
  });

  it("keeps count: after any of them everything can be taken out and the budget is back at nothing", () => {
    for (const policy of [close, newest, oldest, latest]) {
      const budget = budgetOf();
      const backlog = new Backlog(10, budget);
      for (let i = 0; i < 50; i++) {
        const room = backlog.hasRoom(3, 0);
        if (room || policy(backlog, 3, 0, `${i % 2}`).verdict === "queue")
          backlog.pushMessage(frame("mmm"), `${i % 2}`);
        if (i % 7 === 0) backlog.pushRequired(frame("c"));
        if (i % 5 === 0) backlog.take(2);
      }
      assert.equal(budget.used, backlog.bytes);
      drain(backlog);
      assert.equal(budget.used, 0);
      assert.equal(backlog.bytes, 0);
      assert.ok(backlog.hasRoom(1_000, 0), "no message waits");
    }
  });
});
