// The socket between workers and the engine: whoever else talks to it, readers that are slow, connections that are lost.

import assert from "node:assert/strict";
import { once } from "node:events";
import { statSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { dirname } from "node:path";
import { test, type TestContext } from "node:test";
import type { BrokerEvents, EngineState, StoredMessage } from "#hawser/hub/brokers/broker.js";
import { MemoryEngine } from "#hawser/hub/brokers/memory-engine.js";
import { EngineListener, type EngineListenerOptions } from "#hawser/workers/channel/engine-listener.js";
import { FrameReader } from "#hawser/workers/channel/frame-reader.js";
import { FrameWriter } from "#hawser/workers/channel/frame-writer.js";
import { CHANNEL_VERSION, kinds } from "#hawser/workers/channel/kinds.js";
import { WorkerBroker } from "#hawser/workers/channel/worker-broker.js";
import { until } from "../harness/concurrency.js";
import { Random } from "../harness/random.js";
import { StepClock } from "../harness/step-clock.js";

const HISTORY = { binary: true, size: 1000, ttlMs: 60_000 } as const;

/** What a broker told. */
class Told implements BrokerEvents {
  readonly messages: StoredMessage[] = [];
  readonly states: EngineState[] = [];

  message(_topic: string, message: StoredMessage): void {
    this.messages.push(message);
  }
  told(): void {}
  state(state: EngineState): void {
    this.states.push(state);
  }
}

async function startEngine(test: TestContext, options: EngineListenerOptions = {}) {
  const cuts: string[] = [];
  const engine = new MemoryEngine(new StepClock(), { topicBytes: 2 ** 24 });
  const listener = new EngineListener(engine, {
    onCut: (why, { message }) => cuts.push(`${why}: ${message}`),
    ...options,
  });
  const address = await listener.listen();
  test.after(() => listener.close());
  const worker = async (node?: string) => {
    const told = new Told();
    const broker = new WorkerBroker(address, node);
    test.after(() => broker.close());
    await broker.start(told);
    return { broker, told };
  };
  /** A connection of the test's own, beyond the hello if `node` is given. */
  const raw = async (node?: string): Promise<Socket> => {
    const socket = connect({ path: address.path });
    test.after(() => socket.destroy());
    socket.on("error", () => {});
    await once(socket, "connect");
    if (node === undefined) return socket;
    const frames = new FrameWriter();
    frames.begin(kinds.hello, 1).count(CHANNEL_VERSION).text(address.secret).text(node).end();
    socket.write(frames.take());
    await once(socket, "readable");
    socket.read();
    return socket;
  };
  return { engine, listener, address, cuts, worker, raw };
}

/** One frame. */
function frame(kind: number, write: (frames: FrameWriter) => void = () => {}): Buffer {
  const frames = new FrameWriter();
  write(frames.begin(kind, 7));
  frames.end();
  return frames.take();
}

test("frames come out as they went in, wherever the stream is cut", () => {
  const frames = new FrameWriter();
  const bodies = [Buffer.alloc(0), Buffer.from([1, 2, 3]), Buffer.alloc(300, 7)];
  for (const body of bodies)
    frames
      .begin(kinds.publish, 5)
      .text("tøpic")
      .text(undefined)
      .number(2 ** 40)
      .data(body)
      .end();
  const stream = frames.take();
  for (let size = 1; size <= stream.length; size++) {
    const reader = new FrameReader(1000);
    const seen: unknown[] = [];
    for (let at = 0; at < stream.length; at += size) {
      reader.push(stream.subarray(at, at + size));
      for (let fields = reader.next(); fields !== undefined; fields = reader.next()) {
        seen.push([fields.kind, fields.id, fields.text(), fields.optionalText(), fields.number(), fields.data()]);
        fields.end();
      }
    }
    assert.deepEqual(
      seen,
      bodies.map((body) => [kinds.publish, 5, "tøpic", undefined, 2 ** 40, body]),
      `cut by ${size}`,
    );
  }
});

test("only this user may reach the socket", async (t) => {
  const { address } = await startEngine(t);
  assert.equal(statSync(address.path).mode & 0o777, 0o600);
  assert.equal(statSync(dirname(address.path)).mode & 0o777, 0o700);
});

test("whoever does not say hello as a worker does is cut and counted, and nobody else notices", async (t) => {
  const { listener, cuts, worker, raw } = await startEngine(t);
  const { broker, told } = await worker();
  await broker.subscribe(["t"]);
  const hello = (version: number, secret: string) =>
    frame(kinds.hello, (frames) => frames.count(version).text(secret).text("x"));
  const strangers = [
    Buffer.from("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    Buffer.alloc(4096, 0xff),
    Buffer.alloc(64),
    hello(CHANNEL_VERSION, "no secret"),
    hello(CHANNEL_VERSION, "x".repeat(43)),
    frame(kinds.publish, (frames) => frames.text("t")),
  ];
  for (const bytes of strangers) {
    const socket = await raw();
    const closed = once(socket, "close");
    socket.resume().write(bytes);
    await closed;
  }
  assert.deepEqual(listener.faults, { foreign: strangers.length, fault: 0, slow: 0 });
  assert.equal(cuts.length, strangers.length);
  await broker.publish("t", Buffer.from("x"), HISTORY);
  await until(() => told.messages.length === 1, "the message");
  assert.deepEqual(told.states, ["up"]);
});

test("a worker of another version is told so", async (t) => {
  const { address, cuts, raw } = await startEngine(t);
  const socket = await raw();
  const closed = once(socket, "close");
  socket.resume().write(frame(kinds.hello, (frames) => frames.count(99).text(address.secret).text("x")));
  await closed;
  assert.match(cuts[0]!, /^foreign: the worker speaks version 99/);
});

test("garbage behind the hello is cut, whatever it is, and what was published before stays", async (t) => {
  const { engine, listener, worker, raw } = await startEngine(t);
  const { broker } = await worker();
  const { offset } = await broker.publish("t", Buffer.from("x"), HISTORY);
  const random = new Random(5);
  const known = Object.values(kinds);
  for (let n = 0; n < 200; n++) {
    const socket = await raw(`bad ${n}`);
    const closed = once(socket, "close");
    // A kind that there is, most often, with fields that are none; then a frame that nobody takes.
    const noise = Buffer.from(Array.from({ length: random.below(60) }, () => random.below(256)));
    const head = Buffer.alloc(9);
    head.writeUInt32LE(5 + noise.length);
    head[4] = random.below(4) === 0 ? random.below(256) : known[random.below(known.length)]!;
    socket.resume().end(Buffer.concat([head, noise, Buffer.alloc(16, 0xff)]));
    await closed;
  }
  await until(() => listener.workers === 1, "the others are gone");
  assert.ok(listener.faults.fault >= 199, `${listener.faults.fault} of 200`);
  assert.equal(engine.topic("t").top.offset, offset);
  assert.equal((await broker.publish("t", Buffer.from("y"), HISTORY)).offset, offset + 1);
});

test("a worker that does not read is cut when too much waits for it, and its next connection is suspect", async (t) => {
  const most = 4 * 2 ** 20;
  const { engine, listener, worker } = await startEngine(t, { maxWaitingBytes: most });
  const [slow, fast] = [await worker("slow"), await worker("fast")];
  await slow.broker.subscribe(["t"]);
  await fast.broker.subscribe(["t"]);
  // All in one turn, in which neither reads.
  const size = 2 ** 17;
  let published = 0;
  for (; listener.faults.slow < 2; published++) {
    assert.ok(published * size < 2 * most, "more is kept than may wait");
    engine.publish("t", Buffer.alloc(size, published), { ...HISTORY, size: 1 });
  }
  assert.ok(published * size > most, "less than may wait");
  // They come back by themselves, with their subscriptions.
  await until(() => slow.told.states.length === 3 && fast.told.states.length === 3, "both are back");
  assert.deepEqual(slow.told.states, ["up", "down", "suspect"]);
  const { offset } = await fast.broker.publish("t", Buffer.from("later"), HISTORY);
  await until(() => slow.told.messages.at(-1)?.offset === offset, "the message");
});

test("what a worker asks for is not done while it does not read the answers", async (t) => {
  const { engine, raw } = await startEngine(t);
  engine.publish("t", Buffer.alloc(2 ** 20), HISTORY);
  const socket = await raw("greedy");
  const reads = frame(kinds.read, (frames) => frames.text("t").number(10).byte(0).byte(0));
  const before = process.memoryUsage().arrayBuffers;
  socket.pause();
  socket.write(Buffer.concat(Array.from({ length: 500 }, () => reads)));
  socket.write(frame(kinds.publish, (f) => f.text("u").byte(0).number(9).number(9e9).text(undefined).text(undefined).text(undefined).data(Buffer.from("x")))); // oxfmt-ignore
  for (let turn = 0; turn < 200; turn++) await new Promise((next) => setImmediate(next));
  assert.ok(process.memoryUsage().arrayBuffers - before < 32 * 2 ** 20, "some of 500 answers of a mebibyte are made");
  assert.equal(engine.topic("u").top.offset, 0, "what comes after them waits");
  let bytes = 0;
  socket.on("data", (chunk: Buffer) => (bytes += chunk.length)).resume();
  await until(() => engine.topic("u").top.offset === 1 && bytes > 500 * 2 ** 20, "all of it, once they are read");
});

test("when the engine is gone what waits is rejected, and so is the rest until it is there again", async (t) => {
  const { listener, worker } = await startEngine(t);
  const { broker, told } = await worker();
  const waiting = broker.publish("t", Buffer.from("x"), HISTORY);
  await Promise.all([assert.rejects(waiting, { name: "BrokerError", fault: "unavailable" }), listener.close()]);
  await until(() => told.states.at(-1) === "down", "down");
  await assert.rejects(broker.publish("t", Buffer.from("x"), HISTORY), { name: "BrokerError", fault: "unavailable" });
  await assert.rejects(broker.presence.list("t", 1), { name: "BrokerError", fault: "unavailable" });
});

test("a supervisor that says nothing is down after two seconds, and suspect when it speaks again", async (t) => {
  const { address } = await startEngine(t);
  const clock = new StepClock();
  const told = new Told();
  const broker = new WorkerBroker(address, "x", clock);
  t.after(() => broker.close());
  await broker.start(told);
  let ask = broker.publish("t", Buffer.from("x"), HISTORY);
  // All in one turn: what the engine would answer cannot be read.
  clock.advance(1_700);
  clock.advance(300);
  await assert.rejects(ask, { name: "BrokerError", fault: "unavailable" });
  assert.deepEqual(told.states, ["up", "down"]);
  await until(() => told.states.length === 3, "the late answer");
  assert.deepEqual(told.states, ["up", "down", "suspect"]);
  ask = broker.publish("t", Buffer.from("y"), HISTORY);
  assert.equal((await ask).offset, 2, "the first had happened");
});

test("what was on its way when a topic was unsubscribed does not come any more, though it is subscribed again at once", async (t) => {
  const { engine, worker } = await startEngine(t);
  const { broker, told } = await worker();
  await broker.subscribe(["t"]);
  // In one turn: the engine has not heard of it.
  broker.unsubscribe(["t"]);
  engine.publish("t", Buffer.from("unheard"), HISTORY);
  await broker.subscribe(["t"]);
  await broker.publish("t", Buffer.from("heard"), HISTORY);
  await until(() => told.messages.length > 0, "the message");
  assert.deepEqual(
    told.messages.map(({ bytes }) => Buffer.from(bytes).toString()),
    ["heard"],
  );
});

test("fifty thousand topics are subscribed again after a lost connection", async (t) => {
  const { engine, worker, raw } = await startEngine(t);
  const { broker, told } = await worker("many");
  const topics = Array.from({ length: 50_000 }, (_, n) => `topic ${n}`);
  await broker.subscribe(topics);
  // Somebody else in its place: the engine ends the connection before.
  const other = await raw("many");
  await until(() => told.states.at(-1) === "suspect", "the new connection");
  other.destroy();
  for (const topic of topics.filter((_, n) => n % 5000 === 0)) engine.publish(topic, Buffer.from("x"), HISTORY);
  await until(() => told.messages.length === 10, "messages of all of them");
});
