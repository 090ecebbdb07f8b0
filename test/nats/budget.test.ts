// What reads may have under way at once, and how it is asked for. No server.

import assert from "node:assert/strict";
import { test } from "node:test";
import { MsgHdrsImpl, type Msg } from "@nats-io/transport-node";
import * as fc from "fast-check";
import { Budget, Share, Sizes } from "#nats/budget.js";
import { Pull } from "#nats/pull.js";

test("who comes first is served first, be it more than those behind it want", () => {
  const budget = new Budget(10);
  const served: string[] = [];
  const take = (name: string, bytes: number): Share => {
    const share = new Share(bytes);
    if (budget.take(share, () => served.push(name))) served.push(name);
    return share;
  };
  const [a, b] = [take("a", 6), take("b", 4)];
  const large = take("large", 100);
  const small = take("small", 1);
  assert.deepEqual(served, ["a", "b"]);
  budget.end(b);
  assert.deepEqual(served, ["a", "b"], "nobody overtakes the large one");
  budget.end(a);
  assert.deepEqual(served, ["a", "b", "large"], "which is as large as everything");
  budget.end(large);
  budget.end(small);
  assert.deepEqual(served, ["a", "b", "large", "small"]);
});

test("who waits no longer is not served, and holds up nobody", () => {
  const budget = new Budget(10);
  const all = new Share(10);
  assert.ok(budget.take(all, assert.fail));
  const late = new Share(8);
  assert.equal(budget.take(late, assert.fail), false);
  const next = new Share(5);
  let isServed = false;
  assert.equal(
    budget.take(next, () => (isServed = true)),
    false,
  );
  budget.end(late);
  budget.end(all);
  assert.ok(isServed);
  // To end a second time gives nothing back.
  for (const share of [late, all, next, next]) budget.end(share);
  assert.ok(budget.take(new Share(10), assert.fail));
  assert.equal(
    budget.take(new Share(1), () => {}),
    false,
  );
});

test("whatever is taken and ended, in whichever order, no more than there is is under way, and in the end nothing is", () => {
  const step = fc.record({ bytes: fc.integer({ min: 0, max: 15 }), ends: fc.array(fc.nat(40), { maxLength: 3 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const budget = new Budget(10);
      const shares: Share[] = [];
      const order: Share[] = [];
      const underWay = (): number =>
        shares.reduce((sum, { state, bytes }) => sum + (state === "taken" ? Math.min(bytes, 10) : 0), 0);
      for (const { bytes, ends } of steps) {
        const share = new Share(bytes);
        shares.push(share);
        if (budget.take(share, () => order.push(share))) order.push(share);
        for (const n of ends) if (shares[n] !== undefined) budget.end(shares[n]);
        assert.ok(underWay() <= 10);
      }
      const places = order.map((share) => shares.indexOf(share));
      assert.deepEqual(
        places,
        places.toSorted((a, b) => a - b),
      );
      for (const share of shares) budget.end(share);
      assert.ok(budget.take(new Share(10), assert.fail));
    }),
  );
});

test("an answer is expected to be as large as can be, then as those before it; one that is large counts at once", () => {
  const sizes = new Sizes(1_600);
  assert.equal(sizes.most, 1_600);
  sizes.saw(10);
  assert.ok(sizes.most < 1_600 && sizes.most > 1_000);
  for (let n = 0; n < 1_000; n++) sizes.saw(10);
  assert.equal(sizes.most, 100, "not less than a part of the largest");
  sizes.saw(900);
  assert.equal(sizes.most, 900);
});

/** A consumer as nats-server has it: of what was asked for it sends no more bytes than it was told. */
class Consumer {
  readonly asked: { batch: number; max_bytes: number }[] = [];
  readonly read: number[] = [];
  how = "reads";
  #next = 0;
  readonly #pull: Pull;
  readonly #replies: string[] = [];
  readonly #sizes: readonly number[];

  constructor(sizes: readonly number[], maxPayload: number, wanted: number = sizes.length) {
    this.#sizes = sizes;
    const line = {
      subject: "me",
      maxPayload,
      reserve: (_: number, begin: () => void) => begin(),
      send: (_: string, data: string, reply: string) => {
        this.asked.push(JSON.parse(data) as { batch: number; max_bytes: number });
        this.#replies.push(reply);
      },
      done: () => (this.how = "done"),
      fail: (error: Error) => (this.how = error.message),
    };
    this.#pull = new Pull(line, "next", ({ data }) => {
      this.read.push(data.length);
      return this.read.length === wanted ? 0 : sizes.length - this.read.length;
    });
    this.#pull.begin(() => Promise.resolve(sizes.length));
  }

  status(code: number, description: string, round: number = this.#replies.length): void {
    const headers = new MsgHdrsImpl(code, description);
    this.#pull.heard({ subject: this.#replies[round - 1], data: new Uint8Array(), headers } as unknown as Msg);
  }

  async run(): Promise<this> {
    await Promise.resolve();
    for (let round = 0; this.how === "reads" && round < this.asked.length; round++) {
      let { batch, max_bytes: bytes } = this.asked[round]!;
      for (; batch > 0 && this.how === "reads"; batch--) {
        const size = this.#sizes[this.#next];
        if (size === undefined) this.status(404, "No Messages");
        else if (size > bytes) this.status(409, "Message Size Exceeds MaxBytes");
        if (size === undefined || size > bytes) break;
        bytes -= size;
        this.#next++;
        this.#pull.heard({ subject: "topic", data: new Uint8Array(size) } as Msg);
        if (this.asked.length > round + 1) this.status(409, "Batch Completed", round + 1);
      }
    }
    return this;
  }
}

test("messages of any size are read whole and in their order", async () => {
  const size = fc.oneof(fc.nat(2_000), fc.nat(100_000));
  await fc.assert(
    fc.asyncProperty(fc.array(size, { minLength: 1, maxLength: 100 }), fc.nat(100_000), async (sizes, maxPayload) => {
      const { how, read } = await new Consumer(sizes, maxPayload).run();
      assert.deepEqual([how, read], ["done", sizes]);
    }),
    { numRuns: 50 },
  );
});

test("little is asked for at first, and more each time", async () => {
  const { asked } = await new Consumer(Array<number>(200).fill(100), 2 ** 20).run();
  assert.deepEqual(
    asked.map(({ batch }) => batch),
    [32, 64, 104],
  );
  const large = await new Consumer(Array<number>(20).fill(2 ** 20), 2 ** 20).run();
  assert.deepEqual(
    large.asked.map((ask) => Math.floor(ask.max_bytes / 2 ** 20)),
    [0, 1, 2, 4, 4, 4, 4, 4].slice(0, large.asked.length),
  );
  assert.equal(large.read.length, 20);
});

test("it ends when there is enough, or nothing is left of what was counted, and not otherwise", async () => {
  const some = await new Consumer([1, 1, 1, 1], 1_000, 2).run();
  assert.deepEqual([some.how, some.read.length], ["done", 2]);
  assert.equal((await new Consumer([], 1_000).run()).how, "done");
  const consumer = new Consumer([1], 1_000);
  await Promise.resolve();
  await Promise.resolve();
  consumer.status(409, "Consumer Deleted");
  assert.match(consumer.how, /Consumer Deleted/);
});
