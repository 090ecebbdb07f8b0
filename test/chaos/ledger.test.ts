// What accounts for messages notices what is wrong: a report without faults means something.

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Follower, Ledger } from "./ledger.js";

/** A topic with three messages that were acknowledged, and a follower of it. */
function rig(now?: () => number): { ledger: Ledger; follower: Follower; faults: () => string } {
  const ledger = new Ledger(now);
  const follower = ledger.follow("ada", "t");
  follower.begin({ epoch: "a", offset: 0 });
  for (const offset of [1, 2, 3]) ledger.acknowledged("t", `m${offset}`, { epoch: "a", offset });
  return { ledger, follower, faults: () => ledger.check().faults.join("\n") };
}

function hears(follower: Follower, ...offsets: number[]): void {
  for (const offset of offsets) follower.message(`m${offset}`, { epoch: "a", offset }, false);
}

test("all messages, in order", () => {
  const { ledger, follower } = rig();
  hears(follower, 1, 2, 3);
  const { faults, delivered } = ledger.check();
  assert.deepEqual([faults, delivered], [[], 3]);
});

test("one that is missing in between, and one at the end", () => {
  const one = rig();
  hears(one.follower, 1, 3);
  assert.match(one.faults(), /ada has a\/3 \(m3\) after 1, without a word of m2/);
  const other = rig();
  hears(other.follower, 1, 2);
  assert.match(other.faults(), /ada ends at 2, without a word of m3/);
});

test("a gap is a word", () => {
  const { follower, ledger } = rig();
  hears(follower, 1);
  follower.gap("lost", { epoch: "a", offset: 2 });
  hears(follower, 3);
  const { faults, gaps } = ledger.check();
  assert.deepEqual([faults, gaps], [[], { lost: 1 }]);
});

/** Misses one message, after the engine forgot or before, and is told of a gap. */
function toldAfter(afterMs: number, forgets: "before" | "after" | "never", gapEpoch = "a"): (string | number)[] {
  let now = 0;
  const { ledger, follower } = rig(() => now);
  if (forgets === "before") ledger.engineForgets();
  now = 1000;
  hears(follower, 1, 3);
  now++;
  if (forgets === "after") ledger.engineForgets();
  now = 1000 + afterMs;
  follower.gap("lost", { epoch: gapEpoch, offset: 3 });
  const { faults, toldLate } = ledger.check();
  return [faults.length, toldLate];
}

test("a gap that comes late is one only where the engine had forgotten, and within the time that a node has to notice", () => {
  assert.deepEqual(toldAfter(35_000, "before"), [0, 1]);
  assert.deepEqual(toldAfter(35_001, "before"), [1, 0]);
  assert.deepEqual(toldAfter(35_000, "after"), [1, 0]);
  assert.deepEqual(toldAfter(35_000, "never"), [1, 0]);
});

test("a topic that begins anew is a late word for all that is missing before it", () => {
  assert.deepEqual(toldAfter(100_000, "before", "b"), [0, 1]);
  assert.deepEqual(toldAfter(100_000, "never", "b"), [1, 0]);
});

test("one that comes twice, or too late", () => {
  for (const offsets of [
    [1, 2, 2, 3],
    [1, 3, 2],
  ]) {
    const { follower, faults } = rig();
    hears(follower, ...offsets);
    assert.match(faults(), /ada has a\/2 \(m2\) after [23]/);
  }
});

test("another epoch without a gap", () => {
  const { follower, faults } = rig();
  hears(follower, 1, 2, 3);
  follower.message("m4", { epoch: "b", offset: 4 }, false);
  assert.match(faults(), /b\/4 \(m4\) after a\/3, and no gap between/);
});

test("another message at the same place, and a message at two", () => {
  const { ledger, follower, faults } = rig();
  hears(follower, 1, 2);
  follower.message("other", { epoch: "a", offset: 3 }, false);
  assert.match(faults(), /at a\/3 ada has other, and others have m3/);
  ledger.acknowledged("t", "m1", { epoch: "a", offset: 4 });
  const again = rig();
  hears(again.follower, 1, 2, 3);
  again.ledger.follow("bob", "t").message("m1", { epoch: "a", offset: 4 }, false);
  assert.match(again.faults(), /m1 was published once, and is at a\/1 and a\/4/);
});

test("a client that never got to subscribe, and a plain one that hears twice", () => {
  const { ledger, follower } = rig();
  hears(follower, 1, 2, 3);
  ledger.follow("bob", "t");
  ledger.listen("cy", "t").ids.push("m1", "m1");
  assert.deepEqual(ledger.check().faults, ["t: bob never got to subscribe", "t: cy, a plain client, has m1 twice"]);
});
