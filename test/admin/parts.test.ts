// The small parts of the dashboard's server side, each for itself.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { LogTail } from "#admin/log-tail.js";
import { Pace } from "#admin/pace.js";
import { largestRooms } from "#admin/rooms.js";
import { RoundTripSample } from "#admin/round-trips.js";
import { LogBook } from "../harness/rig.js";
import { StepClock } from "../harness/step-clock.js";

describe("LogTail", () => {
  const events = (tail: LogTail, seen = 0, most?: number): string[] =>
    tail.after(seen, "secret", most).map(({ event }) => event);

  test("keeps the last 200 lines", () => {
    const tail = new LogTail();
    for (let i = 0; i < 1000; i++) tail.write(`{"event":"${i}"}\n`);
    assert.deepEqual([events(tail).length, events(tail)[0], events(tail).at(-1)], [200, "800", "999"]);
    assert.deepEqual(events(tail, 998), ["998", "999"]);
    assert.deepEqual(events(tail, 0, 2), ["998", "999"]);
    assert.deepEqual(events(tail, 1000), []);
  });

  test("tee writes to both", () => {
    const [tail, book] = [new LogTail(), new LogBook()];
    const log = tail.tee(book);
    log.info({ event: "connect", id: "a", subprotocol: "" }, "client connected");
    log.error({ event: "server-error", err: Object.assign(new TypeError("text"), { code: "E_ONE" }) }, "failed");
    assert.deepEqual(
      book.lines.map(({ level, event }) => [level, event]),
      [
        ["info", "connect"],
        ["error", "server-error"],
      ],
    );
    const [one, two] = tail.after(0, "secret");
    assert.deepEqual([one?.level, one?.message, one?.fields], ["info", "client connected", [["id", "a"]]]);
    assert.deepEqual(two?.fields, [["err", "TypeError E_ONE"]]);
  });

  test("lines of pino are read: levels as numbers, times as text or numbers", () => {
    const tail = new LogTail();
    tail.write('{"level":40,"time":"2026-01-02T03:04:05.000Z","event":"a","n":1,"list":[1]}');
    tail.write('{"level":"error","time":12345,"event":"b","x":null}');
    tail.write("not JSON");
    const [a, b, ...rest] = tail.after(0, "secret");
    assert.deepEqual(
      [a?.level, a?.time, a?.fields],
      ["warn", Date.UTC(2026, 0, 2, 3, 4, 5), [["n", "1"], ["list", "[1]"]]], // oxfmt-ignore
    );
    assert.deepEqual([b?.level, b?.time, b?.fields, rest], ["error", 12345, [], []]);
  });

  test("a secret is left out wherever it stands, and long values are cut", () => {
    const tail = new LogTail();
    tail.write(
      JSON.stringify({ event: "secret", url: "http://a/#token=secret", deep: { x: "secret" }, msg: "secret" }),
    );
    tail.write(JSON.stringify({ event: "long", reason: "r".repeat(10_000) }));
    const entries = tail.after(0, "secret");
    assert.doesNotMatch(JSON.stringify(entries), /secret/);
    assert.equal(entries[1]?.fields[0]?.[1].length, 300);
  });
});

describe("largestRooms", () => {
  test("the twenty largest, in order", () => {
    const sizes = new Map(Array.from({ length: 1000 }, (_, index) => [`room-${index}`, (index * 7919) % 1000]));
    const { total, largest } = largestRooms(sizes);
    assert.equal(total, 1000);
    assert.deepEqual(
      largest.map(([, clients]) => clients),
      Array.from({ length: 20 }, (_, index) => 999 - index),
    );
  });

  test("none, and a name that is very long", () => {
    assert.deepEqual(largestRooms(new Map()), { total: 0, largest: [] });
    assert.equal(largestRooms(new Map([["x".repeat(9999), 1]])).largest[0]?.[0].length, 200);
  });
});

describe("RoundTripSample", () => {
  test("looks at two hundred at a time, and in time at all of them", () => {
    const clients = new Map(
      Array.from({ length: 1000 }, (_, index) => [String(index), { rttMs: index < 200 ? 1 : 9 }]),
    );
    const sample = new RoundTripSample(clients);
    const medians = Array.from({ length: 6 }, () => sample.take().median);
    assert.deepEqual(medians, [1, 9, 9, 9, 9, 1]);
  });

  test("of few each counts once; clients without a pong do not count", () => {
    const clients = new Map([1, 2, 3, 40, null].map((rttMs, index) => [String(index), { rttMs }]));
    const sample = new RoundTripSample(clients);
    for (let i = 0; i < 3; i++) assert.deepEqual(sample.take(), { median: 3, p95: 40 });
    clients.clear();
    assert.deepEqual(sample.take(), { median: null, p95: null });
    clients.set("new", { rttMs: 5 });
    assert.deepEqual(sample.take(), { median: 5, p95: 5 });
  });
});

describe("Pace", () => {
  const busy = (ms: number): void => {
    const until = performance.now() + ms;
    while (performance.now() < until);
  };

  test("after work comes a pause of several times its length, and what is asked meanwhile waits", () => {
    const clock = new StepClock();
    const pace = new Pace(clock);
    const done: string[] = [];
    const [one, two] = [{}, {}];
    pace.run(one, () => (busy(20), done.push("one")));
    pace.run(one, () => done.push("never"));
    pace.run(one, () => done.push("one again"));
    pace.run(two, () => done.push("two"));
    assert.deepEqual(done, ["one"]);
    clock.advance(100);
    assert.deepEqual(done, ["one"]);
    // However long the machine took for it.
    clock.advance(600_000);
    assert.deepEqual(done.slice(1).toSorted(), ["one again", "two"]);
    assert.equal(clock.timers, 0);
  });

  test("who has gone is not worked for", () => {
    const clock = new StepClock();
    const pace = new Pace(clock);
    const asker = {};
    pace.run({}, () => busy(10));
    pace.run(asker, () => assert.fail("it was cancelled"));
    pace.cancel(asker);
    clock.advance(600_000);
    pace.run({}, () => busy(10));
    pace.run(asker, () => assert.fail("it was stopped"));
    pace.stop();
    clock.advance(600_000);
    assert.equal(clock.timers, 0);
  });
});
