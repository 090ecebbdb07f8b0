// /healthz, /readyz and /metrics.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { createMetrics } from "#admin/metrics/index.js";
import { createServer } from "#hawser/index.js";
import { type AdminHub, answerHealth, createAdmin } from "#admin/index.js";
import { type BrokerEvents, createHub } from "#hawser/hub/index.js";
import { MemoryBroker } from "#hawser/hub/brokers/memory.js";
import { MemoryEngine } from "#hawser/hub/brokers/memory-engine.js";
import { LogBook } from "../harness/rig.js";
import { StepClock } from "../harness/step-clock.js";
import { ask, startAdmin } from "./harness/rig.js";

test("ready while clients are taken, and not from the first moment of a shutdown", async (t) => {
  const { server, clock, ask: get, client } = await startAdmin(t);
  const ready = await get("/readyz");
  assert.deepEqual([ready.status, ready.body, ready.headers["cache-control"]], [200, "ready\n", "no-store"]);
  assert.deepEqual([(await get("/healthz")).status, (await get("/healthz")).body], [200, "ok\n"]);
  await client();
  const closing = server.close({ graceMs: 5000 });
  const draining = await get("/readyz?verbose");
  assert.deepEqual([draining.status, draining.body], [503, "not ready: no new clients are taken\n"]);
  assert.equal((await get("/healthz")).status, 200, "it lives until it has ended");
  const ticking = setInterval(() => clock.advance(20), 2);
  await closing;
  clearInterval(ticking);
  assert.equal((await get("/readyz")).status, 503);
});

/** An engine that is as the test says. */
function engineOf(given: object): { hub: AdminHub; engine: { state: string; wasReached: boolean; forMs: number } } {
  const engine = { state: "up", wasReached: true, forMs: 0, why: "10.0.0.7 refused", ...given };
  return { hub: { stats: { engine } } as unknown as AdminHub, engine };
}

test("not ready without the hub's engine, after a grace; and ready again with it", async (t) => {
  const { hub, engine } = engineOf({ state: "degraded", wasReached: false, forMs: 1 });
  const server = createServer();
  const handler = createHttpServer(
    (request, response) => void answerHealth({ isReady: true }, request, response, { hub }),
  );
  handler.listen(0, "127.0.0.1");
  await once(handler, "listening");
  t.after(() => handler.close());
  const { port } = handler.address() as AddressInfo;
  const ready = async (): Promise<[number, string]> => {
    const { status, body } = await ask(port, "/readyz", {});
    return [status, body];
  };
  assert.deepEqual(await ready(), [503, "not ready: the hub's engine has not been reached yet\n"]);
  engine.state = "up";
  engine.wasReached = true;
  assert.deepEqual(await ready(), [200, "ready\n"]);
  engine.state = "degraded";
  engine.forMs = 9999;
  assert.deepEqual(await ready(), [200, "ready\n"]);
  engine.forMs = 10_000;
  // Nothing of what the broker said: anybody may ask.
  assert.deepEqual(await ready(), [503, "not ready: the hub's engine has been away for 10 s\n"]);
  assert.equal((await ask(port, "/healthz", {})).status, 200, "to start it anew helps nobody");
  engine.state = "up";
  engine.forMs = 0;
  assert.deepEqual(await ready(), [200, "ready\n"]);
  assert.throws(() => createAdmin(server, { engineGraceMs: -1 }), { name: "OptionError" });
  assert.throws(() => createAdmin(server, { readyWithoutEngine: 1 as never }), { name: "OptionError" });
});

test("a real hub: its engine is lost, and found again", async (t) => {
  const clock = new StepClock();
  const broker = new MemoryBroker(new MemoryEngine(clock));
  const start = broker.start.bind(broker);
  let events: BrokerEvents | undefined;
  t.mock.method(broker, "start", (to: BrokerEvents) => start((events = to)));
  const hub = createHub({ broker, clock, logger: new LogBook() });
  t.after(() => hub.close());
  const usual = await startAdmin(t, { hub });
  const patient = await startAdmin(t, { hub, readyWithoutEngine: true });
  const strict = await startAdmin(t, { hub, engineGraceMs: 0 });
  const ready = async (): Promise<number[]> => {
    const answers = await Promise.all([usual, patient, strict].map((rig) => rig.ask("/readyz")));
    return answers.map(({ status }) => status);
  };
  assert.deepEqual(await ready(), [200, 200, 200]);
  events!.state("down", "ECONNRESET");
  assert.deepEqual(await ready(), [200, 200, 503]);
  clock.advance(10_000);
  assert.deepEqual(await ready(), [503, 200, 503]);
  assert.match((await usual.ask("/metrics")).body, /^hawser_hub_engine_up 0$/m);
  events!.state("suspect", "connected again");
  assert.deepEqual(await ready(), [200, 200, 200]);
  assert.match((await usual.ask("/metrics")).body, /^hawser_hub_engine_lost_total 1$/m);
});

test("not ready before it listens", async (t) => {
  const server = createServer();
  const admin = createAdmin(server);
  t.after(() => admin.close());
  const { port } = await admin.listen();
  assert.equal((await ask(port, "/readyz", {})).status, 503);
  assert.equal((await ask(port, "/healthz", {})).status, 200);
});

test("the metrics are those of @hawser/admin/metrics, under their content type", async (t) => {
  const { server, ask: get } = await startAdmin(t);
  const expected = createMetrics(server);
  t.after(() => expected.stop());
  const { status, headers, body } = await get("/metrics");
  assert.deepEqual(
    [status, headers["content-type"], headers["cache-control"]],
    [200, expected.contentType, "no-store"],
  );
  assert.equal(headers["content-length"], String(Buffer.byteLength(body)));
});

test("metrics that were handed in are asked, and are their owner's to end", async () => {
  const server = createServer();
  let stops = 0;
  const admin = createAdmin(server, {
    metrics: { contentType: "text/plain; version=0.0.4", text: async () => "one 1\n", stop: () => void stops++ },
  });
  const { port } = await admin.listen();
  const { body, headers } = await ask(port, "/metrics", {});
  assert.deepEqual([body, headers["content-type"]], ["one 1\n", "text/plain; version=0.0.4"]);
  await admin.close();
  assert.equal(stops, 0);
});

test("the admin listener and its dashboards are no clients, and no lines among the server's", async (t) => {
  const { server, dashboard, ask: get, logTail, log } = await startAdmin(t);
  const one = await dashboard();
  await one.next("hello");
  await get("/");
  assert.equal(server.stats.opened, 0);
  assert.equal(server.clients.size, 0);
  assert.deepEqual(
    logTail.after(0, "no secret").map(({ event }) => event),
    ["listening"],
  );
  assert.deepEqual(
    log.lines.map(({ event }) => event),
    ["admin-listening"],
  );
});
