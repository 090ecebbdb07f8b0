/** `client.flush()`: whoever waits for it knows what has left. */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import type { Client, ServerOptions } from "#hawser/index.js";
import { MemoryBudget } from "#hawser/server/sending/memory-budget.js";
import { Outbox } from "#hawser/server/sending/outbox.js";
import { overflowPolicies, type OverflowPolicy } from "#hawser/server/sending/overflow.js";
import { Scratch } from "#hawser/server/sending/scratch.js";
import { Turns } from "#hawser/server/sending/turns.js";
import { certificates } from "../harness/certificates.js";
import { until } from "../harness/concurrency.js";
import { frame } from "../harness/frames.js";
import type { RawClient } from "../harness/raw-client.js";
import { type Rig, standsStill, startRig, turns } from "../harness/rig.js";
import { StepClock } from "../harness/step-clock.js";
import { FakeSocket } from "./harness/fake-socket.js";

const KIB = 1024;

/** What a promise has come to by now. */
function watch(promise: Promise<boolean>): { result: boolean | "waits" } {
  const watched: { result: boolean | "waits" } = { result: "waits" };
  void promise.then((result) => (watched.result = result));
  return watched;
}

interface Bench {
  outbox: Outbox;
  socket: FakeSocket;
}

function outboxOn(
  socket: FakeSocket,
  { policy = "close", max = KIB * KIB }: { policy?: OverflowPolicy; max?: number } = {},
): Bench {
  const outbox: Outbox = new Outbox(
    socket,
    {
      onWaiting() {},
      onBacklog() {},
      onDrained() {},
      onOverflow: () => outbox.dropWaiting(),
      onHopeless: () => outbox.discard(),
    },
    {
      turns: new Turns(new StepClock(), 512),
      scratch: new Scratch(),
      budget: new MemoryBudget(100 * KIB * KIB),
      maxBacklogBytes: max,
      overflow: overflowPolicies[policy],
      stats: { dropped: 0, gaveWay: 0 },
    },
  );
  socket.on("drain", () => outbox.onSocketDrain());
  return { outbox, socket };
}

const bytes = (length: number): Buffer => Buffer.alloc(length, "x");

