import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MemoryBudget } from "#hawser/server/sending/memory-budget.js";
import { Outbox } from "#hawser/server/sending/outbox.js";
import { overflowPolicies, type OverflowPolicy } from "#hawser/server/sending/overflow.js";
import { Scratch } from "#hawser/server/sending/scratch.js";
import { Turns } from "#hawser/server/sending/turns.js";
import { FakeSocket } from "./harness/fake-socket.js";
import { ReceivedMessage } from "./harness/received-message.js";
import { turns } from "../harness/rig.js";
import { StepClock } from "../harness/step-clock.js";

const KIB = 1024;
/** What an entry of a backlog costs besides its bytes. */
const ENTRY = 128;

interface Bench {
  outbox: Outbox;
  socket: FakeSocket;
  budget: MemoryBudget;
  stats: { dropped: number; gaveWay: number };
  said: string[];
}

function outboxOn(
  socket: FakeSocket,
  {
    policy = "close",
    max = 100,
    shared = new Turns(new StepClock(), 512),
    scratch = new Scratch(),
    budget = new MemoryBudget(100 * KIB * KIB),
  }: { policy?: OverflowPolicy; max?: number; shared?: Turns; scratch?: Scratch; budget?: MemoryBudget } = {},
): Bench {
  const said: string[] = [];
  const stats = { dropped: 0, gaveWay: 0 };
  const owner = {
    onWaiting: () => void said.push("waiting"),
    onBacklog: () => void said.push("backlog"),
    onDrained: () => void said.push("drained"),
    // As a session does.
    onOverflow: () => {
      said.push("overflow");
      outbox.dropWaiting();
    },
    onHopeless: () => {
      said.push("hopeless");
      outbox.discard();
    },
  };
  const settings = { turns: shared, scratch, stats, budget, maxBacklogBytes: max, overflow: overflowPolicies[policy] };
  const outbox: Outbox = new Outbox(socket, owner, settings);
  socket.on("drain", () => outbox.onSocketDrain());
  return { outbox, socket, budget, stats, said };
}

function frame(text: string, length = text.length): Buffer {
  return Buffer.from(text.padEnd(length, "."));
}

/** An outbox whose socket has taken as much as it can hold and nothing more. */
function stalled(options: { policy?: OverflowPolicy; max?: number; budget?: MemoryBudget } = {}): Bench {
  const bench = outboxOn(new FakeSocket(0), { max: 100 + 20 * KIB, ...options });
  bench.outbox.send(frame("first", 20 * KIB), null);
  bench.outbox.flush();
  assert.ok(bench.outbox.isBacklogged);
  return bench;
}

