/** The end of a client: its table, and `End`, which does what the table says to a connection that is real. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Connection } from "#hawser/protocol/connection.js";
import type { Cause, Disconnect } from "#hawser/index.js";
import { type ClientEvent, type ClientState, clientStates } from "#hawser/server/session/closing.js";
import { End, type EndOwner, LOST, type Why } from "#hawser/server/session/end.js";
import { encodeFrame, frame } from "../harness/frames.js";
import { Random } from "../harness/random.js";

/** Written out once more: what comes after what; "-" is what cannot happen or changes nothing. */
const TABLE = `
              close     leave     fail      cut   peerClose  violation  peerEnd   deadline  idle      socketClosed
  open        closing   leaving   closing   cut   ending     ending     ending    -         -         gone
  leaving     closing   -         closing   cut   ending     ending     ending    -         closing   gone
  closing     -         -         ending    cut   ending     ending     ending    cut       -         gone
  ending      -         -         -         cut   -          -          -         cut       -         gone
  cut         -         -         -         -     -          -          -         -         -         gone
  gone        -         -         -         -     -          -          -         -         over      -
  over        -         -         -         -     -          -          -         -         -         -
`;
const [EVENTS = [], ...ROWS] = TABLE.trim()
  .split("\n")
  .map((line) => line.trim().split(/\s+/));
const STATES = ROWS.map(([state]) => state as ClientState);

/** Where an event leads when no handler is running; what fails is closed first, and then given up. */
const SETTLED: Partial<Record<`${ClientState} ${ClientEvent}`, ClientState>> = {
  "open leave": "closing",
  "open fail": "ending",
  "leaving fail": "ending",
};

function nextOf(state: ClientState, event: ClientEvent): ClientState | null {
  const next = ROWS[STATES.indexOf(state)]![EVENTS.indexOf(event) + 1]!;
  return next === "-" ? null : (next as ClientState);
}

const CAUSES: Partial<Record<ClientEvent, Cause>> = {
  close: "closed-by-server",
  leave: "max-age",
  fail: "handler-error",
  cut: "terminated",
  peerClose: "normal",
  violation: "protocol-error",
  peerEnd: "lost",
  socketClosed: "lost",
};

/** A client of which there is nothing but its connection and its end. */
class Bench implements EndOwner {
  readonly done: string[] = [];
  readonly connection: Connection;
  readonly end: End;
  runningHandlers = 0;
  /** Happens while an action is done. */
  meanwhile: Partial<Record<string, () => void>> = {};
  disconnects: Disconnect[] = [];

  constructor() {
    this.connection = new Connection(
      { role: "server", maxMessageBytes: 1024, inflater: null },
      {
        onMessage() {},
        onPing() {},
        onPong() {},
        onClose: ({ code, reason }, reply) => this.end.on("peerClose", { cause: "normal", code, reason }, reply),
        onViolation: ({ code, reason }, farewell) =>
          this.end.on("violation", { cause: "protocol-error", code, reason }, farewell),
      },
    );
    const outbox = {
      sendControl: (bytes: Buffer) => this.#note(`send ${bytes.readUInt16BE(2)}`),
      end: () => this.#note("end output"),
    };
    this.end = new End(this, this.connection, outbox, { destroy: () => this.#note("destroy") });
  }

  startCloseTimeout(): number {
    this.#note("timeout");
    return 1000;
  }
  readOn(): void {
    this.#note("read on");
  }
  release(disconnect: Disconnect): void {
    this.disconnects.push(disconnect);
    this.#note("release");
  }
  callClose(disconnect: Disconnect): void {
    this.disconnects.push(disconnect);
    this.#note("call close");
  }

  /** Has it happen, as it would. */
  happen(event: ClientEvent): void {
    if (event === "peerClose") this.#receive(encodeFrame(frame.close(1000)));
    else if (event === "violation") this.#receive(Buffer.from([0xff, 0xff]));
    else if (event === "deadline") this.end.check(1000);
    else if (event === "idle") this.#settle();
    else this.end.on(event, whyOf(event));
  }

  #receive(bytes: Buffer): void {
    this.connection.receive(bytes, 0);
  }

  #settle(): void {
    this.runningHandlers = 0;
    this.end.on("idle");
  }

  #note(what: string): void {
    this.done.push(what);
    this.meanwhile[what]?.();
  }
}

function whyOf(event: ClientEvent): Why {
  return CAUSES[event] === "lost" ? LOST : { cause: CAUSES[event]!, code: 1000, reason: event };
}

