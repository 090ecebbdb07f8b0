import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Backlog } from "#hawser/server/sending/backlog.js";
import { Account, MemoryBudget } from "#hawser/server/sending/memory-budget.js";
import { overflowPolicies } from "#hawser/server/sending/overflow.js";
import * as fc from "fast-check";

/** What an entry with a short frame costs besides its bytes. */
const ENTRY = 128;
const KIB = 1024;

function backlogOf(maxBytes: number, budget = new MemoryBudget(100 * KIB * KIB), isKeyed = false): Backlog {
  return new Backlog(maxBytes, new Account(budget, () => {}), isKeyed);
}

function frame(text: string, length = text.length): Buffer {
  return Buffer.from(text.padEnd(length, "."));
}

function own(text: string, length: number): Buffer {
  const buffer = Buffer.allocUnsafeSlow(length);
  buffer.write(text.padEnd(length, "."));
  return buffer;
}

/** All that leaves, joined. */
function drain(backlog: Backlog): string {
  let out = "";
  while (!backlog.isEmpty) {
    out += backlog.shift().toString();
    backlog.forgetHanded();
  }
  return out;
}

describe("backlog", () => {
  it("hands its frames out in order, joined up to 16 KiB", () => {
    const backlog = backlogOf(KIB * KIB);
    for (const text of ["one", "two", "three"]) backlog.pushMessage(frame(text), null);
    backlog.pushMessage(own("long", 16 * KIB - 11), null);
    backlog.pushMessage(frame("next"), null);
    assert.equal(backlog.bytes, 16 * KIB + 4);
    assert.match(backlog.shift().toString(), /^onetwothreelong\.+$/);
    assert.equal(backlog.bytes, 4);
    assert.equal(backlog.shift().toString(), "next");
    assert.ok(backlog.isEmpty);
  });

  it("hands out a long frame as it is, in slices of 64 KiB, and keeps its rest in front", () => {
    const backlog = backlogOf(KIB * KIB);
    const long = own("long", 150 * KIB);
    backlog.pushMessage(long, null);
    backlog.pushMessage(frame("next"), null);
    for (const length of [64, 64, 22]) {
      const slice = backlog.shift();
      assert.deepEqual([slice.length, slice.buffer], [length * KIB, long.buffer]);
    }
    assert.equal(backlog.shift().toString(), "next");
  });

  it("hands out what was copied by itself when it is longer than what is joined", () => {
    const backlog = backlogOf(KIB * KIB);
    const memory = Buffer.alloc(256 * KIB, "y");
    for (const length of [20, 60, 1, 20]) backlog.pushMessage(memory.subarray(0, length * KIB), null);
    assert.deepEqual(
      Array.from({ length: 4 }, () => backlog.shift().length),
      [20 * KIB, 60 * KIB, KIB, 20 * KIB],
    );
    assert.ok(backlog.isEmpty);
  });

  it("joins short frames that are not copied as well", () => {
    const backlog = backlogOf(KIB * KIB);
    for (let i = 0; i < 10; i++) backlog.pushMessage(own(`${i}`, 2 * KIB), null);
    assert.deepEqual([backlog.shift().length, backlog.shift().length], [16 * KIB, 4 * KIB]);
  });

  it("counts a message that leaves in slices no more, once", () => {
    const backlog = backlogOf(KIB * KIB);
    for (const text of ["long", "longer"]) backlog.pushMessage(own(text, 200 * KIB), null);
    const counts = Array.from({ length: 8 }, () => (backlog.shift(), backlog.messages));
    assert.deepEqual(counts, [1, 1, 1, 1, 0, 0, 0, 0]);
  });

  it("lets one message pass that is larger than itself, and then none", () => {
    const backlog = backlogOf(KIB);
    assert.ok(backlog.hasRoomFor(frame("x", 5000), null, 0));
    backlog.pushMessage(frame("x", 5000), null);
    assert.ok(!backlog.hasRoomFor(frame("x"), null, 0));
  });

  it("counts what entries cost, and what the socket still holds", () => {
    const backlog = backlogOf(10 * (ENTRY + 2));
    for (let i = 0; i < 9; i++) backlog.pushMessage(frame("12"), null);
    assert.ok(backlog.hasRoomFor(frame("12"), null, 0));
    assert.ok(!backlog.hasRoomFor(frame("123"), null, 0));
    assert.ok(!backlog.hasRoomFor(frame("12"), null, 1));
    assert.equal(backlog.bytes, 18);
  });

  it("charges for keys, however long, as long as messages of theirs wait", () => {
    const budget = new MemoryBudget(KIB * KIB);
    const backlog = backlogOf(100 * KIB, budget, true);
    const key = "k".repeat(10 * KIB);
    backlog.pushMessage(frame("1"), key);
    const one = budget.used;
    assert.ok(one > 10 * KIB, `${one} bytes`);
    backlog.pushMessage(frame("2"), key);
    assert.ok(budget.used < one + KIB, `${budget.used} bytes: the key is there once`);
    backlog.pushMessage(frame("3"), "k".repeat(30 * KIB));
    assert.ok(!backlog.hasRoomFor(frame("4"), "x".repeat(60 * KIB), 0));
    backlog.shift();
    backlog.forgetHanded();
    assert.equal(budget.used, 0);
  });

  it("charges a key that is known only for what one more message of it costs", () => {
    const key = "k".repeat(1000);
    const backlog = backlogOf(5 * KIB, undefined, true);
    backlog.pushMessage(frame("1"), key);
    const { account } = backlog;
    const first = account.share;
    const next = backlog.costOf(frame("2"), key);
    backlog.pushMessage(frame("2"), key);
    assert.equal(account.share - first, next);
    assert.ok(next < first - 2 * 1000, `${next} after ${first} bytes`);
    assert.ok(backlog.costOf(frame("3"), "another".padEnd(1000)) > 2000);
    assert.deepEqual(
      [backlog.hasRoomFor(frame("3"), key, 0), backlog.hasRoomFor(frame("3"), key.repeat(2), 0)],
      [true, false],
    );
  });

  it("takes and gives back its part of the budget that all share", () => {
    const budget = new MemoryBudget(KIB * KIB);
    const [first, second] = [backlogOf(KIB, budget), backlogOf(KIB, budget)];
    first.pushMessage(frame("12345678"), null);
    second.pushRequired(frame("1"));
    assert.equal(budget.used, 2 * ENTRY + 9);
    first.release();
    assert.equal(budget.used, ENTRY + 1);
    second.shift();
    assert.ok(budget.used > 0, "the socket has not taken it yet");
    second.forgetHanded();
    assert.equal(budget.used, 0);
  });

  it("charges a frame that waits for many once, with a share for each", () => {
    const budget = new MemoryBudget(KIB * KIB);
    const shared = own("to all", 100 * KIB);
    const backlogs = Array.from({ length: 64 }, () => backlogOf(KIB * KIB, budget));
    for (const backlog of backlogs) backlog.pushMessage(shared, null);
    assert.ok(budget.used < 100 * KIB + (64 * KIB) / 2, `${budget.used} bytes`);
    for (const { account } of backlogs) assert.ok(account.share < 3 * KIB, `a share of ${account.share}`);
    for (const backlog of backlogs.slice(1)) backlog.release();
    assert.ok(backlogs[0]!.account.share > 100 * KIB, "who is left holds all of it");
    backlogs[0]!.release();
    assert.deepEqual([budget.used, backlogs[0]!.account.share], [0, 0]);
  });

  it("copies what lies in much larger memory", () => {
    const budget = new MemoryBudget(KIB * KIB);
    const backlog = backlogOf(KIB * KIB, budget);
    backlog.pushMessage(Buffer.alloc(512 * KIB).subarray(5, 1000), null);
    assert.ok(budget.used < 2 * KIB, `${budget.used} bytes`);
    backlog.pushMessage(Buffer.alloc(300 * KIB).subarray(5, 100 * KIB), null);
    assert.ok(budget.used > 300 * KIB, "what is long is not copied, and charged with all that it keeps");
  });

  it("drops all that has not begun, and nothing that has to go out", () => {
    const budget = new MemoryBudget(KIB * KIB);
    const backlog = backlogOf(KIB * KIB, budget);
    backlog.pushMessage(own("begun", 100 * KIB), null);
    backlog.pushMessage(frame("message"), null);
    backlog.pushRequired(frame("ping"));
    backlog.shift();
    backlog.forgetHanded();
    backlog.dropAll();
    assert.deepEqual([backlog.messages, backlog.bytes], [0, 36 * KIB + 4]);
    assert.match(drain(backlog), /^\.+ping$/);
    assert.equal(budget.used, 0);
  });
});