describe("an outbox whose client takes everything", () => {
  it("joins the frames of a turn into one write at its end", async () => {
    const { outbox, socket, said } = outboxOn(new FakeSocket());
    for (const text of ["one ", "two ", "three"]) assert.equal(outbox.send(frame(text), null), "sent");
    assert.equal(socket.writes.length, 0);
    assert.equal(outbox.bufferedBytes, 13);
    await turns();
    assert.deepEqual(socket.writes.map(String), ["one two three"]);
    assert.equal(outbox.bufferedBytes, 0);
    assert.deepEqual(said, []);
  });

  it("holds the replies of a parse back until its end", async () => {
    const { outbox, socket } = outboxOn(new FakeSocket());
    outbox.holdScratch();
    outbox.send(frame("re"), null);
    outbox.sendControl(frame("ply"));
    assert.equal(outbox.bufferedBytes, 5);
    await turns();
    assert.equal(socket.writes.length, 0);
    outbox.leaveScratch();
    assert.deepEqual(socket.writes.map(String), ["reply"]);
  });

  it("keeps the order of what is sent while it is read, whatever its size and however it is sent", async () => {
    const { outbox, socket } = outboxOn(new FakeSocket());
    const emptyMessage = new ReceivedMessage(Buffer.alloc(0), 0, 0, true);
    let expected = "";
    outbox.holdScratch();
    for (let i = 0; i < 400; i++) {
      if (i % 10 === 0) {
        if (outbox.sendHeld(emptyMessage) < 0) outbox.send(Buffer.from([0x82, 0]), null);
        expected += "\x82\0";
      }
      const text = `${i};`.repeat((i * 37) % 900);
      if (text.length > 0) outbox.send(Buffer.from(text), null);
      expected += text;
    }
    outbox.leaveScratch();
    outbox.send(frame("end"), null);
    await turns();
    assert.equal(socket.taken.toString("latin1"), `${expected}end`);
  });

  it("writes what is long by itself while it is read, and the rest around it in order", () => {
    const { outbox, socket } = outboxOn(new FakeSocket());
    const long = frame("long", 16 * KIB);
    outbox.holdScratch();
    outbox.send(frame("one "), null);
    outbox.send(frame("two "), null);
    outbox.send(long, null);
    outbox.send(frame("three"), null);
    assert.deepEqual([String(socket.writes[0]), socket.writes[1], socket.writes.length], ["one two ", long, 2]);
    outbox.leaveScratch();
    assert.equal(String(socket.writes[2]), "three");
  });

  it("is full when it has handed on what was held and the socket takes no more", async () => {
    const { outbox, socket, said } = outboxOn(new FakeSocket(0), { max: 100 * KIB });
    const memory = Buffer.alloc(20 * KIB, 0x61);
    outbox.holdScratch();
    // Not one behind the other, so that the second cannot stay where it lies, and the first is too long to be copied.
    const first = new ReceivedMessage(memory, 4, 4 + 16 * KIB - 1, true);
    assert.equal(outbox.sendHeld(first), 16 * KIB - 1);
    assert.equal(outbox.sendHeld(new ReceivedMessage(memory, 18 * KIB, 19 * KIB, true)), -1);
    assert.deepEqual(said, ["waiting", "backlog"]);
    assert.equal(outbox.send(frame("next"), null), "queued");
    outbox.leaveScratch();
    socket.swallow(Infinity);
    await turns();
    assert.equal(socket.taken.length, 16 * KIB + 3 + 4);
    assert.deepEqual(said, ["waiting", "backlog", "drained"]);
  });

  it("does not write into the buffer of another client that is being read", async () => {
    const scratch = new Scratch();
    const reading = outboxOn(new FakeSocket(), { scratch });
    const other = outboxOn(new FakeSocket(), { scratch });
    reading.outbox.holdScratch();
    other.outbox.holdScratch();
    reading.outbox.send(frame("mine"), null);
    other.outbox.send(frame("yours"), null);
    other.outbox.leaveScratch();
    reading.outbox.leaveScratch();
    await turns();
    assert.equal(reading.socket.taken.toString(), "mine");
    assert.equal(other.socket.taken.toString(), "yours");
    assert.ok(![reading, other].some((each) => scratch.isHeldBy(each.outbox)), "nobody holds it");
  });

  it("holds back what handlers send after the parse, until the turn's end", async () => {
    const scratch = new Scratch();
    const { outbox, socket } = outboxOn(new FakeSocket(), { scratch });
    for (const texts of [["one ", "two "], ["three "]]) {
      outbox.holdScratch();
      for (const text of texts) outbox.send(frame(text), null);
      outbox.yieldScratch();
      outbox.send(frame("+ "), null);
    }
    assert.equal(outbox.bufferedBytes, 18);
    await turns();
    assert.deepEqual(socket.writes.map(String), ["one two + three + "]);
    assert.equal(scratch.isHeldBy(outbox), false);
  });

  it("gives way to a client that is read meanwhile, and keeps its order", async () => {
    const scratch = new Scratch();
    const first = outboxOn(new FakeSocket(), { scratch });
    const second = outboxOn(new FakeSocket(), { scratch });
    first.outbox.holdScratch();
    first.outbox.send(frame("one "), null);
    first.outbox.yieldScratch();
    first.outbox.send(frame("two "), null);
    second.outbox.holdScratch();
    assert.deepEqual(first.socket.writes.map(String), ["one two "]);
    second.outbox.send(frame("mine"), null);
    first.outbox.send(frame("three"), null);
    // It has to do without this time, for another one holds it.
    first.outbox.holdScratch();
    first.outbox.yieldScratch();
    assert.equal(first.socket.taken.toString(), "one two three");
    second.outbox.leaveScratch();
    await turns();
    assert.equal(second.socket.taken.toString(), "mine");
    assert.ok(![first, second].some((each) => scratch.isHeldBy(each.outbox)), "nobody holds it");
  });

  it("drops what it held back when its socket is gone", async () => {
    const scratch = new Scratch();
    const { outbox, socket } = outboxOn(new FakeSocket(), { scratch });
    outbox.holdScratch();
    outbox.send(frame("late"), null);
    outbox.yieldScratch();
    outbox.discard();
    assert.deepEqual([outbox.bufferedBytes, scratch.isHeldBy(outbox)], [0, false]);
    await turns();
    assert.equal(socket.writes.length, 0);
  });

  it("leaves none of it to the next client, when its socket goes while it is read", () => {
    const scratch = new Scratch();
    const first = outboxOn(new FakeSocket(), { scratch });
    const second = outboxOn(new FakeSocket(), { scratch });
    first.outbox.holdScratch();
    first.outbox.sendHeld("the first one's");
    first.outbox.discard();
    second.outbox.holdScratch();
    second.outbox.sendHeld("mine");
    second.outbox.leaveScratch();
    assert.equal(second.socket.taken.toString("latin1").slice(2), "mine");
    assert.equal(first.socket.writes.length, 0);
  });

  it("shares the joined bytes with others that were sent the same", async () => {
    const shared = new Turns(new StepClock(), 512);
    const benches = [outboxOn(new FakeSocket(), { shared }), outboxOn(new FakeSocket(), { shared })];
    for (const text of ["a", "b"].map((letter) => frame(letter)))
      for (const { outbox } of benches) outbox.send(text, null);
    await turns();
    assert.equal(benches[0]!.socket.writes[0], benches[1]!.socket.writes[0]);
    assert.equal(benches[0]!.socket.taken.toString(), "ab");
  });

  it("writes a long frame as it is, after what was sent before it", () => {
    const { outbox, socket } = outboxOn(new FakeSocket());
    const long = frame("long", 64 * KIB);
    outbox.send(frame("short"), null);
    outbox.send(long, null);
    assert.equal(socket.writes[0]!.toString(), "short");
    assert.equal(socket.writes[1], long);
  });

  it("lets a batch go early when it has grown long", () => {
    const { outbox, socket } = outboxOn(new FakeSocket());
    for (let i = 0; i < 70; i++) outbox.send(frame("x", KIB), null);
    assert.equal(socket.writes.length, 1);
    assert.equal(socket.writes[0]!.length, 64 * KIB);
  });

  it("takes a frame of megabytes without any waiting", () => {
    const { outbox, socket, said } = outboxOn(new FakeSocket());
    assert.equal(outbox.send(frame("huge", 5 * KIB * KIB), null), "sent");
    assert.equal(socket.taken.length, 5 * KIB * KIB);
    assert.deepEqual(said, []);
  });

  it("takes no notice of a drain that nothing waited for", () => {
    const { outbox, said } = outboxOn(new FakeSocket());
    outbox.onSocketDrain();
    assert.deepEqual(said, []);
  });

  it("ends the socket after all that was sent", async () => {
    const { outbox, socket } = outboxOn(new FakeSocket());
    outbox.send(frame("last words"), null);
    outbox.end();
    outbox.end();
    outbox.sendControl(frame("too late"));
    await turns();
    assert.equal(socket.taken.toString(), "last words");
    assert.ok(socket.ended);
  });
});

