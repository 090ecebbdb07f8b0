/**
 * One share of a turn of the event loop for each client, in work and in time: whatever brings the bytes, and whatever makes a client go on.
 * Judged by what is done in one turn, with a clock that the handlers move; nothing here depends on how fast the machine is.
 */
import assert from "node:assert/strict";
import { createServer as createHttpServer } from "node:http";
import { describe, it, type TestContext } from "node:test";
import type { Message, ServerOptions } from "#hawser/index.js";
import { Parser } from "#hawser/protocol/parser.js";
import { until } from "../harness/concurrency.js";
import { BINARY, encodeFrame, type FrameSpec, frame, TEXT } from "../harness/frames.js";
import type { RawClient } from "../harness/raw-client.js";
import { certificates } from "../harness/certificates.js";
import { plainHttpServer, type Rig, startRig } from "../harness/rig.js";

/** The share of one client is so many frames, or so many times 2 KiB. */
const DEFAULT_SHARE = 512;
const SHARE = 32;
/** And what it and all may have of a turn. */
const CLIENT_MS = 8;
const ALL_MS = 16;
/** Between two callbacks of ours there may be the end of one turn and most of the next. */
const TURNS_SEEN = 2;

const WAYS = {
  "its own listener": (test, options) => startRig(test, options),
  "its own listener, portable": (test, options) => startRig(test, { ...options, portableSockets: true }),
  attached: (test, options) => startRig(test, options, { attach: plainHttpServer() }),
  "attached, portable": (test, options) =>
    startRig(test, { ...options, portableSockets: true }, { attach: plainHttpServer() }),
  TLS: (test, options) => startRig(test, { ...options, tls: certificates.first }),
  handleUpgrade: (test, options) => startRig(test, options, { attach: createHttpServer(), byHand: true }),
} satisfies Record<string, (test: TestContext, options: ServerOptions) => Promise<Rig<undefined>>>;

type ReceiveArguments = [chunk: Buffer, start: number, end: number, work: number];

/** What is counted in one turn of the event loop at most. */
class PerTurn {
  most = 0;
  total = 0;
  #inTurn = 0;
  #isOver = false;

