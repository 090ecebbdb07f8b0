/** The reading half of a client, on no socket: when it leaves off, when it goes on, and what it keeps meanwhile. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Connection, type ConnectionSink } from "#hawser/protocol/connection.js";
import type { ClientSocket } from "#hawser/server/sockets/client-socket.js";
import { Intake, StopReason } from "#hawser/server/session/intake.js";
import { MemoryBudget } from "#hawser/server/sending/memory-budget.js";
import { Turns } from "#hawser/server/sending/turns.js";
import { encodeFrame, frame } from "../harness/frames.js";
import { turns as eventLoopTurns } from "../harness/rig.js";
import { StepClock } from "../harness/step-clock.js";

const MAX_WORK = 16;
const CLIENT_MS = 8;

/** What all clients of one server have in common. */
class Shared {
  readonly clock = new StepClock();
  readonly turns = new Turns(this.clock, MAX_WORK);
  readonly incoming: MemoryBudget;

  constructor(maxIncoming = 1024 * 1024) {
    this.incoming = new MemoryBudget(maxIncoming);
  }
}

/** A client that notes what happens, and whose handler is the test's. */
class Reader extends Intake implements ConnectionSink {
  /** Messages, and what the socket was told. */
  readonly seen: string[] = [];
  /** The chunks that were parsed. */
  readonly chunks: Buffer[] = [];
  overflows = 0;
  protected readonly connection: Connection;
  protected readonly turns: Turns;
  protected readonly incoming: MemoryBudget;
  protected readonly socket = {
    pause: () => void this.seen.push("pause"),
    resume: () => void this.seen.push("resume"),
  } as unknown as ClientSocket;
  readonly #handler: (reader: Reader, text: string) => void;
  readonly #clock: StepClock;

  constructor({ clock, turns, incoming }: Shared, handler: (reader: Reader, text: string) => void = () => {}) {
    super();
    this.#clock = clock;
    this.turns = turns;
    this.incoming = incoming;
    this.#handler = handler;
    this.connection = new Connection({ role: "server", maxMessageBytes: 1024 * 1024, inflater: null }, this);
    const receive = this.connection.receive.bind(this.connection);
    this.connection.receive = (chunk, ...where) => {
      this.chunks.push(chunk);
      return receive(chunk, ...where);
    };
  }

  onMessage(bytes: Buffer, start: number, end: number): void {
    const text = bytes.toString("utf8", start, end);
    this.seen.push(text);
    this.#handler(this, text);
  }
  onPing(): void {}
  onPong(): void {}
  onClose(): void {}
  onViolation(): void {}
  protected beforeParse(): void {}
  protected afterParse(): void {}
  protected onIncomingOverflow(): void {
    this.overflows++;
  }
  protected onPeerEnded(): void {
    this.seen.push("ended");
  }

  get isWaiting(): boolean {
    return this.isStopped;
  }