describe("an outbox whose client takes nothing", () => {
  it("hands over no more than the socket asks for, and queues the rest", () => {
    const { outbox, socket, said } = outboxOn(new FakeSocket(0), { max: 10 * KIB * KIB });
    assert.equal(outbox.send(frame("huge", 5 * KIB * KIB), null), "queued");
    assert.ok(socket.handed.length <= 128 * KIB, `${socket.handed.length} bytes handed over`);
    assert.equal(outbox.send(frame("next"), null), "queued");
    assert.equal(outbox.bufferedBytes, 5 * KIB * KIB + 4);
    assert.deepEqual(said, ["waiting", "backlog"]);
  });

  it("close: tells its owner when the backlog is full, and says what was not sent", () => {
    const { outbox, said, budget } = stalled({ max: ENTRY + 100 + 20 * KIB });
    const handed = budget.used;
    assert.ok(handed > 20 * KIB, "what the socket has and does not get rid of is on the books");
    assert.equal(outbox.send(frame("m", 60), null), "queued");
    assert.equal(outbox.send(frame("m", 60), null), "dropped");
    assert.ok(said.includes("overflow"));
    assert.equal(outbox.dropped.messages, 2, "it and the one that waited");
    assert.equal(outbox.dropped.bytes, 120);
    assert.equal(budget.used, handed);
  });

  it("drop-newest, drop-oldest, latest-per-key: what arrives in the end", async () => {
    const left = async (policy: OverflowPolicy): Promise<string> => {
      const keyed = policy === "latest-per-key" ? 3 * (48 + 96 + 2) : 0;
      const { outbox, socket } = stalled({ policy, max: 3 * (ENTRY + 2) + keyed + 20 * KIB });
      for (const text of ["a1", "b1", "c1", "b2"]) outbox.send(frame(text), text[0]!);
      socket.swallow(100 * KIB);
      await turns();
      assert.ok(!outbox.isBacklogged);
      return socket.taken.toString().replace(/first\.+/, "");
    };
    assert.equal(await left("drop-newest"), "a1b1c1");
    assert.equal(await left("drop-oldest"), "b1c1b2");
    assert.equal(await left("latest-per-key"), "a1c1b2");
  });

  it("never drops a control frame, whatever the policy", async () => {
    for (const policy of Object.keys(overflowPolicies) as OverflowPolicy[]) {
      const { outbox, socket } = stalled({ policy });
      outbox.sendControl(frame("PING"));
      for (let i = 0; i < 100; i++) outbox.send(frame("m", 90), null);
      outbox.sendControl(frame("PONG"));
      outbox.dropWaiting();
      socket.swallow(100 * KIB);
      await turns();
      assert.match(socket.taken.toString(), /PING.*PONG$/s, policy);
    }
  });

  it("says since when nothing was taken", () => {
    const { outbox } = stalled();
    assert.equal(outbox.stalledSince(100), 100);
    assert.equal(outbox.stalledSince(5_000), 100);
  });

  it("counts what still waited when the socket is gone, and gives the budget back", () => {
    const { outbox, budget, stats } = stalled();
    outbox.send(frame("m", 40), null);
    outbox.send(frame("m", 40), null);
    outbox.discard();
    assert.equal(outbox.dropped.messages, 2);
    assert.equal(outbox.dropped.bytes, 80);
    assert.equal(stats.dropped, 2);
    assert.equal(budget.used, 0);
  });

  it("ends the socket only once what waited has gone", async () => {
    const { outbox, socket } = stalled();
    outbox.send(frame("waiting"), null);
    outbox.end();
    await turns();
    assert.ok(!socket.ended);
    socket.swallow(100 * KIB);
    await turns();
    assert.ok(socket.ended);
    assert.match(socket.taken.toString(), /waiting$/);
  });
});

