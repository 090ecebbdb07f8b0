/** Practice 6: one structured logger, a fixed list of events with fixed fields, and nothing a stranger can fill the disk with. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { pino } from "pino";
import { type LogEvent, type Logger, logEvents, Refuse } from "#hawser/index.js";
import { guardedLog } from "#hawser/server/watching/guarded-log.js";
import { SampledLog } from "#hawser/server/watching/sampled-log.js";
import { until } from "../harness/concurrency.js";
import { frame } from "../harness/frames.js";
import { certificates } from "../harness/certificates.js";
import { LogBook, startRig, turns } from "../harness/rig.js";
import { StepClock } from "../harness/step-clock.js";

describe("log lines", () => {
  it("have exactly the fields of logEvents, and every event is written", async (test) => {
    const seen = new LogBook();
    // A listener that fails after it has begun to listen is in listen.test.ts, and the hub's are in hub/ends.test.ts.
    const expected = (Object.keys(logEvents) as LogEvent[]).filter((event) => !/^(server-error|hub-.*)$/.test(event));

    const rig = await startRig<string>(test, {
      logger: seen,
      tls: certificates.first,
      maxHandshakesPerSecond: 10_000,
      authenticate(request) {
        if (request.path === "/refuse") throw new Refuse(401);
        if (request.path === "/fail") throw new Error("bug");
        return "";
      },
      message(_client, message) {
        if (message.text() === "fail") throw new Error("bug");
      },
    });
    rig.server.setTls(certificates.second);
    for (let i = 0; i < 15; i++) await (await rig.dial()).handshake({ path: "/refuse" });
    await (await rig.dial()).handshake({ path: "/fail" });
    const broken = await rig.dial();
    await broken.sendBytes("no HTTP\r\n\r\n");
    await broken.nextResponse();
    const { peer: bad } = await rig.connect({ at: "bad" });
    await bad.sendFrame(frame.text("fail"));
    await bad.expectClose(1011);
    const { peer: good } = await rig.connect();
    await good.close();
    await until(() => rig.closed.length === 2, "both to be gone");
    await rig.stop();

    const events = new Set(seen.lines.map(({ event }) => event));
    assert.deepEqual([...events].toSorted(), expected.toSorted());
    seen.assertDocumented();
  });

  it("tell a connect and a disconnect in one line each, with the active count and the totals", async (test) => {
    const rig = await startRig(test, { message: (client, message) => void client.send(message) });
    const { peer, client } = await rig.connect({ at: "room?secret=1" });
    await rig.connect();
    await peer.echo("hello");
    rig.clock.advance(1_500);
    await peer.sendFrame(frame.close(1000, "bye\nbye"));
    await rig.nextClosed();
    const [first] = rig.log.of("connect");
    assert.deepEqual([first!["id"], first!["path"], first!["clients"]], [client.id, "/room", 1]);
    const [line] = rig.log.of("disconnect");
    const { text: _text, durationMs, ...fields } = line!;
    assert.equal(durationMs, 1_500);
    assert.deepEqual(fields, {
      level: "info",
      event: "disconnect",
      id: client.id,
      code: 1000,
      reason: "bye\\u000abye",
      cause: "normal",
      initiator: "client",
      messagesIn: 1,
      messagesOut: 1,
      bytesIn: 5,
      bytesOut: 5,
      dropped: 0,
      rttMs: null,
      clients: 1,
    });
    assert.ok(!JSON.stringify(rig.log.lines).includes("secret"), "a query may hold a token");
  });

  it("cut a path that is too long to be honest", async (test) => {
    const rig = await startRig(test, { path: "/only" });
    await (await rig.dial()).handshake({ path: `/${"x".repeat(5_000)}` });
    assert.equal(String(rig.log.of("refused")[0]!["path"]).length, 256);
  });

  it("have no stack trace for what a client did wrong, and none is an error", async (test) => {
    const rig = await startRig(test);
    const attacks: Uint8Array[] = [
      "8100",
      "c100",
      "8382000000",
      "81fe000000000000",
      "80800000",
      "8980",
      "88810000000041",
    ].map((hex) => Buffer.from(hex, "hex"));
    for (const bytes of attacks) {
      const { peer } = await rig.connect();
      await peer.sendBytes(bytes);
      await turns(5);
      peer.reset();
      await rig.nextClosed();
    }
    for (const line of rig.log.lines) {
      assert.ok(line.level === "info" || line.level === "warn", `${line.event} is ${line.level}`);
      assert.ok(!("err" in line) && !/\bat .*\(.*:\d+/.test(JSON.stringify(line)));
    }
  });

  // C0, DEL, C1, bidi marks, embeddings and isolates, line separators, a byte order mark.
  const HOSTILE = "a\u0000\u001b[2J\u007f\u009b31m\u200f\u202e\u2066\u061c\u2028\u2029\ufeff\nb";
  const UNSAFE = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/u;

  for (const portableSockets of [false, true]) {
    it(`carry no character that a terminal obeys or that turns the rest around (${portableSockets ? "portable" : "lean"})`, async (test) => {
      let ids = 0;
      const rig = await startRig<string>(test, {
        portableSockets,
        generateId: () => `${HOSTILE}${++ids}`,
        authenticate({ path }) {
          if (path.startsWith("/refuse")) throw new Refuse(401);
          if (path.startsWith("/fail")) throw new Error(HOSTILE, { cause: new Error(HOSTILE) });
          return "";
        },
        message(_client, message) {
          throw Object.assign(new TypeError(message.text()), { input: Object.freeze([HOSTILE]) });
        },
      });
      for (const path of ["/refuse", "/fail"]) await (await rig.dial()).handshake({ path });
      const { peer } = await rig.connect();
      await peer.sendFrame(frame.close(1000, HOSTILE));
      await rig.nextClosed();
      const { peer: bad } = await rig.connect();
      await bad.sendFrame(frame.text(HOSTILE));
      await until(() => rig.log.of("handler-error").length === 1, "the error to be logged");

      assert.match(String(rig.log.of("connect")[0]?.["id"]), /^a\\u0000/);
      assert.match(
        String(rig.log.of("disconnect")[0]?.["reason"]),
        /^a\\u0000\\u001b\[2J\\u007f\\u009b31m\\u200f\\u202e/,
      );
      const texts = (value: unknown): string[] => {
        if (value instanceof Error)
          return [value.message, value.stack ?? "", ...texts(value.cause), ...texts(Object.values(value))];
        if (typeof value === "object" && value !== null) return Object.values(value).flatMap(texts);
        return [String(value)];
      };
      for (const text of rig.log.lines.flatMap((line) => texts(line)))
        assert.doesNotMatch(text.replace(/[\n\t]/g, ""), UNSAFE, JSON.stringify(text));
      const [thrown] = rig.log.of("handler-error");
      const err = thrown?.["err"];
      assert.ok(err instanceof TypeError, "an error stays one of its class");
      assert.match(err.stack ?? "", /^TypeError: a\\u0000.*\n(.*\n)* +at .*log\.test/);
    });
  }

  it("are safe wherever in what was thrown a stranger's text stands", async (test) => {
    class Invalid {
      readonly value = HOSTILE;
      readonly #own = 1;
      get own(): number {
        return this.#own;
      }
    }
    let deep: object = { text: HOSTILE };
    let caused = new Error(HOSTILE);
    for (let i = 0; i < 9; i++) [deep, caused] = [{ deep }, new Error(String(i), { cause: caused })];
    const around: Record<string, unknown> = { text: HOSTILE };
    around["self"] = around;
    const many = Object.fromEntries(Array.from({ length: 2000 }, (_, at) => [`${at}`, { text: HOSTILE }]));
    const broken = {
      text: HOSTILE,
      get broken() {
        throw new Error("a getter");
      },
    };
    const shapes: unknown[] = [
      new AggregateError([new Error(HOSTILE)], "as Promise.any rejects"),
      new Invalid(),
      deep,
      caused,
      around,
      many,
      broken,
      { [HOSTILE]: 1 },
      { toJSON: () => ({ text: HOSTILE }) },
    ];
    const written: string[] = [];
    const logger = pino({ depthLimit: 50, edgeLimit: 5000 }, { write: (line: string) => void written.push(line) });
    const rig = await startRig(test, {
      logger,
      authenticate() {
        throw Object.assign(new Error("refused"), { shape: shapes[0] });
      },
    });
    while (shapes.length > 0) {
      await (await rig.dial()).handshake({ path: "/" });
      shapes.shift();
      const line = written.findLast((one) => one.includes('"event":"handshake-error"'))!;
      assert.match(line, /a\\\\u0000/);
      assert.doesNotMatch(line.trimEnd(), UNSAFE);
      written.length = 0;
    }
  });

  it("look at so many objects of a line, and cut the rest", () => {
    const log = new LogBook();
    const err = Array.from({ length: 2000 }, () => ({ text: HOSTILE }));
    guardedLog(log).error({ event: "handler-error", err }, "it failed");
    const shown = log.lines[0]!["err"] as unknown[];
    const cut = shown.filter((one) => one === "…").length;
    assert.ok(cut >= 1000 && cut < 1010, `${cut} were cut`);
  });

  it("have the application's own error when there is nothing in it to change", async (test) => {
    const error = Object.assign(new RangeError("fine"), { detail: { more: [1, "two"] } });
    const rig = await startRig(test, {
      message() {
        throw error;
      },
    });
    const { peer } = await rig.connect();
    await peer.sendFrame(frame.text("x"));
    await rig.nextClosed();
    assert.equal(rig.log.of("handler-error")[0]?.["err"], error);
  });

  it("are not needed: a logger that throws stops nothing", async (test) => {
    const broken = (): never => {
      throw new Error("disk full");
    };
    const rig = await startRig(test, {
      logger: { debug: broken, info: broken, warn: broken, error: broken },
      path: "/",
      message(client, message) {
        if (message.text() === "fail") throw new Error("bug");
        client.send(message);
      },
    });
    const { peer } = await rig.connect();
    const { peer: bad } = await rig.connect();
    await bad.sendFrame(frame.text("fail"));
    await bad.expectClose(1011);
    assert.equal((await (await rig.dial()).handshake({ path: "/other" })).status, 404);
    await peer.echo("still here");
    await peer.close();
    await until(() => rig.server.clients.size === 0, "both to be gone");
    await rig.stop();
  });

  it("keep their logger's this", async (test) => {
    class Counting {
      lines = 0;
      debug(): void {}
      info(): void {
        this.lines++;
      }
      warn(): void {}
      error(): void {}
    }
    const logger = new Counting();
    await startRig(test, { logger });
    assert.equal(logger.lines, 1);
  });
});

describe("sampling", () => {
  it("writes the first ten of a kind in a second, then how many were left out", () => {
    const [clock, book] = [new StepClock(), new LogBook()];
    const log = new SampledLog(book, clock);
    for (let i = 0; i < 1_000; i++) log.warn("refused path", { event: "refused" }, "refused");
    log.warn("refused origin", { event: "refused" }, "another kind");
    assert.equal(book.of("refused").length, 11);
    clock.advance(2_000);
    assert.deepEqual(
      book.of("log-sampled").map((line) => [line.level, line["of"], line["omitted"]]),
      [["warn", "refused path", 990]],
    );
    assert.equal(clock.timers, 0, "no timer while nothing is left out");
    log.warn("refused path", { event: "refused" }, "a new second");
    assert.equal(book.of("refused").length, 12);
  });

  it("tells of a single one that was left out, and of none where there was none", () => {
    const [clock, book] = [new StepClock(), new LogBook()];
    const log = new SampledLog(book, clock);
    for (const lines of [10, 11]) {
      for (let i = 0; i < lines; i++) log.warn("refused path", { event: "refused" }, "refused");
      clock.advance(2_000);
    }
    assert.deepEqual(
      book.of("log-sampled").map((line) => line["omitted"]),
      [1],
    );
  });

  it("begins anew with the second, also when the timer of the last one has not come yet", () => {
    const [clock, book] = [new StepClock(), new LogBook()];
    const log = new SampledLog(book, clock);
    const burst = (): void => {
      for (let i = 0; i < 15; i++) log.warn("refused path", { event: "refused" }, "refused");
    };
    log.warn("refused path", { event: "refused" }, "the second begins");
    clock.advance(900);
    burst();
    clock.advance(150);
    assert.equal(clock.timers, 1, "it is due 1,000 ms after the first line that was left out");
    burst();
    assert.equal(book.of("refused").length, 20);
    assert.deepEqual(
      book.of("log-sampled").map((line) => line["omitted"]),
      [6],
    );
    clock.advance(3_000);
    assert.deepEqual(
      book.of("log-sampled").map((line) => line["omitted"]),
      [6, 5],
    );
  });

  it("says what was left out when the log ends", () => {
    const [clock, book] = [new StepClock(), new LogBook()];
    const log = new SampledLog(book, clock);
    for (let i = 0; i < 30; i++) log.error("handshake-error", { event: "handshake-error" }, "failed");
    log.end();
    assert.equal(book.of("handshake-error").length, 10);
    assert.deepEqual(
      book.of("log-sampled").map((line) => line["omitted"]),
      [20],
    );
    assert.equal(clock.timers, 0);
  });

  it("holds for every line that a stranger can provoke", async (test) => {
    const rig = await startRig<string>(test, {
      path: "/",
      authenticate() {
        throw new Error("bug");
      },
    });
    for (let i = 0; i < 40; i++) {
      await (await rig.dial()).handshake({ path: "/nowhere" });
      await (await rig.dial()).handshake();
      const broken = await rig.dial();
      await broken.sendBytes("rubbish\r\n\r\n");
      await broken.nextResponse();
    }
    assert.deepEqual(
      ["refused", "http-error", "handshake-error"].map((event) => rig.log.of(event).length),
      [20, 10, 10],
    );
    rig.clock.advance(2_000);
    assert.ok(rig.log.of("log-sampled").every((line) => line["omitted"] === 30));
    assert.equal(rig.log.of("log-sampled").length, 4);
    assert.equal(rig.server.stats.refused.path, 40, "every one is counted");
    assert.equal(rig.server.stats.httpErrors, 40);
  });
});

describe("a guarded log", () => {
  const linesOf = (isLevelEnabled: unknown): string[] => {
    const lines: string[] = [];
    const write = (_fields: object, message: string): void => void lines.push(message);
    const log = guardedLog({ debug: write, info: write, warn: write, error: write, isLevelEnabled } as Logger);
    log.debug({}, "a detail");
    log.warn({}, "a warning");
    return lines;
  };

  it("leaves out lines that the logger says it does not write", () => {
    assert.deepEqual(
      linesOf((level: string) => level === "warn"),
      ["a warning"],
    );
  });

  it("writes all where that cannot be asked, or is answered by anything else", () => {
    const fails = (): never => {
      throw new Error("broken");
    };
    for (const isLevelEnabled of [undefined, true, fails, () => undefined])
      assert.deepEqual(linesOf(isLevelEnabled), ["a detail", "a warning"]);
  });
});