  /** Its socket has read this into a buffer with room for more, which it overwrites for the next. */
  read(bytes: Buffer, isFull = false): void {
    const buffer = Buffer.concat([bytes, Buffer.alloc(isFull ? 0 : 100)]);
    this.receive(buffer, bytes.length, this.#clock.now());
    buffer.fill(0);
  }
  end(): void {
    this.endIntake();
  }
  leaveOff(why: number): void {
    this.stop(why);
  }
  goOn(why: number): void {
    this.go(why);
  }
  drop(): void {
    this.dropIncoming();
  }
}

const texts = (count: number, first = 0): string[] => Array.from({ length: count }, (_, i) => `m${first + i}`);
const framesOf = (...payloads: string[]): Buffer =>
  Buffer.concat(payloads.map((payload) => encodeFrame(frame.text(payload))));
/** One that waits after each message for its handler. */
const waiting = (shared: Shared): Reader => new Reader(shared, (reader) => reader.leaveOff(StopReason.handler));

describe("intake: one turn's share", () => {
  it("is not exceeded in messages, and the rest comes in the next turns without being read again", async () => {
    const reader = new Reader(new Shared());
    reader.read(framesOf(...texts(40)));
    assert.deepEqual(reader.seen, texts(MAX_WORK));
    await eventLoopTurns(1);
    assert.deepEqual(reader.seen, texts(2 * MAX_WORK));
    await eventLoopTurns(1);
    assert.deepEqual(reader.seen, texts(40));
    assert.equal(reader.isWaiting, false);
  });

  it("is one of the turn, however many reads bring what it is used up by", () => {
    const reader = new Reader(new Shared());
    for (const text of texts(40)) reader.read(framesOf(text, text));
    assert.equal(reader.seen.filter((what) => what !== "pause").length, MAX_WORK);
  });

  it("is new in a new turn", async () => {
    const shared = new Shared();
    const reader = new Reader(shared);
    for (let turn = 1; turn <= 3; turn++) {
      reader.read(framesOf(...texts(10)));
      shared.turns.flushLater({ endTurn() {} });
      await eventLoopTurns(1);
      assert.equal(reader.seen.length, 10 * turn);
    }
  });

  it("is looked at after the last message of a full buffer, behind which there is more; not after a buffer with room", () => {
    for (const isFull of [true, false]) {
      const shared = new Shared();
      const reader = new Reader(shared, () => shared.clock.leap(CLIENT_MS));
      reader.read(framesOf("m"), isFull);
      assert.equal(reader.isWaiting, isFull);
    }
  });

  it("is counted when it goes on as well: those who waited do not all go on in one turn", async () => {
    const shared = new Shared();
    const seen: string[] = [];
    const clients = ["a", "b", "c"].map(
      (name) =>
        new Reader(shared, () => {
          seen.push(name);
          shared.clock.leap(10);
        }),
    );
    for (const client of clients) client.read(framesOf("1", "2"));
    await eventLoopTurns(1);
    assert.equal(seen.join(""), "abcab");
    await eventLoopTurns(1);
    assert.equal(seen.join(""), "abcabc");
  });

  it("is used up once, though a handler makes its client go on while it is called", (test) => {
    const shared = new Shared();
    const resumed = test.mock.method(shared.turns, "resumeLater");
    const reader = new Reader(shared, () => {
      reader.leaveOff(StopReason.backlog);
      shared.clock.leap(CLIENT_MS);
      reader.goOn(StopReason.backlog);
    });
    reader.read(framesOf("a", "b"));
    assert.deepEqual([reader.seen, resumed.mock.callCount()], [["a"], 1]);
  });

  it("holds what an async handler does after it returned, within the turn", () => {
    const shared = new Shared();
    const reader = waiting(shared);
    shared.turns.shares.beginWork();
    reader.read(framesOf("a", "b", "c"));
    shared.clock.leap(CLIENT_MS / 2);
    // Where nothing takes time nobody looks at the clock: somebody else has taken some.
    shared.turns.shares.countWork();
    shared.clock.leap(CLIENT_MS);
    reader.goOn(StopReason.handler);
    assert.deepEqual(reader.seen, ["a"]);
    assert.equal(reader.isWaiting, true);
  });

  it("does not hold what passed before the turn in which it goes on", async () => {
    const shared = new Shared();
    const reader = waiting(shared);
    reader.read(framesOf("a", "b"));
    shared.turns.flushLater({ endTurn() {} });
    await eventLoopTurns(1);
    shared.clock.leap(10 * CLIENT_MS);
    reader.goOn(StopReason.handler);
    assert.equal(shared.turns.shares.isUsed(0, 1), false);
    assert.deepEqual(reader.seen, ["a", "b"]);
  });
});

describe("intake: reasons to leave off", () => {
  it("all have to be gone before it goes on", () => {
    const reader = waiting(new Shared());
    reader.read(framesOf("a", "b"));
    reader.leaveOff(StopReason.backlog);
    reader.goOn(StopReason.turn);
    reader.goOn(StopReason.backlog);
    assert.deepEqual(reader.seen, ["a"]);
    reader.leaveOff(StopReason.backlog);
    reader.goOn(StopReason.handler);
    assert.deepEqual(reader.seen, ["a"]);
    reader.goOn(StopReason.backlog);
    assert.deepEqual(reader.seen, ["a", "b"]);
  });

  it("let what comes meanwhile wait behind what is there, in order, with the socket paused until all is parsed", () => {
    const reader = waiting(new Shared());
    const bytes = framesOf("a", "b", "c");
    const at = bytes.length - 5;
    reader.read(bytes.subarray(0, at));
    reader.read(bytes.subarray(at));
    assert.deepEqual(reader.seen, ["a", "pause"]);
    reader.goOn(StopReason.handler);
    assert.deepEqual(reader.seen, ["a", "pause", "b"]);
    reader.goOn(StopReason.handler);
    reader.goOn(StopReason.handler);
    assert.deepEqual(reader.seen, ["a", "pause", "b", "c", "resume"]);
    reader.read(framesOf("d"));
    reader.goOn(StopReason.handler);
    assert.deepEqual(reader.seen, ["a", "pause", "b", "c", "resume", "d"]);
  });

  it("hold the end of the peer's side back until all before it is parsed and handled", () => {
    const [idle, behind] = [new Reader(new Shared()), waiting(new Shared())];
    idle.end();
    assert.deepEqual(idle.seen, ["ended"]);
    behind.read(framesOf("a", "b"));
    behind.end();
    behind.goOn(StopReason.handler);
    assert.deepEqual(behind.seen, ["a", "b"]);
    behind.goOn(StopReason.handler);
    assert.deepEqual(behind.seen, ["a", "b", "ended"]);
  });

  it("but a client that is only behind with what it is sent has ended when its peer has", () => {
    const reader = new Reader(new Shared());
    reader.leaveOff(StopReason.backlog);
    reader.end();
    assert.deepEqual(reader.seen, ["ended"]);
  });

  it("let what waits past the end of the turn keep no memory of others", async () => {
    for (const why of [StopReason.backlog, StopReason.handler]) {
      const reader = new Reader(new Shared(), (of) => of.leaveOff(why));
      reader.read(framesOf("a", "b", "c"));
      reader.goOn(why);
      await eventLoopTurns();
      reader.goOn(why);
      assert.equal(reader.chunks.at(-1)!.buffer.byteLength, framesOf("b", "c").length);
      assert.deepEqual(reader.seen, ["a", "b", "c"]);
    }
  });
});

describe("intake: the books", () => {
  it("hold what waits, twice, from the end of the turn on, and nothing once it is parsed", async () => {
    const shared = new Shared();
    const reader = waiting(shared);
    const bytes = framesOf("a", "b");
    reader.read(bytes);
    assert.equal(shared.incoming.used, 0);
    await eventLoopTurns();
    assert.equal(shared.incoming.used, bytes.length);
    reader.goOn(StopReason.handler);
    reader.goOn(StopReason.handler);
    await eventLoopTurns();
    assert.equal(shared.incoming.used, 0);
  });

  it("are written once in a turn, however often it leaves off", async (test) => {
    const reader = waiting(new Shared());
    const written = test.mock.method(reader, "countIncoming");
    reader.read(framesOf("a", "b", "c", "d"));
    reader.goOn(StopReason.handler);
    reader.goOn(StopReason.handler);
    await eventLoopTurns();
    assert.deepEqual([reader.seen.length, written.mock.callCount()], [3, 1]);
  });

  it("hold at once what comes while it waits, and what has come in part", () => {
    const shared = new Shared();
    const [reader, partial] = [waiting(shared), new Reader(shared)];
    reader.read(framesOf("a", "b"));
    reader.read(framesOf("c"));
    assert.equal(shared.incoming.used, 2 * framesOf("b", "c").length);
    reader.drop();
    assert.equal(shared.incoming.used, 0);
    const bytes = framesOf("long");
    partial.read(bytes.subarray(0, 8));
    assert.ok(shared.incoming.used > 0);
    partial.read(bytes.subarray(8));
    assert.equal(shared.incoming.used, 0);
  });

  it("have whoever holds too much let go of it", () => {
    const shared = new Shared(4096);
    const reader = waiting(shared);
    reader.read(framesOf("a"));
    reader.read(framesOf("x".repeat(5000)));
    assert.deepEqual([reader.overflows, shared.incoming.used], [1, 0]);
    reader.goOn(StopReason.handler);
    assert.deepEqual(reader.seen, ["a", "pause", "resume"]);
  });
});