describe("what an outbox says has left", () => {
  it("is handed over at once, and true where the socket takes it", async () => {
    const { outbox, socket } = outboxOn(new FakeSocket(Infinity));
    assert.equal(await outbox.whenFlushed(), true, "nothing was sent");
    outbox.send(bytes(10), null);
    const flushed = outbox.whenFlushed();
    assert.equal(socket.taken.length, 10, "before the turn's end");
    assert.equal(await flushed, true);
    outbox.holdScratch();
    outbox.sendHeld("held");
    const held = outbox.whenFlushed();
    assert.equal(socket.taken.length, 16);
    assert.equal(await held, true);
  });

  it("of a socket that is not full is known all the same", async () => {
    const { outbox, socket } = outboxOn(new FakeSocket(0));
    outbox.send(bytes(10), null);
    const flushed = watch(outbox.whenFlushed());
    outbox.send(bytes(10), null);
    outbox.flush();
    await turns();
    assert.equal(flushed.result, "waits");
    assert.equal(outbox.isBacklogged, false);
    socket.swallow(10);
    await turns();
    assert.equal(flushed.result, true, "what was sent after it is not waited for");
    assert.equal(socket.taken.length, 10);
  });

  it("is what was sent since the last time as well, whether the socket is full, has ended, or neither", async () => {
    for (const [size, ends] of [
      [10, false],
      [10, true],
      [20 * KIB, false],
    ] as const) {
      const { outbox, socket } = outboxOn(new FakeSocket(0));
      outbox.send(bytes(10), null);
      const first = watch(outbox.whenFlushed());
      outbox.send(bytes(size), null);
      const second = watch(outbox.whenFlushed());
      if (ends) outbox.end();
      socket.swallow(10);
      await turns();
      assert.deepEqual([first.result, second.result], [true, "waits"]);
      socket.swallow(size);
      await turns();
      assert.equal(second.result, true);
      assert.equal(socket.taken.length, 10 + size);
    }
  });

  it("is what was sent before, and not what was sent after: each time to wait is as long as what it waits for", async () => {
    const { outbox, socket } = outboxOn(new FakeSocket(0));
    outbox.send(bytes(20 * KIB), null);
    outbox.flush();
    assert.ok(outbox.isBacklogged);
    outbox.send(bytes(30 * KIB), null);
    const flushed = watch(outbox.whenFlushed());
    // Somebody sends more than is taken, for ever.
    for (let i = 0; i < 10; i++) outbox.send(bytes(20 * KIB), null);
    for (let taken = 0; flushed.result === "waits"; taken += 10 * KIB) {
      assert.ok(taken <= 60 * KIB, "it has waited for more");
      socket.swallow(10 * KIB);
      outbox.send(bytes(20 * KIB), null);
      await turns();
    }
    assert.equal(flushed.result, true);
    assert.ok(socket.taken.length >= 50 * KIB, "all before it");
    assert.ok(outbox.isBacklogged);
  });

  it("is asked as often as you like: two promises at most, and each is kept", async () => {
    const { outbox, socket } = outboxOn(new FakeSocket(0));
    outbox.send(bytes(20 * KIB), null);
    const promises: Promise<boolean>[] = [];
    for (let i = 0; i < 1000; i++) {
      promises.push(outbox.whenFlushed(), outbox.whenFlushed());
      outbox.send(bytes(20), null);
    }
    assert.equal(new Set(promises).size, 2);
    assert.equal(promises.at(-2), promises.at(-1));
    const [first, last] = [promises[0]!, promises.at(-1)!].map(watch);
    socket.swallow(20 * KIB);
    await turns();
    assert.deepEqual([first!.result, last!.result], [true, "waits"]);
    socket.swallow(20_000);
    await turns(20);
    assert.equal(last!.result, true);
  });

  for (const policy of ["drop-oldest", "drop-newest", "latest-per-key"] as const) {
    it(`is not waited for when it was dropped, by ${policy}, and what is left of it is`, async () => {
      const { outbox, socket } = outboxOn(new FakeSocket(0), { policy, max: 24 * KIB });
      outbox.send(bytes(20 * KIB), null);
      outbox.flush();
      outbox.sendControl(Buffer.from("required"));
      for (let i = 0; i < 10; i++) outbox.send(bytes(100), `${i % 2}`);
      const flushed = watch(outbox.whenFlushed());
      for (let i = 0; i < 1000; i++) outbox.send(bytes(100), `${i % 2}`);
      assert.ok(outbox.dropped.messages > 0);
      socket.swallow(20 * KIB);
      await turns();
      assert.equal(flushed.result, "waits");
      socket.swallow(100 * KIB);
      await turns(20);
      assert.equal(flushed.result, true);
    });
  }

  it("is false when the client is closed for being too slow, or gone; and so it is afterwards", async () => {
    const ends: readonly ((bench: Bench) => void)[] = [
      ({ outbox }) => {
        for (let i = 0; i < 100; i++) outbox.send(bytes(KIB), null);
      },
      ({ outbox, socket }) => {
        socket.destroy();
        outbox.discard();
      },
    ];
    for (const end of ends) {
      const bench = outboxOn(new FakeSocket(0), { max: 40 * KIB });
      bench.outbox.send(bytes(20 * KIB), null);
      bench.outbox.flush();
      bench.outbox.send(bytes(10), null);
      const first = watch(bench.outbox.whenFlushed());
      bench.outbox.send(bytes(10), null);
      const next = watch(bench.outbox.whenFlushed());
      end(bench);
      await turns();
      assert.deepEqual([first.result, next.result], [false, false]);
    }
    const { outbox, socket } = outboxOn(new FakeSocket(Infinity));
    socket.destroy();
    assert.equal(await outbox.whenFlushed(), false);
  });

  it("is not true of what a socket has thrown away", async () => {
    /** Its writes fail, as they do when the peer has reset the connection. */
    class Failing extends FakeSocket {
      fail = (): void => {};
      override _write(_bytes: Buffer, _encoding: string, done: (error?: Error) => void): void {
        this.fail = () => done(new Error("EPIPE"));
      }
    }
    /** As a lean one it fails at once, and then has nothing. */
    class Broken extends FakeSocket {
      override write(chunk: Buffer, ...rest: unknown[]): boolean {
        if (chunk.length === 0) Object.defineProperty(this.destroy(), "writableLength", { value: 0 });
        return super.write(chunk, ...rest);
      }
    }
    for (const socket of [new Failing(0), new Broken(0)]) {
      socket.on("error", () => {});
      const { outbox } = outboxOn(socket);
      outbox.send(bytes(10), null);
      const flushed = watch(outbox.whenFlushed());
      if (socket instanceof Failing) socket.fail();
      await turns();
      assert.deepEqual([socket.destroyed, flushed.result], [true, "waits"]);
      outbox.discard();
      await turns();
      assert.equal(flushed.result, false);
    }
  });

  for (const asked of ["before", "after"])
    it(`is known of a socket that ends as well, asked ${asked} that`, async () => {
      for (const size of [10, 20 * KIB]) {
        const { outbox, socket } = outboxOn(new FakeSocket(0));
        const faults: unknown[] = [];
        socket.on("error", (error) => faults.push(error));
        outbox.send(bytes(size), null);
        outbox.flush();
        outbox.sendControl(Buffer.from("close"));
        let flushed: Promise<boolean> | null = asked === "before" ? outbox.whenFlushed() : null;
        outbox.end();
        flushed ??= outbox.whenFlushed();
        const watched = watch(flushed);
        await turns();
        assert.equal(watched.result, "waits");
        socket.swallow(size + 5);
        await turns(10);
        assert.deepEqual([watched.result, socket.ended, socket.taken.length], [true, true, size + 5]);
        assert.deepEqual(faults, []);
      }
    });
});

