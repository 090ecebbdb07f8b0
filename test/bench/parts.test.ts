import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, it } from "node:test";
import { Worker } from "node:worker_threads";
import { DueTimes } from "#cli/bench/due-times.js";
import { buckets, type Latencies, makeLatencies, merge, percentiles, recordMs } from "#cli/bench/histogram.js";
import { Payload } from "#cli/bench/payload.js";
import { members, membersOf, type Plan, targetOf } from "#cli/bench/plan.js";
import { Listeners } from "#cli/bench/room.js";
import { Schedule } from "#cli/bench/schedule.js";
import { sharedClock } from "#cli/bench/shared-clock.js";
import { findStamp, NO_STAMP, stampMicros, stampSender, writeStamp } from "#cli/bench/stamp.js";
import { Counters } from "#cli/bench/tally.js";
import { findTarget } from "#cli/tools/target.js";

describe("stamps", () => {
  it("are read as they were written", () => {
    const payload = Buffer.alloc(20, "x");
    for (const [micros, sender] of [
      [0, 0],
      [1, 2],
      [68_719_476_735, 16_777_215],
    ] as const) {
      writeStamp(payload, micros, sender);
      assert.equal(findStamp(payload, 0, 20), 0);
      assert.deepEqual([stampMicros(payload, 0), stampSender(payload, 0)], [micros, sender]);
    }
    assert.match(payload.toString("latin1"), /^~[0-9a-f]{15}xxxx$/, "it is text");
  });

  it("are found behind what a server wrote before them, and not beyond the message", () => {
    const stamp = Buffer.alloc(16);
    writeStamp(stamp, 1234, 5);
    const bytes = Buffer.concat([Buffer.from('~{"from":"~7","text":"'), stamp, Buffer.from('"}')]);
    const at = findStamp(bytes, 0, bytes.length);
    assert.deepEqual([stampMicros(bytes, at), stampSender(bytes, at)], [1234, 5]);
    assert.equal(findStamp(bytes, 0, bytes.length - 3), NO_STAMP);
    assert.equal(findStamp(Buffer.from("~hello, this is no stamp"), 0, 24), NO_STAMP);
    assert.equal(findStamp(Buffer.alloc(0), 0, 0), NO_STAMP);
  });

  it("need 16 bytes", () => {
    assert.equal(new Payload(15, false).isStamped, false);
    assert.equal(new Payload(16, true).isStamped, true);
    assert.equal(new Payload(0, false).stamped(1, 1).length, 0);
  });
});

describe("due times", () => {
  it("are a queue, from which any can be taken", () => {
    const due = new DueTimes();
    for (const time of [1, 2, 3, 4]) due.push(time);
    assert.equal(due.shift(), 1);
    assert.equal(due.take(3), true);
    assert.equal(due.take(3), false);
    assert.equal(due.take(1), false, "it was taken before");
    assert.equal(due.length, 2);
    assert.deepEqual(due.drain(), [2, 4]);
    assert.deepEqual([due.length, due.shift()], [0, undefined]);
  });

  it("stay in order over many", () => {
    const due = new DueTimes();
    for (let time = 0; time < 10_000; time++) {
      due.push(time);
      if (time % 2 === 1) assert.equal(due.shift(), (time - 1) / 2);
    }
    assert.equal(due.length, 5000);
    assert.equal(due.shift(), 5000);
  });
});

describe("a schedule", () => {
  it("hands out at the end what was due before it, however long the thread was held up", () => {
    let now = 0;
    const due: number[] = [];
    const schedule = new Schedule(new Counters(() => now), 100, 1, (time) => due.push(time));
    schedule.start(0);
    now = 1000;
    assert.equal(schedule.behind, 101);
    schedule.stop(95);
    schedule.stop(200);
    assert.deepEqual(due, [0, 10, 20, 30, 40, 50, 60, 70, 80, 90]);
    assert.equal(schedule.behind, 0);
  });
});