describe("outboxes that have to share what may wait for all", () => {
  const MUCH = 200 * KIB;

  /** Two that are behind, one by much, with a budget that is all but used up. */
  function uneven(policy: OverflowPolicy): { hoarder: Bench; other: Bench; budget: MemoryBudget } {
    const budget = new MemoryBudget(MUCH + 50 * KIB);
    const [hoarder, other] = [stalled({ policy, budget, max: KIB * KIB }), stalled({ policy, budget, max: KIB * KIB })];
    for (let i = 0; budget.used + 10 * KIB < budget.max; i++) hoarder.outbox.send(frame("h", 5 * KIB), `${i % 3}`);
    return { hoarder, other, budget };
  }

  it("close: who holds most is closed, and the other is sent its messages", () => {
    const { hoarder, other, budget } = uneven("close");
    for (let i = 0; i < 10; i++) assert.equal(other.outbox.send(frame("o", 2 * KIB), null), "queued");
    assert.ok(hoarder.said.includes("overflow"));
    assert.deepEqual(other.said, ["waiting", "backlog"]);
    assert.ok(budget.used <= budget.max);
    assert.equal(hoarder.stats.gaveWay, 1);
  });

  it("drop-newest, drop-oldest, latest-per-key: who holds most loses messages by its own policy", async () => {
    for (const policy of ["drop-newest", "drop-oldest", "latest-per-key"] as const) {
      const { hoarder, other, budget } = uneven(policy);
      for (let i = 0; i < 10; i++) assert.equal(other.outbox.send(frame("o", 2 * KIB), "k"), "queued", policy);
      assert.equal(other.stats.dropped, 0, policy);
      assert.ok(hoarder.stats.dropped > 0 && hoarder.outbox.isBacklogged, policy);
      assert.ok(!hoarder.said.includes("overflow"), policy);
      assert.ok(budget.used <= budget.max, policy);
      hoarder.socket.swallow(KIB * KIB);
      await turns(20);
      assert.ok(!hoarder.outbox.isBacklogged, policy);
    }
  });

  it("takes no message that would make its client the one that holds most, whatever the policy", () => {
    for (const policy of Object.keys(overflowPolicies) as OverflowPolicy[]) {
      const { hoarder, other } = uneven(policy);
      assert.equal(other.outbox.send(frame("o", 2 * MUCH), null), "dropped", policy);
      assert.equal(hoarder.stats.dropped, 0, policy);
    }
  });

  it("that hold as much as each other: whoever is sent the next message is treated by its own policy", () => {
    const budget = new MemoryBudget(4 * KIB * KIB);
    const room = Array.from({ length: 30 }, () => stalled({ policy: "drop-newest", budget, max: 4 * KIB * KIB }));
    for (let i = 0; i < 3000; i++) for (const { outbox } of room) outbox.send(frame("short"), null);
    assert.ok(budget.used <= budget.max);
    assert.ok(room.every(({ stats, said }) => stats.dropped > 0 && !said.includes("overflow")));
    const waiting = room.map(({ outbox }) => outbox.bufferedBytes - 20 * KIB);
    assert.ok(Math.max(...waiting) < 3 * Math.min(...waiting), `${Math.min(...waiting)} to ${Math.max(...waiting)}`);
  });

  it("cuts who holds most where nothing can be dropped", () => {
    const budget = new MemoryBudget(MUCH);
    const hoarder = outboxOn(new FakeSocket(0), { policy: "drop-oldest", budget, max: KIB * KIB });
    hoarder.outbox.send(frame("begun", MUCH - 50 * KIB), null);
    const other = stalled({ policy: "drop-oldest", budget, max: KIB * KIB });
    for (let i = 0; i < 30; i++) assert.equal(other.outbox.send(frame("o", KIB), null), "queued");
    assert.ok(hoarder.said.includes("hopeless"));
  });

  it("cuts whose message has begun and does not fit at all", () => {
    const { outbox, said, budget } = outboxOn(new FakeSocket(0), { budget: new MemoryBudget(MUCH) });
    assert.equal(outbox.send(frame("huge", 2 * MUCH), null), "dropped");
    assert.ok(said.includes("hopeless"));
    assert.equal(budget.used, 0);
  });

  it("a hundred thousand small ones take the same time each as a thousand, whatever the policy", () => {
    for (const policy of ["drop-newest", "drop-oldest", "latest-per-key"] as const) {
      const timeOf = (max: number): number => {
        const { outbox } = stalled({ policy, max });
        const count = 50_000;
        for (let i = 0; i < count; i++) outbox.send(Buffer.from([0x82, 0]), `${i % Math.floor(max / 400)}`);
        const begun = process.cpuUsage();
        for (let i = 0; i < count; i++) outbox.send(Buffer.from([0x82, 0]), `${i % Math.floor(max / 400)}`);
        const { user } = process.cpuUsage(begun);
        outbox.discard();
        return user;
      };
      timeOf(100 * KIB);
      const few = timeOf(100 * KIB);
      const many = timeOf(20 * KIB * KIB);
      // A scan for each would take two hundred times as long.
      assert.ok(many < 20 * few + 50_000, `${policy}: ${many} µs, with a backlog of a two-hundredth ${few} µs`);
    }
  });
});

