import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { InOrder } from "#hawser/server/base/in-order.js";
import { keptBy } from "../harness/heap.js";

test("it holds what a Map would, whatever is taken out when, and numbers begin anew after the last", () => {
  const step = fc.record({ add: fc.nat(60), delete: fc.array(fc.nat(80), { maxLength: 60 }) });
  const first = fc.constantFrom(0, 1, 2 ** 31 - 20, 2 ** 32 - 20, 2 ** 32 - 1);
  fc.assert(
    fc.property(first, fc.array(step, { maxLength: 20 }), (begin, steps) => {
      const items = new InOrder<string>(begin);
      const model = new Map<number, string>();
      let next = begin;
      for (const { add, delete: deleted } of steps) {
        for (let n = 0; n < add; n++) {
          assert.equal(items.add(`${next}`), next);
          model.set(next, `${next}`);
          next = (next + 1) % 2 ** 32;
        }
        for (const back of deleted) {
          const number = (next - back) >>> 0;
          assert.equal(items.get(number), model.get(number));
          assert.equal(items.delete(number), model.get(number));
          model.delete(number);
        }
        assert.deepEqual([items.size, [...items]], [model.size, [...model]]);
      }
      for (const wrong of [NaN, -1, 0.5, 2 ** 32, (next + 1) >>> 0]) assert.equal(items.get(wrong), undefined);
    }),
  );
});

test("one that stays while many come and go is still there, and so is their order", () => {
  const items = new InOrder<number>();
  const old = items.add(-1);
  for (let n = 0; n < 10_000; n++) items.delete(items.add(n));
  const last = items.add(-2);
  assert.deepEqual(
    [...items],
    [
      [old, -1],
      [last, -2],
    ],
  );
});

test("who goes through it may delete what comes, and adds without end to nothing", () => {
  const items = new InOrder<string>();
  const numbers = ["a", "b", "c"].map((item) => items.add(item));
  const seen: string[] = [];
  for (const [number, item] of items) {
    seen.push(item);
    items.delete(number);
    items.delete(numbers[1]!);
    items.add("later");
  }
  assert.deepEqual([seen, items.size], [["a", "c"], 2]);
});

// A Map that was once seen by a collection of the old generation keeps 10 MB here.
test("what was taken out does not outlive the young generation", async () => {
  const items = new InOrder<object>();
  const numbers = Array.from({ length: 64 }, () => items.add({}));
  const kept = await keptBy(100, () => {
    for (let n = 0; n < 1_000; n++) {
      items.delete(numbers[n % 64]!);
      numbers[n % 64] = items.add({ n, bytes: Array<number>(10).fill(n) });
    }
  });
  assert.ok(kept < 3e6, `${kept} bytes are kept`);
});