const WAYS: readonly (readonly [string, ServerOptions])[] = [
  ["lean sockets", {}],
  ["Node's own sockets", { portableSockets: true }],
  ["TLS", { tls: certificates.first }],
];

/** A client that has not read, and bytes that wait for it. */
async function slow(
  test: TestContext,
  options: ServerOptions,
): Promise<{
  rig: Rig<undefined>;
  client: Client;
  peer: RawClient;
  waiting: { result: boolean | "waits" };
}> {
  const rig = await startRig(test, {
    maxBacklogBytes: 64 * KIB * KIB,
    maxTotalBacklogBytes: 128 * KIB * KIB,
    ...options,
  });
  const { peer, client } = await rig.connect();
  peer.socket.pause();
  const filler = Buffer.alloc(60 * KIB, 1);
  let waiting: ReturnType<typeof watch> = { result: true };
  while (waiting.result !== "waits") {
    for (let i = 0; i < 20; i++) client.send(filler);
    waiting = watch(client.flush());
    // TLS is behind for a moment after each long write.
    await standsStill(() => client.bufferedBytes);
  }
  return { rig, client, peer, waiting };
}

/** A little more than the kernel takes for one who does not read. */
async function fill(client: Client): Promise<void> {
  do {
    while (client.bufferedBytes === 0) {
      client.send(Buffer.alloc(KIB));
      await turns(5);
    }
  } while ((await standsStill(() => client.bufferedBytes)) === 0);
}

