// The parts of the broker on NATS that need no server.

import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import type { StoredMessage } from "#hawser/hub/brokers/broker.js";
import { FairShare } from "#hawser/hub/brokers/fair-share.js";
import { MemoryTopic } from "#hawser/hub/brokers/memory-topic.js";
import { readEra } from "#nats/epochs.js";
import { freshStamp, readEnvelope, writeEnvelope } from "#nats/envelope.js";
import { LiveOrder } from "#nats/live-order.js";
import { nameOf, Names, tokenOf } from "#nats/names.js";
import { type Entry, historyOf, isWritten } from "#nats/stored.js";
import { Streams } from "#nats/streams.js";
import { Random } from "../harness/random.js";

const word = fc.string({ unit: "binary", minLength: 1, maxLength: 60 });

test("any name becomes one token of a subject, and is read out of it again", () => {
  fc.assert(
    fc.property(word, (name) => {
      const token = tokenOf(name);
      assert.match(token, /^[A-Za-z0-9_:/@+,~=-]+$/);
      assert.equal(nameOf(token), name);
    }),
  );
  assert.equal(tokenOf("room:42"), "room:42");
  assert.equal(tokenOf("a.b *>"), "a=2Eb=20=2A=3E");
  for (const token of ["", "=", "=2", "=2e", "=41", "=C3", "a b", "a.b", "=probe"]) {
    assert.equal(nameOf(token), token === "" ? "" : undefined, token);
  }
});

test("a subject of one prefix is none of another's", () => {
  const subjects = (prefix: string): string[] => {
    const names = new Names(prefix);
    return [names.stored("t"), names.live("t"), names.keyed("t"), names.control(), names.member("t", "n", "k")];
  };
  for (const [one, other] of [
    ["a", "ab"],
    ["a", "a-b"],
  ] as const) {
    for (const subject of subjects(other)) assert.ok(!subject.startsWith(`${one}.`));
  }
});

test("what stands around a message is read as it was written, and nothing else is", () => {
  const name = fc.option(word, { nil: undefined });
  const envelope = fc.record({
    stamp: fc.constant(0).map(freshStamp),
    size: fc.nat(1e6),
    ttlMs: fc.nat(1e9),
    binary: fc.boolean(),
    by: name,
    from: name,
  });
  fc.assert(
    fc.property(envelope, (one) => {
      assert.deepEqual(readEnvelope(writeEnvelope(one)), { ...one });
      // A later version may say more.
      assert.deepEqual(readEnvelope(`${writeEnvelope(one)} more`), { ...one });
    }),
  );
  const good = writeEnvelope({ stamp: freshStamp(), size: 1, ttlMs: 1, binary: false, by: undefined, from: "x" });
  for (const [part, wrong] of [
    [/^1/, "2"],
    [/ 1 1 /, " -1 1 "],
    [/ 1 1 /, " 1 x "],
    [/ t /, " z "],
    [/ x$/, ""],
    [/ x$/, " =zz"],
    [/^1 \S+/, "1 short"],
  ] as const) {
    assert.notEqual(good.replace(part, wrong), good);
    assert.equal(readEnvelope(good.replace(part, wrong)), undefined, String(part));
  }
  fc.assert(fc.property(fc.string(), (text) => void readEnvelope(text)));
  assert.equal(readEnvelope(undefined), undefined);
});

test("a record of epochs is read with all that belongs to it, or not at all", () => {
  const era = { epoch: "e", stream: "s", floor: 1, mark: 2, markedAt: 3 };
  assert.deepEqual(readEra(Buffer.from(JSON.stringify({ hawser: 1, ...era, more: 1 }))), era);
  for (const wrong of [{ ...era }, { hawser: 2, ...era }, { hawser: 1, ...era, floor: "1" }, [], null, 1]) {
    assert.equal(readEra(Buffer.from(JSON.stringify(wrong))), undefined);
  }
  assert.equal(readEra(Buffer.from("{")), undefined);
});

/** A stream that keeps more of a topic than was asked for, with other topics in between, and bytes that no node wrote. */
class Stream {
  readonly entries: Entry[] = [];
  seq = 0;
  epoch = "e";

  add(at: number, message: StoredMessage | undefined, size: number, ttlMs: number): number {
    const envelope = message && { stamp: message.stamp, binary: false, by: message.by, from: undefined, size, ttlMs };
    const bytes = message?.bytes ?? Buffer.from("foreign");
    this.entries.push({ subject: "s", seq: ++this.seq, at, newer: 0, envelope, bytes });
    return this.seq;
  }

  /** What a read has to go by, as `Topics` asks for it. */
  read(now: number, from: number, end = Infinity) {
    const head = this.entries.findLast(isWritten);
    const entries = this.entries
      .map((entry, i) => ({ ...entry, newer: this.entries.length - 1 - i }))
      .filter(({ seq }) => seq >= from && seq < end);
    return { epoch: this.epoch, head, entries, floor: 0, now };
  }
}

