// The four checks that every list of WebSocket practices ends with, against the real `hawser serve` process.

import assert from "node:assert/strict";
import { describe, test, type TestContext } from "node:test";

import { sleep } from "../harness/concurrency.js";
import { encodeFrame, frame } from "../harness/frames.js";
import { RawClient } from "../harness/raw-client.js";
import { serve, type ServerProcess } from "../harness/server.js";

/**
 * What a deadline may be late by: the wheel's 100 ms, and a machine that is busy with other tests. No deadline may be early, whenever
 * this process comes to look: times are counted from before the server could know of the client.
 */
const LATE_MS = 20_000;

async function started(t: TestContext, ...args: string[]): Promise<ServerProcess> {
  const server = await serve(args);
  t.after(() => server.stop());
  return server;
}

describe("a silent client is disconnected at the deadline", { concurrency: 2 }, () => {
  test("one that answers nothing is gone after pongWait, and not before", async (t) => {
    const server = await started(t, "--pong-wait-ms", "1000");
    const silent = await RawClient.open(server.url);
    const { how, afterMs } = await silent.ended(1000 + LATE_MS);
    assert.notEqual(how, "open");
    assert.ok(afterMs >= 1000, `it was cut after ${Math.round(afterMs)} ms`);
    const line = await server.waitForEvent("disconnect");
    assert.deepEqual(
      [line["cause"], line["code"], line["initiator"], line["clients"]],
      ["heartbeat-timeout", 1006, "server", 0],
    );
  });

  test("one that answers pings stays, though it never sends a message", async (t) => {
    const server = await started(t, "--pong-wait-ms", "4000", "--ping-period-ms", "200", "--echo");
    const quiet = await RawClient.open(server.url, { answerPings: true });
    await sleep(9000);
    assert.equal((await quiet.ended(0)).how, "open");
    await quiet.close();
  });
});

describe("a message over 512 KiB is refused with 1009", { concurrency: 3 }, () => {
  const LIMIT = 512 * 1024;

  test("as soon as its length is declared, before any of it has come", async (t) => {
    const server = await started(t, "--echo");
    const client = await RawClient.open(server.url);
    const whole = encodeFrame(frame.binary("", { declaredLength: LIMIT + 1 }));
    await client.sendBytes(whole); // the head alone
    await client.expectClose(1009);
    const line = await server.waitForEvent("disconnect");
    assert.deepEqual([line["cause"], line["code"], line.level], ["too-big", 1009, "warn"]);
  });

  test("as the sum of its fragments", async (t) => {
    const server = await started(t, "--echo");
    const client = await RawClient.open(server.url);
    await client.sendFrame(frame.binary(new Uint8Array(LIMIT), { fin: false }));
    await client.sendFrame(frame.next("x"));
    await client.expectClose(1009);
  });

  test("and one of exactly 512 KiB is taken", async (t) => {
    const server = await started(t, "--echo");
    const client = await RawClient.open(server.url);
    await client.sendFrame(frame.binary(new Uint8Array(LIMIT)));
    assert.equal((await client.nextMessage()).bytes.length, LIMIT);
    await client.close();
  });
});

describe("Ctrl+C while clients are connected", { concurrency: 2 }, () => {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    test(`${signal}: each gets a clean 1001, and the process exits 0 within the grace`, async (t) => {
      const server = await started(t);
      const clients = await Promise.all(
        Array.from({ length: 50 }, (_, at) => RawClient.open(`${server.url}room-${at % 5}`)),
      );
      server.signal(signal);
      await Promise.all(
        clients.map(async (client) => {
          const close = await closeFrame(client);
          assert.deepEqual(close, { type: "close", code: 1001, reason: "server shutting down" });
          await client.sendFrame(frame.close(1001));
          assert.equal((await client.ended()).how, "fin");
        }),
      );
      assert.deepEqual(await server.exit, { code: 0, signal: null });
      // Nobody was cut: it was over before the grace was.
      const report = server.lines.find(({ event }) => event === "shutdown-finished")!;
      assert.deepEqual([report["clients"], report["clean"], report["cut"], report["lost"]], [50, 50, 0, 0]);
      assert.deepEqual(server.strayLines, []);
    });
  }

  test("one that never answers is cut when the grace is over, and the exit code is 0 all the same", async (t) => {
    const server = await started(t, "--shutdown-grace-ms", "6000", "--close-timeout-ms", "60000");
    const deaf = await RawClient.open(server.url, { keepHalfOpen: true });
    server.signal("SIGINT");
    assert.deepEqual(await server.exit, { code: 0, signal: null });
    assert.equal((await closeFrame(deaf)).code, 1001);
    const report = server.lines.find(({ event }) => event === "shutdown-finished")!;
    assert.deepEqual([report["clean"], report["cut"]], [0, 1]);
    // By the server's clock; the default would be 5000.
    assert.ok(Number(report["durationMs"]) >= 6000, `it took ${Number(report["durationMs"])} ms`);
  });
});

describe("pings arrive on schedule", { concurrency: 2 }, () => {
  test("every pingPeriod, the first one within a period", async (t) => {
    const server = await started(t, "--ping-period-ms", "400", "--pong-wait-ms", "5000");
    const since = performance.now();
    const client = await RawClient.open(server.url, { answerPings: true });
    const at: number[] = [];
    while (at.length < 6) {
      assert.equal((await client.nextEvent())?.type, "ping");
      at.push(performance.now() - since);
    }
    assert.ok(at[0]! >= 250, `the first one came after ${Math.round(at[0]!)} ms`);
    // Each may be late, but lateness does not add up: six pings take five periods and what the first one took.
    assert.ok(at[5]! >= 250 + 5 * 400 && at[5]! < 6 * 400 + LATE_MS, `six came within ${Math.round(at[5]!)} ms`);
    await client.close();
    const line = await server.waitForEvent("disconnect");
    assert.equal(typeof line["rttMs"], "number");
  });

  test("at nine tenths of pongWait unless told otherwise", async (t) => {
    // Long enough for an answer on a busy machine.
    const server = await started(t, "--pong-wait-ms", "3000");
    const since = performance.now();
    const client = await RawClient.open(server.url, { answerPings: true });
    for (let pings = 0; pings < 2; pings++) assert.equal((await client.nextEvent())?.type, "ping");
    const took = performance.now() - since;
    assert.ok(took >= 2700 && took < 2 * 2700 + LATE_MS, `two came within ${Math.round(took)} ms`);
    await client.close();
  });
});

/** The close frame, passing over what comes before it. */
async function closeFrame(client: RawClient): Promise<{ type: "close"; code: number | undefined; reason: string }> {
  for (;;) {
    const event = await client.nextEvent();
    assert.ok(event, "the connection ended without a close frame");
    if (event.type === "close") return event;
  }
}