/** One in this state, with a handler running. */
function benchIn(state: ClientState): Bench {
  const ways: Record<ClientState, ClientEvent[]> = {
    open: [],
    leaving: ["leave"],
    closing: ["close"],
    ending: ["close", "fail"],
    cut: ["cut"],
    gone: ["socketClosed"],
    over: ["socketClosed", "idle"],
  };
  const bench = new Bench();
  bench.runningHandlers = 1;
  for (const event of ways[state]) bench.happen(event);
  assert.equal(bench.end.state, state);
  if (state === "over") bench.runningHandlers = 1;
  bench.done.length = 0;
  return bench;
}

describe("the table", () => {
  it("has these states and events and no other", () => {
    assert.deepEqual(Object.keys(clientStates), STATES);
    for (const { on } of Object.values(clientStates))
      for (const event of Object.keys(on)) assert.ok(EVENTS.includes(event), event);
  });

  for (const state of STATES) {
    it(`leads from ${state} where it is said, and does so to the connection as well`, () => {
      for (const event of EVENTS as ClientEvent[]) {
        assert.equal(clientStates[state].on[event]?.to ?? null, nextOf(state, event), `${state}, ${event}`);
        const bench = benchIn(state);
        if (event === "deadline" && nextOf(state, event) !== null) assert.equal(bench.end.check(999), 1000);
        bench.happen(event);
        const expected = SETTLED[`${state} ${event}`];
        const next = event === "leave" ? nextOf(state, event) : (expected ?? nextOf(state, event));
        assert.equal(bench.end.state, next ?? state, `${state}, ${event}`);
        assert.equal(bench.connection.state, clientStates[bench.end.state].connection, `${state}, ${event}`);
        if (next === null) assert.deepEqual(bench.done, [], `${state}, ${event}`);
      }
    });
  }

  it("waits for handlers in two states alone, and for none where none is running", () => {
    for (const state of STATES)
      for (const event of EVENTS as ClientEvent[]) {
        const bench = benchIn(state);
        bench.runningHandlers = 0;
        if (event !== "idle") bench.happen(event);
        const next = nextOf(state, event);
        if (next === "gone") assert.equal(bench.end.state, "over", `${state}, ${event}`);
        if (next === "leaving") assert.equal(bench.end.state, "closing", `${state}, ${event}`);
      }
  });
});

describe("what is done", () => {
  const cases: readonly [ClientState, ClientEvent, string][] = [
    ["open", "close", "send 1000, timeout, read on"],
    ["open", "leave", ""],
    ["leaving", "idle", "send 1000, timeout, read on"],
    ["leaving", "close", "send 1000, timeout, read on"],
    ["open", "fail", "send 1000, timeout, read on, end output, read on"],
    ["closing", "fail", "end output, read on"],
    ["open", "cut", "destroy"],
    ["closing", "cut", "destroy"],
    ["closing", "deadline", "destroy"],
    ["ending", "deadline", "destroy"],
    ["open", "peerClose", "send 1000, timeout, end output, read on"],
    ["closing", "peerClose", "end output, read on"],
    ["open", "violation", "send 1002, timeout, end output, read on"],
    ["closing", "violation", "end output, read on"],
    ["open", "peerEnd", "timeout, end output, read on"],
    ["closing", "peerEnd", "end output, read on"],
    ["open", "socketClosed", "release"],
    ["ending", "socketClosed", "release"],
    ["cut", "socketClosed", "release"],
    ["gone", "idle", "call close"],
  ];
  for (const [state, event, done] of cases) {
    it(`${state}, ${event}: ${done || "nothing"}`, () => {
      const bench = benchIn(state);
      bench.happen(event);
      assert.equal(bench.done.join(", "), done);
    });
  }

  it("has the cause of what came first, where a wish to leave is nothing that has come", () => {
    const causeOf = (...events: ClientEvent[]): [Cause, boolean] => {
      const bench = new Bench();
      bench.runningHandlers = 1;
      for (const event of events) bench.happen(event);
      const [disconnect] = bench.disconnects;
      return [disconnect!.cause, disconnect!.wasClean];
    };
    assert.deepEqual(causeOf("socketClosed"), ["lost", false]);
    assert.deepEqual(causeOf("leave", "socketClosed"), ["lost", false]);
    assert.deepEqual(causeOf("leave", "leave", "idle", "peerClose", "socketClosed"), ["max-age", true]);
    assert.deepEqual(causeOf("leave", "peerClose", "socketClosed"), ["normal", true]);
    assert.deepEqual(causeOf("close", "violation", "cut", "socketClosed"), ["closed-by-server", false]);
    assert.deepEqual(causeOf("peerEnd", "cut", "socketClosed"), ["lost", false]);
  });

  it("happens at once for one that fails and whose close frame has come already: that was clean", () => {
    const bench = new Bench();
    bench.meanwhile = { "read on": () => bench.happen("peerClose") };
    bench.happen("fail");
    bench.happen("socketClosed");
    assert.deepEqual(
      [bench.disconnects[0]!.cause, bench.disconnects[0]!.wasClean, bench.disconnects.length],
      ["handler-error", true, 2],
    );
    assert.equal(bench.disconnects[0], bench.disconnects[1]);
  });
});