describe("an outbox whose client takes a little at a time", () => {
  it("lets few writes wait in the socket, however short they are, and goes on when they are taken", async () => {
    const { outbox, socket, said } = outboxOn(new FakeSocket(0), { max: KIB * KIB });
    let expected = "";
    for (let i = 0; i < 100; i++) {
      const text = `${i};`;
      expected += text;
      outbox.send(frame(text), null);
      outbox.flush();
    }
    assert.ok(socket.writes.length <= 16, `${socket.writes.length} writes`);
    assert.ok(
      socket.writes.slice(1).every(({ buffer, length }) => buffer.byteLength === length),
      "nothing else is kept",
    );
    assert.ok(outbox.isBacklogged);
    socket.swallow(KIB * KIB);
    await turns();
    assert.equal(socket.taken.toString(), expected);
    assert.deepEqual(said.slice(-2), ["backlog", "drained"]);
    outbox.send(frame("next"), null);
    outbox.flush();
    assert.ok(!outbox.isBacklogged);
  });

  it("delivers everything in order and tells when the backlog is empty", async () => {
    const { outbox, socket, said, budget } = outboxOn(new FakeSocket(0), { max: 10 * KIB * KIB });
    let expected = "";
    for (let i = 0; i < 200; i++) {
      const text = `${i};`.repeat(500);
      expected += text;
      outbox.send(frame(text), null);
    }
    for (let i = 0; i < 2_000 && socket.taken.length < expected.length; i++) {
      socket.swallow(KIB);
      await turns(1);
    }
    assert.equal(socket.taken.toString(), expected);
    assert.equal(said.at(-1), "drained");
    assert.equal(said.filter((word) => word === "drained").length, 1);
    assert.equal(budget.used, 0);
    assert.ok(!outbox.isBacklogged);
  });

  it("restarts the write deadline with each byte of progress, and stops it when nothing waits", async () => {
    const { outbox, socket } = outboxOn(new FakeSocket(0), { max: 10 * KIB * KIB });
    outbox.send(frame("huge", 300 * KIB), null);
    assert.equal(outbox.stalledSince(1_000), 1_000);
    assert.equal(outbox.stalledSince(2_000), 1_000);
    socket.swallow(64 * KIB);
    await turns();
    assert.equal(outbox.stalledSince(3_000), 3_000);
    socket.swallow(KIB * KIB);
    await turns();
    assert.equal(outbox.stalledSince(4_000), 0);
  });
});