describe("overflow", () => {
  const { close, "drop-newest": newest, "drop-oldest": oldest, "latest-per-key": latest } = overflowPolicies;
  const enough = (after: number): (() => boolean) => {
    let asked = 0;
    return () => asked++ >= after;
  };

  function filled(): Backlog {
    const backlog = backlogOf(3 * ENTRY + 12, undefined, true);
    backlog.pushMessage(frame("aaaa"), "a");
    backlog.pushRequired(frame("PING"));
    backlog.pushMessage(frame("bbbb"), "b");
    return backlog;
  }

  it("close: says so and drops nothing by itself", () => {
    const backlog = filled();
    assert.equal(
      close.makeRoom(backlog, () => false, null),
      "close",
    );
    assert.equal(
      close.giveWay(backlog, () => false),
      "close",
    );
    assert.equal(drain(backlog), "aaaaPINGbbbb");
  });

  it("drop-newest: what waits stays; for others, its newest go", () => {
    const backlog = filled();
    assert.equal(
      newest.makeRoom(backlog, () => false, null),
      "drop",
    );
    assert.equal(newest.giveWay(backlog, enough(1)), "stay");
    assert.equal(drain(backlog), "aaaaPING");
  });

  it("drop-oldest: as many as have to, oldest first, and no control frame", () => {
    for (const [after, left] of [[1, "PINGbbbb"], [2, "PING"]] as const) {
      const backlog = filled();
      assert.equal(oldest.makeRoom(backlog, enough(after), null), "queue");
      assert.equal(drain(backlog), left);
      const other = filled();
      assert.equal(oldest.giveWay(other, enough(after)), "stay");
      assert.equal(drain(other), left);
    } // oxfmt-ignore
    assert.equal(
      oldest.makeRoom(filled(), () => false, null),
      "drop",
    );
  });

  it("drop-oldest: a message that has begun to leave stays", () => {
    const backlog = backlogOf(KIB * KIB);
    backlog.pushMessage(own("begun", 100 * KIB), null);
    backlog.pushMessage(frame("2222"), null);
    backlog.shift();
    assert.equal(oldest.makeRoom(backlog, enough(1), null), "queue");
    assert.equal(drain(backlog).length, 36 * KIB);
  });

  it("latest-per-key: what a later one supersedes goes, the rest keeps its order", () => {
    const backlog = backlogOf(KIB * KIB, undefined, true);
    for (const [text, key] of [["a1", "a"], ["b1", "b"], ["n1", null], ["a2", "a"], ["n2", null], ["b2", "b"]] as const)
      backlog.pushMessage(frame(text), key); // oxfmt-ignore
    backlog.pushRequired(frame("PING"));
    assert.equal(
      latest.makeRoom(backlog, () => true, "a"),
      "queue",
    );
    assert.equal(backlog.messages, 3);
    assert.equal(drain(backlog), "n1n2b2PING");
  });

  it("latest-per-key: by any key, and only those are kept by the other policies", () => {
    const keys = ["key", "clé", "ключ", "鍵", "🗝"];
    const backlog = backlogOf(KIB * KIB, undefined, true);
    for (const text of ["1", "2"]) for (const key of keys) backlog.pushMessage(frame(`${text} of ${key};`), key);
    latest.makeRoom(backlog, () => true, null);
    assert.equal(drain(backlog), keys.map((key) => `2 of ${key};`).join(""));
    for (const [name, { isKeyed }] of Object.entries(overflowPolicies))
      assert.equal(isKeyed, name === "latest-per-key");
  });

  it("latest-per-key: closes when that makes no room, for itself or for others", () => {
    const backlog = filled();
    assert.equal(
      latest.makeRoom(backlog, () => false, "c"),
      "close",
    );
    assert.equal(
      latest.giveWay(backlog, () => false),
      "close",
    );
    assert.equal(drain(backlog), "aaaaPINGbbbb");
  });

  it("latest-per-key: what has begun to leave is not superseded", () => {
    const backlog = backlogOf(KIB * KIB, undefined, true);
    backlog.pushMessage(own("a1", 100 * KIB), "a");
    backlog.shift();
    backlog.pushMessage(frame("a2"), "a");
    assert.equal(
      latest.makeRoom(backlog, () => true, "b"),
      "queue",
    );
    assert.match(drain(backlog), /^\.+a2$/);
  });

  it("does what a plain list would do, and keeps its books, whatever comes in what order", () => {
    const step = fc.oneof(
      fc.record({ push: fc.nat({ max: 40 * KIB }), key: fc.option(fc.constantFrom("a", "b", "c")) }),
      fc.constantFrom("control", "take", "oldest", "newest", "superseded", "all"),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.boolean(), (steps, isKeyed) => {
        const budget = new MemoryBudget(100 * KIB * KIB);
        const backlog = backlogOf(KIB * KIB, budget, isKeyed);
        let model: { text: string; key: string | null; droppable: boolean }[] = [];
        const newerOf = (at: number): boolean =>
          model.slice(at + 1).some(({ key, droppable }) => droppable && key === model[at]!.key);
        let number = 0;
        for (const what of steps) {
          if (typeof what === "object") {
            const text = `${number++};`.padEnd(what.push, ".");
            backlog.pushMessage(own(text, text.length), what.key);
            model.push({ text, key: what.key, droppable: true });
          } else if (what === "control") {
            backlog.pushRequired(frame("!"));
            model.push({ text: "!", key: null, droppable: false });
          } else if (what === "take" && model.length > 0) {
            const taken = backlog.shift().toString();
            const all = model.map(({ text }) => text).join("");
            assert.ok(all.startsWith(taken) && taken.length > 0);
            let left = taken.length;
            while (left > 0) left -= model.shift()!.text.length;
            assert.equal(left, 0);
          } else if (what === "oldest") {
            const at = model.findIndex(({ droppable }) => droppable);
            assert.equal(backlog.dropOldest(), at >= 0);
            if (at >= 0) model.splice(at, 1);
          } else if (what === "newest" && !isKeyed) {
            backlog.dropNewest(enough(1));
            const at = model.findLastIndex(({ droppable }) => droppable);
            if (at === model.length - 1) model.splice(at, 1);
          } else if (what === "superseded" && isKeyed) {
            backlog.dropSuperseded(null);
            model = model.filter(({ key, droppable }, at) => !droppable || key === null || !newerOf(at));
          } else if (what === "all") {
            backlog.dropAll();
            model = model.filter(({ droppable }) => !droppable);
          }
          assert.equal(backlog.messages, model.filter(({ droppable }) => droppable).length);
          assert.equal(
            backlog.bytes,
            model.reduce((sum, { text }) => sum + text.length, 0),
          );
        }
        assert.equal(drain(backlog), model.map(({ text }) => text).join(""));
        backlog.release();
        assert.deepEqual([budget.used, backlog.account.level], [0, 0]);
        assert.ok(Math.abs(backlog.account.share) < 1e-6);
      }),
    );
  });
});