test("a reader is given what the memory broker would give, whatever else the stream has kept", () => {
  const random = new Random(7);
  let compared = 0;
  for (let round = 0; round < 300; round++) {
    const limits = { topicBytes: 1e9, keyWindowMs: 1, topicKeys: 1 };
    const memory = new MemoryTopic(limits, new FairShare(1e9));
    const stream = new Stream();
    stream.epoch = memory.epoch;
    // Offsets are dense there, and not here.
    const offsets = new Map([[0, 0]]);
    const size = 1 + random.below(5);
    const ttlMs = 500 + random.below(2_000);
    let now = 0;
    for (let step = 0; step < 30; step++) {
      now += random.below(400);
      stream.seq += random.below(3);
      const message = memory.append(Buffer.from(`${step}`), { binary: false, size, ttlMs }, now);
      offsets.set(message.offset, stream.add(now, message, size, ttlMs));
      if (random.chance(50)) now += random.below(300);
      const last = memory.top.offset;
      const position = random.below(last + 3);
      const limit = random.below(8);
      const reverse = random.chance(40);
      const stamp = random.chance(50) && position === last ? memory.top.stamp : undefined;
      const after = random.chance(80) ? { epoch: memory.epoch, offset: position, stamp } : undefined;
      const wanted = memory.read({ after, limit, reverse }, now);
      const there = after && { ...after, offset: offsets.get(position) ?? stream.seq + position - last };
      const stored = reverse ? stream.read(now, 0, there?.offset) : stream.read(now, there?.offset ?? 0);
      const got = historyOf(stored, { after: there, limit, reverse });
      const translated = {
        ...wanted,
        head: { ...wanted.head, offset: offsets.get(wanted.head.offset)! },
        messages: wanted.messages.map(({ offset, prev, stamp, bytes }) => ({
          offset: offsets.get(offset)!,
          prev: offsets.get(prev)!,
          stamp,
          bytes,
        })),
      };
      const messages = got.messages.map(({ offset, prev, stamp, bytes }) => ({ offset, prev, stamp, bytes }));
      // That there never was anything before a position is known here, and not there.
      const complete = reverse && after !== undefined ? wanted.complete : got.complete;
      assert.deepEqual(
        { ...got, messages, complete },
        translated,
        JSON.stringify({ round, step, after, limit, reverse }),
      );
      compared++;
    }
  }
  assert.ok(compared > 5_000);
});

test("what no node wrote is passed over, and the messages around it are joined", () => {
  const stream = new Stream();
  const message = (n: number): StoredMessage => ({
    offset: n,
    prev: 0,
    epoch: "e",
    stamp: freshStamp(),
    bytes: Buffer.from(`${n}`),
    binary: false,
  });
  stream.add(0, message(1), 10, 1_000);
  stream.add(0, undefined, 0, 0);
  stream.add(0, message(3), 10, 1_000);
  stream.add(0, undefined, 0, 0);
  const { head, messages, complete } = historyOf(stream.read(1, 1), { after: { epoch: "e", offset: 1 }, limit: 10 });
  assert.deepEqual([head.offset, messages.map(({ offset, prev }) => [offset, prev]), complete], [3, [[3, 1]], true]);
});

test("messages that others have overtaken are waited for, and not for long", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const seen: number[] = [];
  const order = new LiveOrder((_topic, { offset }) => seen.push(offset));
  const add = (offset: number, prev: number): void =>
    order.add("t", { offset, prev, epoch: "e", stamp: `${offset}`, bytes: Buffer.alloc(0), binary: false });
  order.reached("t", 1);
  add(5, 3);
  add(6, 5);
  add(3, 1);
  assert.deepEqual(seen, [3, 5, 6]);
  add(3, 1);
  assert.deepEqual(seen, [3, 5, 6, 3], "what comes twice is for the hub to drop");
  add(9, 8);
  add(8, 7);
  assert.equal(seen.length, 4);
  t.mock.timers.tick(1000);
  assert.deepEqual(seen.slice(4), [8, 9]);
  add(12, 11);
  order.reached("t", 11);
  assert.deepEqual(seen.slice(6), [12], "what was read needs no waiting for");
  add(15, 14);
  order.clear();
  t.mock.timers.tick(1000);
  assert.equal(seen.length, 7, "what waits is of a connection that is no more");
});

test("who makes room for a larger topic has it, though another node that looked at the same time writes less after it", async () => {
  let config = { name: "hawser-topics", max_msgs_per_subject: 101 };
  const written: number[] = [];
  const streams = {
    info: () => Promise.resolve({ config }),
    update(_name: string, wanted: typeof config) {
      written.push(wanted.max_msgs_per_subject);
      config = written.length === 1 ? { ...wanted, max_msgs_per_subject: 5_001 } : wanted;
      return Promise.resolve({ config: wanted });
    },
  };
  const jsm = { streams } as unknown as ConstructorParameters<typeof Streams>[0];
  const settings = { storage: "memory", replicas: 1, keyWindowMs: 1000, maxBytes: -1 } as const;
  const room = await new Streams(jsm, new Names("hawser"), settings, undefined as never).makeRoom(6_000);
  assert.deepEqual([room, written], [6_001, [6_001, 6_001]]);
});