  constructor(test: TestContext) {
    const onTurn = (): void => {
      this.#inTurn = 0;
      if (!this.#isOver) setImmediate(onTurn);
    };
    setImmediate(onTurn);
    test.after(() => (this.#isOver = true));
  }

  add(amount: number): void {
    this.total += amount;
    this.#inTurn += amount;
    this.most = Math.max(this.most, this.#inTurn);
  }
}

function many(count: number, spec: FrameSpec): Buffer {
  const one = encodeFrame(spec);
  return Buffer.concat(Array.from({ length: count }, () => one));
}

/** A whole message of so many bytes, compressed. */
function bomb(peer: RawClient, bytes: number): Buffer {
  return encodeFrame({ opcode: TEXT, rsv: 4, payload: peer.compression!.deflate(Buffer.alloc(bytes, 0x61)) });
}

describe("a share of the turn", () => {
  // A read brings some 210 of these: less than a share. A turn may bring dozens of reads.
  const MESSAGES = 10_000;
  const flood = many(MESSAGES, { opcode: BINARY, payload: Buffer.alloc(300) });

  const handlers: Record<string, () => void | Promise<void>> = {
    "that returns nothing": () => {},
    "whose promise is settled": () => Promise.resolve(),
    "that awaits what is there": async () => await Promise.resolve(),
    "that is done in the next tick": () => new Promise((done) => process.nextTick(done)),
  };

  for (const [way, start] of Object.entries(WAYS)) {
    for (const [kind, handler] of Object.entries(handlers)) {
      it(`in messages: ${way}, a handler ${kind}`, async (test) => {
        const handled = new PerTurn(test);
        const rig = await start(test, {
          message() {
            handled.add(1);
            return handler();
          },
        });
        const { peer } = await rig.connect();
        void peer.sendBytes(flood);
        await until(() => handled.total === MESSAGES, "all of them");
        assert.ok(handled.most <= TURNS_SEEN * DEFAULT_SHARE, `${handled.most} in one turn`);
      });
    }

    for (const takeover of [false, true]) {
      it(`in bytes after inflation: ${way}${takeover ? ", with context takeover" : ""}`, async (test) => {
        const LENGTH = 16 * 1024;
        const bytes = new PerTurn(test);
        const rig = await start(test, {
          maxMessagesPerTurn: SHARE,
          compression: true,
          compressionContextTakeover: takeover,
          message: (_client, { byteLength }) => bytes.add(byteLength),
        });
        const { peer } = await rig.connect({ offer: "permessage-deflate" });
        void peer.sendBytes(Buffer.concat(Array.from({ length: 300 }, () => bomb(peer, LENGTH))));
        await until(() => bytes.total === 300 * LENGTH, "all of them");
        // The message with which it is used up may be more than what was left.
        assert.ok(bytes.most <= TURNS_SEEN * (SHARE * 2048 + LENGTH), `${bytes.most} bytes in one turn`);
      });
    }

    for (const isAsync of [false, true]) {
      it(`in time: ${way}, ${isAsync ? "an async handler" : "a handler"} that takes 1 ms`, async (test) => {
        const ms = new PerTurn(test);
        const takeTime = (): void => {
          ms.add(1);
          rig.clock.leap(1);
        };
        const rig: Rig<undefined> = await start(test, {
          message: isAsync ? () => Promise.resolve().then(takeTime) : takeTime,
        });
        const { peer } = await rig.connect();
        void peer.sendBytes(many(500, frame.text("x")));
        await until(() => ms.total === 500, "all of them");
        assert.ok(ms.most <= TURNS_SEEN * CLIENT_MS, `${ms.most} ms in one turn`);
      });
    }
  }

  it("is not hidden from behind messages that take no time", async (test) => {
    const slow = new PerTurn(test);
    const rig: Rig<undefined> = await startRig(test, {
      message(_client, message) {
        if (message.byteLength === 1) return;
        slow.add(1);
        rig.clock.leap(4);
      },
    });
    const { peer } = await rig.connect();
    const mixed = Buffer.concat([many(200, frame.text("x")), many(100, frame.text("xx"))]);
    void peer.sendBytes(Buffer.concat([mixed, mixed]));
    await until(() => slow.total === 200, "all of them");
    assert.ok(slow.most <= TURNS_SEEN * 8, `${slow.most} in one turn`);
  });

  it("is each client's own, and all together have one as well: past it each gets one message", async (test) => {
    const ms = new PerTurn(test);
    const rig: Rig<undefined> = await startRig(test, {
      message() {
        ms.add(2);
        rig.clock.leap(2);
      },
    });
    const peers = [];
    for (let i = 0; i < 20; i++) peers.push((await rig.connect()).peer);
    for (const peer of peers) void peer.sendBytes(many(20, frame.text("x")));
    await until(() => ms.total === 20 * 20 * 2, "all of them");
    // Past what is for all, the first message of each of the others; without that bound it were 8 ms of each.
    assert.ok(ms.most <= TURNS_SEEN * ALL_MS + 20 * 2, `${ms.most} ms in one turn`);
  });

  for (const clients of [10, 50]) {
    it(`counts handlers of ${clients} clients that run in between each other`, async (test) => {
      const ms = new PerTurn(test);
      const rig: Rig<undefined> = await startRig(test, {
        async message() {
          await Promise.resolve();
          ms.add(2);
          rig.clock.leap(2);
        },
      });
      const peers = [];
      for (let i = 0; i < clients; i++) peers.push((await rig.connect()).peer);
      for (const peer of peers) void peer.sendBytes(many(20, frame.text("x")));
      await until(() => ms.total === clients * 20 * 2, "all of them");
      // The first messages of all may come in one turn: what their handlers take is known after it.
      assert.ok(ms.most <= TURNS_SEEN * 2 * (ALL_MS + 2) + clients * 2, `${ms.most} ms in one turn`);
    });
  }

  it("comes round: who has to wait for another turn is the first in it", async (test) => {
    const order: string[] = [];
    const rig: Rig<undefined> = await startRig(test, {
      message(client) {
        order.push(client.path);
        rig.clock.leap(4);
      },
    });
    const peers = [];
    for (let i = 0; i < 12; i++) peers.push((await rig.connect({ at: String(i) })).peer);
    for (const peer of peers) void peer.sendBytes(many(30, frame.text("x")));
    await until(() => order.length === 12 * 30, "all of them");
    // Each of the twelve is served again and again: nobody gets a second share before the others have had one.
    for (let at = 0; at + 48 < order.length - 12; at += 12)
      assert.equal(new Set(order.slice(at, at + 48)).size, 12, order.join(" "));
  });

  const next = many(3_000, frame.next("y", { fin: false }));
  const kinds: Record<string, [frames: Buffer, options?: ServerOptions]> = {
    fragments: [Buffer.concat([encodeFrame(frame.text("x", { fin: false })), next, encodeFrame(frame.next("z"))])],
    "messages without a byte": [many(3_000, frame.text(""))],
    pings: [many(3_000, frame.ping("x")), { maxControlFramesPerSecond: 100_000 }],
    pongs: [many(3_000, frame.pong("x")), { maxControlFramesPerSecond: 100_000 }],
    "messages that come after our close frame": [many(3_000, frame.text("x")), { open: (client) => client.close() }],
  };
  for (const [kind, [frames, options = {}]] of Object.entries(kinds)) {
    it(`counts ${kind}`, async (test) => {
      const work = new PerTurn(test);
      const { receive } = Parser.prototype as { receive: (this: Parser, ...given: ReceiveArguments) => number };
      test.mock.method(Parser.prototype, "receive", function (this: Parser, ...given: ReceiveArguments) {
        const at = receive.apply(this, given);
        work.add(given[3] - this.workLeft);
        return at;
      });
      const rig = await startRig(test, { maxMessagesPerTurn: SHARE, message() {}, ...options });
      const { peer } = await rig.connect();
      void peer.sendBytes(frames);
      await until(() => work.total >= 3_000, "all of them");
      assert.ok(work.most <= TURNS_SEEN * SHARE, `${work.most} in one turn`);
    });
  }

  it("costs who is served at once nothing: no turn is asked for", async (test) => {
    const rig = await startRig(test, { message: (client, message: Message) => void client.send(message) });
    const { peer } = await rig.connect();
    await peer.echo("the first");
    const asked = test.mock.method(globalThis, "setImmediate");
    for (let i = 0; i < 100; i++) await peer.echo(`message ${i}`);
    const ours = asked.mock.calls.filter(({ stack }) => stack.stack?.includes("turns.js"));
    assert.equal(ours.length, 0);
  });
});