describe("latencies", () => {
  it("of several threads are one", () => {
    const [one, other, none] = [makeLatencies(), makeLatencies(), makeLatencies()];
    for (let ms = 1; ms <= 50; ms++) recordMs(one, ms);
    for (let ms = 51; ms <= 100; ms++) recordMs(other, ms);
    const merged = merge([one, other, none]);
    assert.deepEqual(
      buckets(merged).map(({ fromMs, count }) => [fromMs, count]),
      [
        [1, 1],
        [2, 3],
        [5, 5],
        [10, 10],
        [20, 30],
        [50, 50],
        [100, 1],
      ],
    );
    const all = percentiles(merged);
    assert.ok(all !== null);
    assert.equal(all.count, 100);
    const near = (value: number, wanted: number): void =>
      assert.ok(Math.abs(value - wanted) <= wanted / 500, `${value} is not ${wanted}`);
    near(all.min, 1);
    near(all.p50, 50);
    near(all.p90, 90);
    near(all.p99, 99);
    near(all.max, 100);
    near(all.mean, 50.5);
    assert.equal(percentiles(none), null);
  });

  it("go from thread to thread", async () => {
    const module = new URL("../../../packages/cli/dist/bench/histogram.js", import.meta.url).href;
    const worker = new Worker(
      `import(${JSON.stringify(module)}).then(({ makeLatencies, recordMs }) => {
        const latencies = makeLatencies();
        for (const ms of [2, 30, 30]) recordMs(latencies, ms);
        require("node:worker_threads").parentPort.postMessage({ latencies });
      })`,
      { eval: true },
    );
    const [{ latencies }] = (await once(worker, "message")) as [{ latencies: Latencies }];
    await once(worker, "exit");
    const all = percentiles(merge([latencies, latencies]));
    assert.deepEqual([all?.count, all?.min, Math.round(all?.max ?? 0)], [6, 2, 30]);
  });

  it("are kept from 1 µs to an hour", () => {
    const latencies = makeLatencies();
    for (const ms of [-1, 0, 0.0001, 1e12]) recordMs(latencies, ms);
    assert.deepEqual(
      buckets(latencies).flatMap(({ fromMs, count }) => (count > 0 ? [[fromMs, count]] : [])),
      [
        [0.001, 3],
        [2_000_000, 1],
      ],
    );
    const all = percentiles(latencies);
    assert.deepEqual([all?.count, all?.min], [4, 0.001]);
    assert.ok(Math.abs((all?.max ?? 0) / 3_600_000 - 1) < 0.001);
  });

  it("in buckets of 1, 2, 5, without gaps", () => {
    const latencies = makeLatencies();
    for (const ms of [0.15, 0.19, 1.5, 1.5, 3]) recordMs(latencies, ms);
    assert.deepEqual(buckets(latencies), [
      { fromMs: 0.1, toMs: 0.2, count: 2 },
      { fromMs: 0.2, toMs: 0.5, count: 0 },
      { fromMs: 0.5, toMs: 1, count: 0 },
      { fromMs: 1, toMs: 2, count: 2 },
      { fromMs: 2, toMs: 5, count: 1 },
    ]);
    assert.deepEqual(buckets(makeLatencies()), []);
  });
});

describe("who does what", () => {
  const plan = { load: "fanout", connections: 10, rooms: 2, threads: 3 } as Plan;

  it("the first connection of each room publishes", () => {
    assert.deepEqual(
      members(plan).map(({ room, isPublisher }) => `${room}${isPublisher ? "!" : ""}`),
      ["0!", "1!", "0", "1", "0", "1", "0", "1", "0", "1"],
    );
  });

  it("each connection is in one thread", () => {
    const dealt = [0, 1, 2].map((thread) => membersOf(plan, thread));
    assert.deepEqual(
      dealt
        .flat()
        .map(({ id }) => id)
        .toSorted((a, b) => a - b),
      [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    );
    assert.deepEqual(
      dealt.map((some) => some.length),
      [4, 4, 2],
    );
  });

  it("rooms have paths of their own", async () => {
    const target = await findTarget("ws://127.0.0.1:1/chat/?a=1", false);
    assert.equal(targetOf({ ...plan, target }, 1).path, "/chat/2?a=1");
    assert.equal(targetOf({ ...plan, target, rooms: 1 }, 0).path, "/chat/?a=1");
  });
});

it("a round is over when the listeners have had a message each", () => {
  const rounds: number[] = [];
  const listeners = new Listeners((round) => rounds.push(round));
  for (let count = 0; count < 3; count++) listeners.join();
  for (let count = 0; count < 7; count++) listeners.received();
  assert.deepEqual(rounds, [1, 2]);
  listeners.leave();
  for (let count = 0; count < 2; count++) listeners.received();
  assert.deepEqual(rounds, [1, 2, 3]);
  listeners.leave();
  listeners.leave();
  assert.deepEqual(rounds, [1, 2, 3, Number.POSITIVE_INFINITY]);
});

describe("the clock", () => {
  it("begins at the epoch, in milliseconds", () => {
    const now = sharedClock(process.hrtime.bigint() - 5_000_000_000n)();
    assert.ok(now >= 5000 && now < 65_000, String(now));
  });

  it("is one for all threads: what was sent is not received before", async (t) => {
    const epoch = process.hrtime.bigint();
    const now = sharedClock(epoch);
    const module = new URL("../../../packages/cli/dist/bench/shared-clock.js", import.meta.url).href;
    const program = `const { parentPort, workerData } = require("node:worker_threads");
      import(${JSON.stringify(module)}).then(({ sharedClock }) => {
        const now = sharedClock(workerData);
        parentPort.on("message", () => parentPort.postMessage(now())).postMessage(now());
      });`;
    const worker = new Worker(program, { eval: true, workerData: epoch });
    t.after(() => worker.terminate());
    await once(worker, "message");
    for (let tries = 0; tries < 50; tries++) {
      const before = now();
      worker.postMessage("");
      const [there] = (await once(worker, "message")) as [number];
      // They agree to 5 µs, and the last of a double's digits.
      assert.ok(there > before - 0.01 && there < now() + 0.01, `${before} ${there}`);
    }
  });
});