describe("whatever happens in whatever order", () => {
  const reached = new Set<ClientState>();

  /** The same by the table alone. */
  function follow(state: ClientState, event: ClientEvent, isIdle: boolean): ClientState {
    let next = nextOf(state, event);
    if (next === null) return state;
    if (event === "fail" && next === "closing") next = "ending";
    return isIdle ? (nextOf(next, "idle") ?? next) : next;
  }

  it("is as the table has it, and ends, once, when the socket is closed and no handler is running", () => {
    const random = new Random(11);
    for (let run = 0; run < 3000; run++) {
      const bench = new Bench();
      let state: ClientState = "open";
      const story: string[] = [];
      const handlers = (count: number): void => {
        bench.runningHandlers = count;
        story.push(`${count} handlers`);
      };
      const happen = (event: ClientEvent): void => {
        story.push(event);
        state = follow(state, event, bench.runningHandlers === 0);
        bench.happen(event);
        assert.equal(bench.end.state, state, story.join(", "));
        assert.equal(bench.connection.state, clientStates[state].connection, story.join(", "));
        reached.add(state);
      };
      for (let i = random.below(8); i > 0; i--) {
        if (random.chance(30)) handlers(random.below(3));
        // That none is running is known when the last one has finished.
        const event = random.pick(EVENTS as ClientEvent[]);
        if (event === "idle") handlers(0);
        happen(event);
      }
      happen("socketClosed");
      handlers(0);
      happen("idle");
      const { done } = bench;
      const count = (what: RegExp): number => done.filter((one) => what.test(one)).length;
      assert.equal(bench.end.state, "over", story.join(", "));
      assert.deepEqual([count(/release/), count(/call close/)], [1, 1], story.join(", "));
      assert.ok(done.indexOf("release") < done.indexOf("call close"), story.join(", "));
      for (const once of [/send/, /timeout/, /end output/, /destroy/]) assert.ok(count(once) <= 1, done.join(", "));
      if (done.includes("end output"))
        assert.ok(!done.slice(done.indexOf("end output")).some((one) => one.startsWith("send")), done.join(", "));
      assert.equal(done.slice(done.indexOf("release")).join(", "), "release, call close", done.join(", "));
    }
    assert.deepEqual([...reached].toSorted(), STATES.toSorted());
  });

  it("one thing may happen while what is to be done for another is done", () => {
    const random = new Random(12);
    for (let run = 0; run < 3000; run++) {
      const bench = new Bench();
      const story: string[] = [];
      const causes: Cause[] = [];
      const happen = (event: ClientEvent): void => {
        story.push(event);
        if (bench.end.isOpen && event !== "leave") causes.push(CAUSES[event]!);
        bench.happen(event);
      };
      // What a socket that takes no more, and what is still to be read, can lead to.
      const inSend: ClientEvent[] = ["fail", "cut"];
      const inRead: ClientEvent[] = ["peerClose", "violation", "peerEnd", "fail", "cut"];
      bench.meanwhile = {
        "send 1000": () => random.chance(50) && happen(random.pick(inSend)),
        "send 1002": () => random.chance(50) && happen(random.pick(inSend)),
        "end output": () => random.chance(50) && happen(random.pick(inSend)),
        "read on": () => random.chance(50) && happen(random.pick(inRead)),
      };
      happen(random.pick(["close", "leave", "fail", "peerClose", "violation", "peerEnd"]));
      const { state } = bench.end;
      assert.ok(["closing", "ending", "cut"].includes(state), story.join(", "));
      assert.equal(bench.connection.state, clientStates[state].connection, story.join(", "));
      assert.ok(bench.done.filter((one) => one === "timeout").length <= 1, bench.done.join(", "));
      if (state !== "cut") assert.equal(bench.end.check(0), 1000, "there is a deadline");
      happen("socketClosed");
      assert.equal(bench.end.state, "over", story.join(", "));
      const expected = story[0] === "leave" ? "max-age" : causes[0];
      assert.equal(bench.disconnects[0]!.cause, expected, story.join(", "));
    }
  });
});
