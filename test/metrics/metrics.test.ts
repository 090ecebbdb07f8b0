/** `@hawser/admin/metrics`: the numbers that a scrape finds are those of what happened. */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { causes, createServer, refusals, type Server, type Stats } from "hawser";
import { createMetrics, type Metrics } from "@hawser/admin/metrics";
import { createHub, type Hub } from "hawser/hub";
import { handshakeFaults } from "hawser/protocol";
import { byeWords, errorWords, gapWords } from "@hawser/wire";
import { writeCall, writeHello, writePub } from "@hawser/wire/client";
import { until } from "../harness/concurrency.js";
import { certificates } from "../harness/certificates.js";
import { Http2Peer } from "../harness/http2-client.js";
import { frame } from "../harness/frames.js";
import { emptyStats } from "#hawser/server/watching/stats.js";
import { RawClient } from "../harness/raw-client.js";
import { startRig, stepUntil } from "../harness/rig.js";
import { type Family, readExposition, valueOf } from "./harness/exposition.js";

function metricsOf(test: TestContext, server: Server, hub?: Hub): Metrics & { read(): Promise<Map<string, Family>> } {
  const metrics = createMetrics(server, { hub });
  test.after(() => metrics.stop());
  return Object.assign(metrics, { read: async () => readExposition(await metrics.text()) });
}