for (const [how, options] of WAYS) {
  describe(`flush, with ${how}`, () => {
    it("tells a handler that what it sent has left, while it runs", async (test) => {
      const results: boolean[] = [];
      const rig = await startRig(test, {
        ...options,
        async open(client) {
          client.send("welcome");
          results.push(await client.flush());
        },
        async message(client, message) {
          client.send(message);
          results.push(await client.flush());
          assert.equal(client.bufferedBytes, 0);
        },
      });
      const { peer } = await rig.connect();
      assert.equal(String((await peer.nextMessage()).bytes), "welcome");
      for (const text of ["one", "two"]) await peer.echo(text);
      await until(() => results.length === 3, "all to be told");
      assert.deepEqual(results, [true, true, true]);
    });

    it("waits for a slow reader, as long as that takes", async (test) => {
      const { client, peer, waiting } = await slow(test, options);
      const sent = client.bytesOut;
      client.send("last");
      const last = client.flush();
      peer.socket.resume();
      assert.equal(await last, true);
      assert.equal(waiting.result, true);
      let read = 0;
      while (read < sent) read += (await peer.nextMessage()).bytes.length;
      assert.equal(String((await peer.nextMessage()).bytes), "last");
    });

    it("waits for what little the kernel has no room for", async (test) => {
      const rig = await startRig(test, options);
      const { peer, client } = await rig.connect();
      peer.socket.pause();
      await fill(client);
      const waiting = watch(client.flush());
      const again = client.flush();
      await turns(20);
      assert.equal(waiting.result, "waits");
      peer.socket.resume();
      assert.equal(await again, true);
      assert.deepEqual([waiting.result, client.bufferedBytes], [true, 0]);
    });

    it("waits for what was sent since the last time as well, although the client has closed meanwhile", async (test) => {
      const rig = await startRig(test, options);
      const { peer, client } = await rig.connect();
      peer.socket.pause();
      await fill(client);
      const first = watch(client.flush());
      client.send("more");
      const second = watch(client.flush());
      await peer.sendFrame(frame.close(1000));
      await until(() => !client.isOpen, "the close frame");
      assert.deepEqual([first.result, second.result], ["waits", "waits"]);
      peer.socket.resume();
      await until(() => second.result !== "waits", "all to leave");
      assert.deepEqual([first.result, second.result], [true, true]);
    });

    it("knows of a long message in parts when all of it has left", async (test) => {
      const rig = await startRig(test, { ...options, maxBacklogBytes: 64 * KIB * KIB });
      const { peer, client } = await rig.connect();
      for (let i = 0; i < 5; i++) {
        client.send(Buffer.alloc(3 * KIB * KIB));
        assert.equal(await client.flush(), true);
        assert.equal(client.bufferedBytes, 0);
        await peer.nextMessage();
      }
    });

    it("is false when the client is cut, resets, or stalls meanwhile; and at once afterwards", async (test) => {
      const ends: readonly ((client: Client, peer: RawClient, rig: Rig<undefined>) => unknown)[] = [
        (client) => client.terminate(),
        (_client, peer) => peer.reset(),
        (_client, _peer, rig) => {
          // It has to be seen twice: once when it waits, once when it has taken nothing.
          for (let i = 0; i < 40; i++) rig.clock.advance(1000);
        },
      ];
      for (const end of ends) {
        const { rig, client, peer, waiting } = await slow(test, options);
        await end(client, peer, rig);
        await until(() => waiting.result !== "waits", "it to be told");
        assert.equal(waiting.result, false);
        assert.equal(await client.flush(), false);
      }
    });

    it("is true when the client is closed and the close frame has left, and false during a shutdown that cuts it", async (test) => {
      const rig = await startRig(test, options);
      const { peer, client } = await rig.connect();
      client.send("bye");
      client.close(4000);
      assert.equal(await client.flush(), true);
      await peer.sendFrame(frame.close(4000));
      await peer.expectClose(4000);
      const { rig: other, waiting } = await slow(test, options);
      await other.stop({ graceMs: 200 });
      assert.equal(waiting.result, false);
    });

    it("during a shutdown is true for who reads", async (test) => {
      const { rig, client, peer, waiting } = await slow(test, options);
      const stopped = rig.stop({ graceMs: 600_000 });
      const closing = client.flush();
      peer.socket.resume();
      peer.socket.on("data", () => {});
      assert.equal(await closing, true);
      assert.equal(waiting.result, true);
      peer.end();
      await stopped;
    });

    it("is false in `close`", async (test) => {
      const results: boolean[] = [];
      const rig = await startRig(test, {
        ...options,
        close: async (client) => void results.push(await client.flush()),
      });
      const { peer } = await rig.connect();
      await peer.sendFrame(frame.close(1000));
      await until(() => results.length === 1, "close");
      assert.deepEqual(results, [false]);
    });
  });
}
