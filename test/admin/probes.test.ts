// /healthz, /readyz and /metrics.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createMetrics } from "#admin/metrics/index.js";
import { createServer } from "#hawser/index.js";
import { createAdmin } from "#admin/index.js";
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
