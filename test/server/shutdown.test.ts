/** Practice 5: shutdown is a protocol: bounded, paced, reported, and the same for whoever asks again. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { describe, it } from "node:test";
import { createServer, UsageError } from "#hawser/index.js";
import { type Leaving, shutDown, type ShutdownPort } from "#hawser/server/shutdown.js";
import { until } from "../harness/concurrency.js";
import { encodeFrame, frame } from "../harness/frames.js";
import { upgradeRequest } from "../harness/http.js";
import { gate, plainHttpServer, type Rig, standsStill, startRig, stepUntil, turns } from "../harness/rig.js";
import { StepClock } from "../harness/step-clock.js";

/** So many clients that answer when they are told, unless they are among the deaf. */
function crowd(
  size: number,
  deaf = 0,
): { port: ShutdownPort; clock: StepClock; told: number[]; outcome: { clean: number } } {
  const clock = new StepClock();
  const clients = new Map<string, Leaving>();
  const told: number[] = [];
  const outcome = { clean: 0 };
  for (let i = 0; i < size; i++) {
    const id = String(i);
    clients.set(id, {
      dropped: 0,
      droppedBytes: 0,
      shutDown() {
        told.push(clock.now());
        if (i < deaf) return;
        clients.delete(id);
        outcome.clean++;
      },
      cutForShutdown: () => void setImmediate(() => clients.delete(id)),
    });
  }
  return { port: { clock, clients, stopAccepting() {}, endHttp: () => true }, clock, told, outcome };
}

describe("the steps of a shutdown", () => {
  it("tell 1,000 clients in batches over half of the grace, not all at once", async () => {
    const { port, clock, told, outcome } = crowd(1_000);
    const start = clock.now();
    const report = shutDown(port, 5_000, "bye", outcome);
    assert.equal(told.length, 100, "the first batch at once");
    clock.advance(100);
    assert.ok(told.length < 1_000, `${told.length} told after 100 ms`);
    clock.advance(2_400);
    assert.equal(told.length, 1_000, "all within half of the grace");
    const perMoment = new Map<number, number>();
    for (const at of told) perMoment.set(at, (perMoment.get(at) ?? 0) + 1);
    assert.ok(Math.max(...perMoment.values()) <= 100);
    assert.ok(told.at(-1)! > start + 100);
    assert.deepEqual(
      (({ clients, clean, lost, cut }) => [clients, clean, lost, cut])(await report),
      [1_000, 1_000, 0, 0],
    );
  });

  it("keep to half of the grace with ever so many", async () => {
    const { port, clock, told, outcome } = crowd(50_000);
    const report = shutDown(port, 1_000, "bye", outcome);
    clock.advance(240);
    assert.equal(told.length, 26_000, "evenly, and not the rest at half time");
    clock.advance(240);
    assert.equal(told.length, 50_000);
    await report;
  });

  it("cut whoever is left when the grace is over, and report it", async () => {
    const { port, clock, outcome } = crowd(10, 3);
    const report = shutDown(port, 5_000, "bye", outcome);
    clock.advance(4_990);
    assert.equal(port.clients.size, 3);
    clock.advance(10);
    const { clients, clean, lost, cut, durationMs } = await report;
    assert.deepEqual([clients, clean, lost, cut], [10, 7, 0, 3]);
    assert.ok(durationMs >= 5_000 && durationMs <= 5_020);
    assert.equal(clock.timers, 0);
  });

  it("wait half of the grace for handlers, and tell whoever is left once more, and once", async () => {
    const { port, clock, outcome } = crowd(0);
    const start = clock.now();
    const told: [afterMs: number, reason: string, isNow: boolean][] = [];
    const waiting: Leaving = {
      dropped: 0,
      droppedBytes: 0,
      shutDown: (reason, isNow) => void told.push([clock.now() - start, reason, isNow]),
      cutForShutdown: () => (port.clients as Map<string, Leaving>).clear(),
    };
    (port.clients as Map<string, Leaving>).set("waiting", waiting);
    const report = shutDown(port, 5_000, "bye", outcome);
    clock.advance(2_480);
    assert.deepEqual(told, [[0, "bye", false]]);
    clock.advance(2_520);
    await report;
    assert.deepEqual(told, [[0, "bye", false], [2_500, "bye", true]]); // oxfmt-ignore
  });

  it("accept nobody from the first moment, and wait for requests in flight until the grace is over", async () => {
    const { port, clock, outcome } = crowd(2);
    const seen: string[] = [];
    let isForced = false;
    const report = shutDown(
      {
        ...port,
        stopAccepting: () => void seen.push("stop accepting"),
        endHttp(force) {
          if (seen.length === 1) seen.push(`${port.clients.size} clients`);
          return (isForced = force);
        },
      },
      5_000,
      "bye",
      outcome,
    );
    clock.advance(4_990);
    assert.deepEqual([seen, isForced, clock.timers], [["stop accepting", "0 clients"], false, 1]);
    clock.advance(10);
    assert.equal(isForced, true);
    assert.equal((await report).durationMs, 5_000);
  });

  it("count as dropped what they made undeliverable, which is known once a socket is closed, and nothing from before", async () => {
    const { port, clock, outcome } = crowd(0);
    const clients = port.clients as Map<string, Leaving>;
    const deaf = {
      dropped: 5,
      droppedBytes: 500,
      shutDown: () => void (deaf.dropped += 1),
      cutForShutdown: () =>
        void setImmediate(() => {
          deaf.dropped += 2;
          deaf.droppedBytes += 40;
          clients.delete("deaf");
        }),
    };
    clients.set("deaf", deaf);
    const report = shutDown(port, 1_000, "bye", outcome);
    clock.advance(1_000);
    const { cut, droppedMessages, droppedBytes } = await report;
    // It is told twice.
    assert.deepEqual([cut, droppedMessages, droppedBytes, clients.size], [1, 4, 40, 0]);
  });
});