describe("metrics", () => {
  it("are in the text format of Prometheus", async (test) => {
    const metrics = metricsOf(test, createServer({ logLevel: "silent" }));
    assert.match(metrics.contentType, /^text\/plain; version=0\.0\.4/);
    const families = await metrics.read();
    for (const { name, help, type, samples } of families.values()) {
      assert.match(name, /^hawser_[a-z][a-z0-9_]+$/);
      assert.notEqual(help, "");
      assert.equal(type === "counter", name.endsWith("_total"), `${name} is a ${type}`);
      assert.ok(samples.length > 0, name);
      for (const { value } of samples) assert.ok(Number.isFinite(value), `${name} is ${value}`);
    }
  });

  it("have every cause and every reason from the start, at 0", async (test) => {
    const families = await metricsOf(test, createServer({ logLevel: "silent" })).read();
    const valuesOf = (name: string, label: string): Map<string, number> =>
      new Map(families.get(name)!.samples.map(({ labels, value }) => [labels[label]!, value]));
    const closed = valuesOf("hawser_connections_closed_total", "cause");
    assert.deepEqual([...closed.keys()], Object.keys(causes));
    const refused = valuesOf("hawser_handshakes_refused_total", "reason");
    assert.deepEqual([...refused.keys()], [...Object.keys(handshakeFaults), ...Object.keys(refusals)]);
    for (const value of [...closed.values(), ...refused.values()]) assert.equal(value, 0);
  });

  it("tell connections of HTTP/2 from their clients", async (test) => {
    const rig = await startRig(test, { tls: certificates.first, http2: true });
    const metrics = metricsOf(test, rig.server);
    const values = async (): Promise<(number | undefined)[]> => {
      const families = await metrics.read();
      const names = ["hawser_connections", "hawser_http2_clients", "hawser_http2_connections"];
      return names.map((name) => families.get(name)?.samples[0]?.value);
    };
    const peer = await Http2Peer.connect(test, rig.url);
    const first = await peer.open();
    await peer.open();
    await Http2Peer.connect(test, rig.url);
    await rig.connect();
    assert.deepEqual(await values(), [3, 2, 2]);
    first.reset();
    await rig.nextClosed();
    assert.deepEqual(await values(), [2, 1, 2]);
    peer.session.destroy();
    await until(() => rig.server.http2.connections === 1, "the end of the connection");
    assert.deepEqual(await values(), [1, 0, 1]);
  });

  it("count what happens", async (test) => {
    const rig = await startRig(test, {
      path: "/",
      pongWaitMs: 10_000,
      pingPeriodMs: 4000,
      maxClients: 50,
      open: (client) => client.subscribe("room"),
      message(client, message) {
        if (message.text() === "fail") throw new Error("a fault of the application's");
        rig.server.publish("room", message);
        return message.text() === "wait" ? new Promise(() => {}) : undefined;
      },
    });
    const metrics = metricsOf(test, rig.server);
    const { peer } = await rig.connect();
    const { peer: failing } = await rig.connect();
    await peer.sendFrame(frame.text("hello"));
    assert.equal((await peer.nextMessage()).bytes.toString(), "hello");
    await failing.nextMessage();
    await failing.sendFrame(frame.text("fail"));
    await failing.expectClose(1011);
    await rig.nextClosed();
    assert.equal((await (await rig.dial()).handshake({ path: "/nowhere" })).status, 404);

    await stepUntil(rig.clock, () => rig.server.stats.pings === 1, "a ping", 100);
    const ping = await peer.nextEvent();
    rig.clock.advance(150);
    await peer.sendFrame(frame.pong((ping as { bytes: Buffer }).bytes));
    await until(() => rig.server.stats.roundTrips.count === 1, "the pong");
    await peer.sendFrame(frame.text("wait"));
    await until(() => rig.server.pendingHandlers === 1, "the handler that waits");

    const families = await metrics.read();
    const expected: [name: string, value: number, labels?: Record<string, string>][] = [
      ["hawser_ready", 1],
      ["hawser_connections", 1],
      ["hawser_connections_limit", 50],
      ["hawser_connections_opened_total", 2],
      ["hawser_connections_closed_total", 1, { cause: "handler-error" }],
      ["hawser_connections_closed_total", 0, { cause: "normal" }],
      ["hawser_handshakes_refused_total", 1, { reason: "path" }],
      ["hawser_handshakes_pending", 0],
      ["hawser_messages_received_total", 3],
      ["hawser_messages_received_bytes_total", 13],
      ["hawser_messages_sent_total", 3],
      ["hawser_messages_sent_bytes_total", 14],
      ["hawser_publishes_total", 2],
      ["hawser_publish_deliveries_total", 3],
      ["hawser_topics", 1],
      ["hawser_backlog_bytes", 0],
      ["hawser_messages_dropped_total", 0],
      ["hawser_handler_duration_seconds_count", 2, { handler: "open" }],
      ["hawser_handler_duration_seconds_count", 2, { handler: "message" }],
      ["hawser_handlers_pending", 1],
      ["hawser_handler_errors_total", 1, { handler: "message" }],
      ["hawser_pings_sent_total", 1],
      ["hawser_heartbeat_round_trip_seconds_count", 1],
      ["hawser_heartbeat_round_trip_seconds_bucket", 0, { le: "0.1" }],
      ["hawser_heartbeat_round_trip_seconds_bucket", 1, { le: "+Inf" }],
    ];
    for (const [name, value, labels] of expected) {
      assert.equal(valueOf(families, name, labels), value, `${name} ${JSON.stringify(labels ?? {})}`);
    }
    const again = await metrics.read();
    assert.equal(valueOf(again, "hawser_messages_received_total"), 3, "asking counts nothing twice");
  });

  it("count a client that does not read, and the backlog that it has", async (test) => {
    const rig = await startRig(test, { maxBacklogBytes: 64 * 1024, overflow: "drop-newest" });
    const metrics = metricsOf(test, rig.server);
    const { peer, client } = await rig.connect();
    peer.socket.pause();
    while (client.dropped === 0) client.send("x".repeat(16 * 1024));
    const families = await metrics.read();
    assert.equal(valueOf(families, "hawser_messages_dropped_total"), client.dropped);
    assert.equal(valueOf(families, "hawser_backlog_bytes"), rig.server.backlogBytes);
    assert.ok(rig.server.backlogBytes > 0);
    assert.equal(valueOf(families, "hawser_backlog_limit_bytes"), rig.server.limits.maxTotalBacklogBytes);
  });

  it("have histograms whose buckets hold those below", async (test) => {
    const counters = emptyStats();
    const server = withStats(createServer({ logLevel: "silent" }), counters);
    for (const ms of [0.02, 3, 3, 99_999]) counters.handlerTimes.message.add(ms);
    const families = await metricsOf(test, server).read();
    const name = "hawser_handler_duration_seconds";
    const buckets = families
      .get(name)!
      .samples.filter((sample) => sample.name === `${name}_bucket` && sample.labels["handler"] === "message");
    const cumulative = buckets.map(({ value }) => value);
    assert.deepEqual(
      cumulative,
      cumulative.toSorted((a, b) => a - b),
    );
    const bounds = buckets.map(({ labels }) => Number(labels["le"]?.replace("+Inf", "Infinity")));
    assert.deepEqual(
      bounds,
      bounds.toSorted((a, b) => a - b),
    );
    assert.equal(valueOf(families, `${name}_bucket`, { handler: "message", le: "0.00005" }), 1);
    assert.equal(valueOf(families, `${name}_bucket`, { handler: "message", le: "0.005" }), 3);
    assert.equal(valueOf(families, `${name}_bucket`, { handler: "message", le: "30" }), 3);
    assert.equal(valueOf(families, `${name}_bucket`, { handler: "message", le: "+Inf" }), 4);
    assert.equal(valueOf(families, `${name}_count`, { handler: "message" }), 4);
    assert.ok(Math.abs(valueOf(families, `${name}_sum`, { handler: "message" }) - 100.005_02) < 1e-6);
  });

  it("have nothing in them that a client has sent", async (test) => {
    const rig = await startRig(test, {
      generateId: ({ query }) => query.get("token") ?? "",
      open: (client) => client.subscribe("s3cret-topic"),
      message: (_client, message) => void rig.server.publish("s3cret-topic", message),
    });
    const metrics = metricsOf(test, rig.server);
    const { peer } = await rig.connect({
      at: "s3cret-path?token=s3cret-id",
      headers: { authorization: "Bearer s3cret", cookie: "session=s3cret" },
    });
    await peer.sendFrame(frame.text("s3cret message"));
    await peer.nextMessage();
    await peer.close(3000, "s3cret reason");
    await rig.nextClosed();
    const text = await metrics.text();
    assert.doesNotMatch(text, /s3cret/);
    assert.doesNotMatch(text, /127\.0\.0\.1/);
  });

  it("are of one server", async (test) => {
    const rig = await startRig(test);
    const one = metricsOf(test, rig.server);
    const other = metricsOf(test, createServer({ logLevel: "silent" }));
    await rig.connect();
    assert.equal(valueOf(await one.read(), "hawser_connections"), 1);
    assert.equal(valueOf(await other.read(), "hawser_connections"), 0);
  });

  it("can be asked for by several at once, and after stop", async () => {
    const server = withStats(createServer({ logLevel: "silent" }), { ...emptyStats(), messagesIn: 7 });
    const metrics = createMetrics(server);
    const texts = await Promise.all([metrics.text(), metrics.text(), metrics.text()]);
    for (const text of texts) assert.equal(valueOf(readExposition(text), "hawser_messages_received_total"), 7);
    metrics.stop();
    metrics.stop();
    assert.equal(valueOf(readExposition(await metrics.text()), "hawser_messages_received_total"), 7);
  });

  it("say that a server takes no clients any more", async (test) => {
    const server = createServer({ logLevel: "silent" });
    const metrics = metricsOf(test, server);
    assert.equal(valueOf(await metrics.read(), "hawser_ready"), 0);
    const { url } = await server.listen(0);
    const peer = await RawClient.open(url);
    assert.equal(valueOf(await metrics.read(), "hawser_ready"), 1);
    const closed = server.close();
    assert.equal(valueOf(await metrics.read(), "hawser_ready"), 0);
    await peer.expectClose(1001);
    peer.destroy();
    await closed;
    assert.equal(valueOf(await metrics.read(), "hawser_connections_closed_total", { cause: "server-shutdown" }), 1);
  });

  it("have nothing of a hub where there is none", async (test) => {
    const families = await metricsOf(test, createServer({ logLevel: "silent" })).read();
    assert.ok(![...families.keys()].some((name) => name.startsWith("hawser_hub_")));
  });

  it("have every word of the hub's from the start, at 0", async (test) => {
    const hub = createHub();
    test.after(() => hub.close());
    const families = await metricsOf(test, createServer({ logLevel: "silent" }), hub).read();
    const expected: Readonly<Record<string, readonly [label: string, values: readonly string[]]>> = {
      hawser_hub_gaps_total: ["reason", Object.keys(gapWords)],
      hawser_hub_byes_total: ["reason", Object.keys(byeWords)],
      hawser_hub_requests_refused_total: ["code", [...Object.keys(errorWords), "other"]],
      hawser_hub_publish_failures_total: ["reason", ["unavailable", "limit", "failed"]],
      hawser_hub_tokens_total: ["outcome", ["accepted", "unauthorized", "expired", "unavailable", "other"]],
    };
    for (const [name, [label, values]] of Object.entries(expected)) {
      const { samples } = families.get(name)!;
      assert.deepEqual(samples.map(({ labels }) => labels[label]!).toSorted(), values.toSorted(), name);
      for (const { value } of samples) assert.equal(value, 0);
    }
    assert.equal(valueOf(families, "hawser_hub_engine_up"), 1);
  });

  it("count what happens in a hub, and name none of its topics, users or calls", async (test) => {
    const hub = createHub({
      defaultTopic: { history: { size: 10, ttlMs: 60_000 }, presence: true },
      authenticate: (token) => (token === "bad" ? false : { user: String(token) }),
      allow: { subscribe: () => true },
      calls: { "s3cret-call": () => 1 },
    });
    const rig = await startRig(test, hub.serverOptions());
    test.after(() => hub.close());
    const metrics = metricsOf(test, rig.server, hub);
    const { peer } = await rig.connect({ headers: { "sec-websocket-protocol": "hawser.v1" } });
    const ask = async (text: string): Promise<void> => {
      await peer.sendFrame(frame.text(text));
      await peer.nextMessage();
    };
    await ask(writeHello(1, "bad"));
    await ask(writeHello(2, "s3cret-reader", [["s3cret-topic"]]));
    await peer.nextMessage();
    await hub.publish("s3cret-topic", 1);
    await peer.nextMessage();
    await ask(writePub("s3cret-topic", 2, 10));
    await ask(writeCall("s3cret-call", 11));
    const families = await metrics.read();
    const expected: [name: string, value: number, labels?: Record<string, string>][] = [
      ["hawser_hub_engine_up", 1],
      ["hawser_hub_engine_lost_total", 0],
      ["hawser_hub_sessions", 1],
      ["hawser_hub_topics", 1, { phase: "live" }],
      ["hawser_hub_suspect_topics", 0],
      ["hawser_hub_members", 1],
      ["hawser_hub_publishes_total", 1],
      ["hawser_hub_publish_duration_seconds_count", 1],
      ["hawser_hub_delivery_lag_seconds_count", 1],
      ["hawser_hub_messages_total", 1],
      ["hawser_hub_deliveries_total", 1],
      ["hawser_hub_calls_total", 1, { outcome: "answered" }],
      ["hawser_hub_calls_pending", 0],
      ["hawser_hub_requests_refused_total", 1, { code: "unauthorized" }],
      ["hawser_hub_requests_refused_total", 1, { code: "forbidden" }],
      ["hawser_hub_tokens_total", 1, { outcome: "accepted" }],
      ["hawser_hub_tokens_total", 1, { outcome: "unauthorized" }],
      ["hawser_hub_history_bytes", hub.stats.historyBytes],
      ["hawser_hub_history_limit_bytes", 64 * 1024 * 1024],
    ];
    for (const [name, value, labels] of expected) {
      assert.equal(valueOf(families, name, labels), value, `${name} ${JSON.stringify(labels ?? {})}`);
    }
    assert.doesNotMatch(await metrics.text(), /s3cret/);
  });

  it("ask a hub once for a scrape", async (test) => {
    const hub = createHub();
    test.after(() => hub.close());
    let asked = 0;
    const counted = {
      get stats() {
        asked++;
        return hub.stats;
      },
    };
    const metrics = createMetrics(createServer({ logLevel: "silent" }), { hub: counted });
    test.after(() => metrics.stop());
    await metrics.text();
    assert.equal(asked, 1);
    await metrics.text();
    assert.equal(asked, 2);
  });
});

/** The server as it is, but for what it has counted. */
function withStats(server: Server, stats: Stats): Server {
  return new Proxy(server, {
    get: (target, key) => (key === "stats" ? stats : (Reflect.get(target, key, target) as unknown)),
  });
}