describe("server.close", () => {
  it("gives each client 1001 with the reason, and reports clean, lost, cut and dropped", async (test) => {
    const rig = await startRig(test, { maxBacklogBytes: 8 * 1024 * 1024 });
    const clean = [await rig.connect(), await rig.connect(), await rig.connect()];
    const lost = await rig.connect();
    const deaf = await rig.connect({ keepHalfOpen: true });
    const behind = await rig.connect({ keepHalfOpen: true });
    behind.peer.socket.pause();
    while ((await standsStill(() => behind.client.bufferedBytes)) === 0) behind.client.send(Buffer.alloc(1024 * 1024));
    for (let i = 0; i < 3; i++) behind.client.send("waits in vain");
    const report = rig.stop({ reason: "new version" });
    for (const { peer } of [...clean, lost]) {
      assert.deepEqual(await peer.nextEvent(), { type: "close", code: 1001, reason: "new version" });
      if (peer === lost.peer) peer.reset();
      else await peer.sendFrame(frame.close(1001));
    }
    assert.deepEqual(await deaf.peer.nextEvent(), { type: "close", code: 1001, reason: "new version" });
    const { droppedBytes, durationMs, ...counts } = await report;
    assert.deepEqual(counts, { clients: 6, clean: 3, lost: 1, cut: 2, droppedMessages: 3 });
    assert.equal(droppedBytes, 3 * (2 + "waits in vain".length));
    assert.ok(durationMs >= 5_000 && durationMs <= 5_100);
    for (const { disconnect } of rig.closed) assert.equal(disconnect.cause, "server-shutdown");
    assert.equal(rig.closed.length, 6);
    assert.equal(rig.server.clients.size, 0);
    const [line] = rig.log.of("shutdown-finished");
    assert.deepEqual([line!["clients"], line!["clean"], line!["cut"]], [6, 3, 2]);
    assert.equal(rig.log.lines.at(-1), line);
  });

  it("is the same when asked again, inside a handler too", async (test) => {
    const promises: Promise<unknown>[] = [];
    const rig = await startRig(test, {
      message: () => void promises.push(rig.server.close()),
      close: () => void promises.push(rig.server.close({ graceMs: 1 })),
    });
    const { peer } = await rig.connect();
    await peer.sendFrame(frame.text("shut down"));
    await stepUntil(rig.clock, () => peer.unreadEvents().length > 0, "the close frame");
    await peer.sendFrame(frame.close(1001));
    await stepUntil(rig.clock, () => promises.length === 2, "both");
    promises.push(rig.stop());
    const reports = await Promise.all(promises);
    assert.ok(reports.every((report) => report === reports[0]));
    assert.equal(rig.log.of("shutdown-started").length, 1);
  });

  it("is done at once when nobody is connected", async (test) => {
    const rig = await startRig(test);
    const report = await rig.stop();
    assert.deepEqual([report.clients, report.cut], [0, 0]);
    assert.ok(report.durationMs < 1_000);
  });

  for (const portableSockets of [false, true]) {
    it(`does not wait for a connection that has never asked for anything${portableSockets ? ", portable" : ""}`, async (test) => {
      const server = createServer({ logLevel: "silent", portableSockets });
      const { port } = await server.listen(0);
      const silent = connect(port, "127.0.0.1");
      test.after(() => void silent.destroy());
      await once(silent, "connect");
      // It is a connection of the server's once another one, which came later, has had its answer.
      await fetch(`http://127.0.0.1:${port}/`);
      const { durationMs } = await server.close({ graceMs: 20_000 });
      assert.ok(durationMs < 15_000, `it took ${durationMs} ms of 20,000`);
    });
  }

  it("turns readiness off and gives 503 to whoever still comes", async (test) => {
    const http = plainHttpServer();
    const rig = await startRig(test, {}, { attach: http });
    const { peer } = await rig.connect();
    const late = await rig.dial();
    assert.ok(rig.server.isReady);
    const report = rig.stop();
    assert.equal(rig.server.isReady, false);
    const response = await late.handshake();
    assert.equal(response.status, 503);
    assert.ok(response.headers.has("retry-after"));
    assert.equal(rig.server.stats.refused.draining, 1);
    await peer.sendFrame(frame.close(1001));
    assert.equal((await report).clients, 1);
  });

  it("closes its listener, and requests under way finish", async (test) => {
    const answer = gate<string>();
    let asked = false;
    const rig = await startRig(test, {
      request(_request, response) {
        asked = true;
        void answer.promise.then((text) => response.end(text));
      },
    });
    const slow = fetch(`http://127.0.0.1:${rig.port}/`);
    await until(() => asked, "the request");
    const report = rig.stop();
    await turns(20);
    await assert.rejects(rig.dial(), { code: "ECONNREFUSED" });
    answer.open("finished");
    assert.equal(await (await slow).text(), "finished");
    await report;
  });

  it("does not wait for a request whose handler waits for it, and which is answered afterwards", async (test) => {
    const rig = await startRig(test, {
      async request(request, response) {
        if (request.url !== "/stop") return void response.end("ok");
        const { durationMs } = await rig.server.close({ graceMs: 60_000 });
        response.end(`closed after ${durationMs} ms`);
      },
    });
    // A connection that is kept for another request has to go as well.
    await (await fetch(`http://127.0.0.1:${rig.port}/`)).text();
    const answer = fetch(`http://127.0.0.1:${rig.port}/stop`).then(async (response) => response.text());
    let text = "";
    void answer.then((said) => (text = said));
    await stepUntil(rig.clock, () => text !== "", "the answer", 20);
    assert.ok(Number(/\d+/.exec(text)?.[0]) < 30_000, text);
    await assert.rejects(rig.dial(), { code: "ECONNREFUSED" });
  });

  it("lets handlers in flight finish, and their replies arrive before 1001", async (test) => {
    const work = gate();
    let begun = 0;
    const rig = await startRig(test, {
      async message(client, message) {
        begun++;
        await work.promise;
        client.send(`reply to ${message.text()}`);
      },
    });
    const { peer, client } = await rig.connect();
    await peer.sendBytes(Buffer.concat([encodeFrame(frame.text("one")), encodeFrame(frame.text("two"))]));
    await until(() => begun === 1, "the handler");
    const report = rig.stop({ graceMs: 60_000 });
    await turns(20);
    assert.ok(client.isOpen, "it is told when its handler has finished");
    work.open();
    assert.equal((await peer.nextMessage()).bytes.toString(), "reply to one");
    assert.equal((await peer.nextEvent())!.type, "close");
    await peer.sendFrame(frame.close(1001));
    assert.equal((await report).clean, 1);
    assert.equal(begun, 1, "no handler begins after the shutdown has");
  });

  for (const portableSockets of [false, true]) {
    it(`a handler that waits for it is not waited for, another one is (portable sockets: ${portableSockets})`, async (test) => {
      const work = gate();
      let finished = 0;
      const rig = await startRig(test, {
        portableSockets,
        async message(client, message) {
          if (message.text() === "close") await rig.server.close();
          else await work.promise;
          client.send("done");
          finished++;
        },
      });
      const [closer, busy] = [await rig.connect(), await rig.connect()];
      await busy.peer.sendFrame(frame.text("work"));
      await until(() => rig.server.pendingHandlers === 1, "the one that works");
      await closer.peer.sendFrame(frame.text("close"));
      assert.deepEqual(await closer.peer.nextEvent(), { type: "close", code: 1001, reason: "server shutting down" });
      await closer.peer.sendFrame(frame.close(1001));
      await closer.peer.expectClose(1001);
      assert.ok(busy.client.isOpen);
      work.open();
      assert.equal((await busy.peer.nextMessage()).bytes.toString(), "done");
      await busy.peer.nextEvent();
      await busy.peer.sendFrame(frame.close(1001));
      await stepUntil(rig.clock, () => finished === 2, "both handlers");
      const { clean, cut, durationMs } = await rig.server.close();
      assert.deepEqual([clean, cut], [2, 0]);
      assert.ok(durationMs < 2_500, `${durationMs} ms of 5,000`);
    });
  }

  it("is waited for by open as well, and by a handler that asks for it when it has begun", async (test) => {
    const rig: Rig<undefined> = await startRig(test, {
      async open(): Promise<void> {
        if (rig.server.clients.size === 2) await rig.server.close();
      },
      async message(): Promise<void> {
        await rig.server.close();
      },
    });
    const asks = await rig.connect();
    const opens = await rig.connect();
    await asks.peer.sendFrame(frame.text("close"));
    for (const { peer } of [opens, asks]) {
      assert.equal((await peer.nextEvent())!.type, "close");
      await peer.sendFrame(frame.close(1001));
    }
    const { clean, durationMs } = await rig.stop();
    assert.equal(clean, 2);
    assert.ok(durationMs < 2_500, `${durationMs} ms of 5,000`);
  });

  it("tells whose handlers still run after half of the grace: one that waits for it cannot be told from others by then", async (test) => {
    const rig = await startRig(test, {
      async message(): Promise<void> {
        await Promise.resolve();
        await rig.server.close();
      },
    });
    const { peer, client } = await rig.connect();
    await peer.sendFrame(frame.text("close"));
    await until(() => rig.log.of("shutdown-started").length === 1, "the shutdown");
    rig.clock.advance(2_480);
    assert.ok(client.isOpen);
    rig.clock.advance(60);
    assert.equal((await peer.nextEvent())!.type, "close");
    await peer.sendFrame(frame.close(1001));
    const { clean, cut, durationMs } = await rig.stop();
    assert.deepEqual([clean, cut], [1, 0]);
    assert.ok(durationMs < 5_000);
  });

  it("does not wait past the grace for a handler that never finishes", async (test) => {
    const rig = await startRig(test, { message: () => gate().promise });
    const { peer } = await rig.connect();
    await peer.sendFrame(frame.text("x"));
    await until(() => rig.server.stats.messagesIn === 1, "the handler");
    const report = await rig.stop({ graceMs: 2_000 });
    assert.deepEqual([report.clients, report.cut], [1, 1]);
    assert.ok(report.durationMs <= 2_050);
  });

  it("delivers what is queued before 1001", async (test) => {
    const rig = await startRig(test);
    const { peer, client } = await rig.connect();
    client.send(Buffer.alloc(8 * 1024 * 1024));
    client.send("the last");
    const report = rig.stop({ graceMs: 60_000 });
    assert.equal((await peer.nextMessage(20_000)).bytes.length, 8 * 1024 * 1024);
    assert.equal((await peer.nextMessage()).bytes.toString(), "the last");
    await peer.sendFrame(frame.close(1001));
    assert.deepEqual((({ clean, droppedMessages }) => [clean, droppedMessages])(await report), [1, 0]);
  });

  it("reports what it has dropped itself, and not what was dropped before", async (test) => {
    const rig = await startRig(test, { overflow: "drop-newest", maxBacklogBytes: 64 * 1024 });
    const { peer, client } = await rig.connect();
    peer.socket.pause();
    while (client.dropped < 5) client.send("x".repeat(16 * 1024));
    const before = client.dropped;
    const report = await rig.stop({ graceMs: 1_000 });
    assert.equal(report.cut, 1);
    assert.ok(report.droppedMessages > 0);
    assert.equal(rig.server.stats.dropped, before + report.droppedMessages);
    assert.ok(report.droppedBytes <= 64 * 1024 + 16 * 1024, `${report.droppedBytes} bytes`);
  });

  it("that comes while it begins to listen: nobody is served, and listen says why", async () => {
    // At once; while a name is looked up; and when it listens already, and nobody has been told so.
    const moments: readonly (readonly [string, (close: () => void) => void])[] = [
      ["127.0.0.1", (close) => close()],
      ["localhost", (close) => close()],
      ["127.0.0.1", (close) => process.nextTick(close)],
    ];
    for (const [host, at] of moments) {
      const server = createServer({ logLevel: "silent" });
      const listening = server.listen(0, host);
      at(() => void server.close({ graceMs: 0 }));
      await assert.rejects(listening, UsageError);
      await server.close();
      assert.equal(server.isReady, false);
    }
  });

  it("refuses handshakes that wait for authenticate, at once", async (test) => {
    const signals: AbortSignal[] = [];
    const rig = await startRig<string>(test, {
      authenticate: (_request, { signal }) => {
        signals.push(signal);
        return gate<string>().promise;
      },
    });
    const peer = await rig.dial();
    await peer.sendBytes(upgradeRequest(rig.url));
    await until(() => signals.length === 1, "authenticate");
    const report = rig.stop();
    assert.equal((await peer.nextResponse())!.status, 503);
    assert.ok(signals[0]!.aborted);
    peer.destroy();
    assert.equal((await report).clients, 0);
    assert.equal(rig.clock.timers, 0);
  });

  it("with a grace of 0 cuts at once", async (test) => {
    const rig = await startRig(test);
    for (let i = 0; i < 5; i++) await rig.connect();
    const report = await rig.server.close({ graceMs: 0 });
    assert.deepEqual([report.clients, report.cut, report.durationMs], [5, 5, 0]);
  });

  it("takes no grace that has no end", async (test) => {
    const rig = await startRig(test);
    for (const graceMs of [-1, Number.NaN, Number.POSITIVE_INFINITY, "5000" as unknown as number])
      assert.throws(() => rig.server.close({ graceMs }), UsageError);
    assert.ok(rig.server.isReady);
  });

  it("takes a reason of any length: it is cut to what fits", async (test) => {
    const rig = await startRig(test);
    const { peer } = await rig.connect();
    const report = rig.stop({ reason: "ü".repeat(500) });
    const close = await peer.nextEvent();
    assert.deepEqual(close, { type: "close", code: 1001, reason: "ü".repeat(61) });
    await peer.sendFrame(frame.close(1001));
    await report;
  });
});
