/** Spans, as OpenTelemetry's own SDK gets them. */
import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { createServer as createHttpServer } from "node:http";
import { after, before, beforeEach, describe, it } from "node:test";
import {
  context,
  type Context,
  type ContextManager,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { Refuse } from "#hawser/index.js";
import { findOpenTelemetry } from "#hawser/server/watching/opentelemetry.js";
import { until } from "../harness/concurrency.js";
import { frame } from "../harness/frames.js";
import { gate, startRig, turns } from "../harness/rig.js";

/** What OpenTelemetry's SDK for Node brings. */
class StorageContextManager implements ContextManager {
  readonly #storage = new AsyncLocalStorage<Context>();
  active(): Context {
    return this.#storage.getStore() ?? ROOT_CONTEXT;
  }
  with<Args extends unknown[], Call extends (...args: Args) => ReturnType<Call>>(
    active: Context,
    call: Call,
    thisArg?: ThisParameterType<Call>,
    ...args: Args
  ): ReturnType<Call> {
    return this.#storage.run(active, () => call.call(thisArg, ...args));
  }
  bind<Target>(_context: Context, target: Target): Target {
    return target;
  }
  enable(): this {
    return this;
  }
  disable(): this {
    return this;
  }
}

const exporter = new InMemorySpanExporter();

function register(): void {
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
}

const named = (name: string): ReadableSpan[] => exporter.getFinishedSpans().filter((span) => span.name === name);
async function spanOf(name: string): Promise<ReadableSpan> {
  await until(() => named(name).length > 0, `a span "${name}"`);
  return named(name)[0]!;
}

describe("OpenTelemetry, with a provider", () => {
  before(() => {
    register();
    context.setGlobalContextManager(new StorageContextManager());
    // What the SDK's W3C propagator does with the one header that is needed here.
    propagation.setGlobalPropagator({
      inject() {},
      extract(active, carrier: { traceparent?: string }) {
        if (carrier.traceparent === "%") throw new URIError("malformed");
        const [, traceId, spanId] = (carrier.traceparent ?? "").split("-");
        if (traceId === undefined || spanId === undefined) return active;
        return trace.setSpanContext(active, { traceId, spanId, traceFlags: 1, isRemote: true });
      },
      fields: () => ["traceparent"],
    });
  });
  beforeEach(() => exporter.reset());
  after(() => {
    trace.disable();
    context.disable();
    propagation.disable();
  });

  it("a handshake continues the trace of its request", async (test) => {
    const rig = await startRig(test, { subprotocols: ["chat"] });
    const traceId = "0af7651916cd43dd8448eb211c80319c";
    const { client } = await rig.connect({
      at: "room?token=secret",
      protocols: "chat",
      headers: { traceparent: `00-${traceId}-b7ad6b7169203331-01`, authorization: "Bearer secret" },
    });
    const span = await spanOf("websocket handshake");
    assert.equal(span.kind, SpanKind.SERVER);
    assert.equal(span.spanContext().traceId, traceId);
    assert.equal(span.parentSpanContext?.spanId, "b7ad6b7169203331");
    assert.deepEqual(span.attributes, {
      "client.address": "127.0.0.1",
      "http.request.method": "GET",
      "http.response.status_code": 101,
      "network.protocol.name": "websocket",
      "url.path": "/room",
      "url.scheme": "ws",
      "hawser.client.id": client.id,
      "hawser.subprotocol": "chat",
    });
    assert.equal(span.status.code, SpanStatusCode.UNSET);
  });

  it("a message says its type and length", async (test) => {
    const rig = await startRig(test, { message: () => {} });
    const { peer } = await rig.connect();
    await peer.sendFrame(frame.text("text"));
    await peer.sendFrame(frame.binary(Buffer.alloc(3)));
    await until(() => named("websocket message").length === 2, "two spans");
    assert.deepEqual(
      named("websocket message").map(({ attributes }) => [
        attributes["hawser.message.type"],
        attributes["messaging.message.body.size"],
      ]),
      [
        ["text", 4],
        ["binary", 3],
      ],
    );
  });

  it("a header that the propagator chokes on harms nobody", async (test) => {
    const rig = await startRig(test, { message: (client, message) => void client.send(message) });
    const { peer } = await rig.connect({ headers: { traceparent: "%" } });
    await peer.echo("hello");
    assert.equal((await spanOf("websocket handshake")).parentSpanContext, undefined);
  });

  it("authenticate runs in the handshake's span, and a refusal is in it", async (test) => {
    const tracer = trace.getTracer("test");
    const rig = await startRig(test, {
      async authenticate({ path }) {
        await turns();
        tracer.startSpan("look up").end();
        if (path === "/broken") throw new Error("a fault of the application's");
        throw new Refuse(403);
      },
    });
    const refused = await rig.dial();
    assert.equal((await refused.handshake()).status, 403);
    const span = await spanOf("websocket handshake");
    assert.equal((await spanOf("look up")).parentSpanContext?.spanId, span.spanContext().spanId);
    assert.equal(span.attributes["hawser.refusal.reason"], "by-application");
    assert.equal(span.attributes["error.type"], "by-application");
    assert.equal(span.attributes["http.response.status_code"], 403);
    assert.equal(span.status.code, SpanStatusCode.UNSET, "the client's fault");

    exporter.reset();
    const broken = await rig.dial();
    assert.equal((await broken.handshake({ path: "/broken" })).status, 500);
    assert.equal((await spanOf("websocket handshake")).status.code, SpanStatusCode.ERROR);
  });

  it("a handshake whose client leaves has a span as well", async (test) => {
    const held = gate();
    const rig = await startRig(test, { authenticate: () => held.promise });
    const peer = await rig.dial();
    void peer.handshake().catch(() => {});
    await until(() => rig.server.pendingHandshakes === 1, "the handshake");
    peer.destroy();
    assert.equal((await spanOf("websocket handshake")).attributes["error.type"], "aborted");
  });

  it("a message has a trace of its own, linked to the handshake, and no content", async (test) => {
    const rig = await startRig(test, { message() {} });
    const { peer, client } = await rig.connect();
    await peer.sendFrame(frame.text("a secret"));
    const span = await spanOf("websocket message");
    const handshake = await spanOf("websocket handshake");
    assert.equal(span.kind, SpanKind.CONSUMER);
    assert.equal(span.parentSpanContext, undefined);
    assert.notEqual(span.spanContext().traceId, handshake.spanContext().traceId);
    assert.deepEqual(
      span.links.map((link) => link.context.spanId),
      [handshake.spanContext().spanId],
    );
    assert.deepEqual(span.attributes, {
      "messaging.message.body.size": 8,
      "hawser.message.type": "text",
      "network.protocol.name": "websocket",
      "hawser.client.id": client.id,
    });
  });

  it("every message of a flood has one", async (test) => {
    const rig = await startRig(test, { message() {} });
    const { peer } = await rig.connect();
    // More than are timed within a millisecond, where the rig's clock stands still.
    for (let i = 0; i < 30; i++) void peer.sendFrame(frame.text(String(i)));
    await until(() => rig.server.stats.messagesIn === 30, "all of them");
    assert.equal(named("websocket message").length, 30);
  });

  it("the application's spans nest, in handlers that return and in those that wait", async (test) => {
    const tracer = trace.getTracer("test");
    const rig = await startRig(test, {
      open: () => tracer.startSpan("in open").end(),
      async message(_client, message) {
        if (message.text() === "wait") await turns();
        tracer.startSpan(`in ${message.text()}`).end();
      },
      close: () => tracer.startSpan("in close").end(),
    });
    const { peer } = await rig.connect();
    await peer.sendFrame(frame.text("wait"));
    await peer.sendFrame(frame.text("go"));
    await until(() => named("websocket message").length === 2, "both messages");
    await peer.close();
    await spanOf("websocket close");
    const idOf = (span: ReadableSpan | undefined): string | undefined => span?.spanContext().spanId;
    const parentOf = (name: string): string | undefined => named(name)[0]?.parentSpanContext?.spanId;
    const [first, second] = named("websocket message");
    assert.equal(parentOf("in wait"), idOf(first));
    assert.equal(parentOf("in go"), idOf(second));
    assert.equal(parentOf("in open"), idOf(named("websocket handshake")[0]));
    assert.equal(parentOf("in close"), idOf(named("websocket close")[0]));
    assert.equal(trace.getActiveSpan(), undefined);
  });

  for (const how of ["throws", "is rejected"]) {
    it(`a handler that ${how} makes an error of its span`, async (test) => {
      const rig = await startRig(test, {
        message() {
          const fault = new TypeError("a fault of the application's");
          if (how === "throws") throw fault;
          return Promise.reject(fault);
        },
      });
      const { peer } = await rig.connect();
      await peer.sendFrame(frame.text("x"));
      await peer.expectClose(1011);
      const span = await spanOf("websocket message");
      assert.equal(span.status.code, SpanStatusCode.ERROR);
      assert.equal(span.attributes["error.type"], "TypeError");
      assert.equal(span.events[0]?.name, "exception");
      assert.equal(rig.log.of("handler-error").length, 1);
    });
  }

  it("a handler that throws what cannot be read ends its span as well", async (test) => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    const rig = await startRig(test, {
      message() {
        throw proxy as Error;
      },
    });
    const { peer } = await rig.connect();
    await peer.sendFrame(frame.text("x"));
    await peer.expectClose(1011);
    const span = await spanOf("websocket message");
    assert.equal(span.status.code, SpanStatusCode.ERROR);
    assert.equal(span.attributes["error.type"], "_OTHER");
    assert.equal(span.events[0]?.attributes?.["exception.message"], "[cannot be shown]");
  });

  it("the close says with which code and why, also where there is no handler for it", async (test) => {
    const { createServer } = await import("#hawser/index.js");
    const { RawClient } = await import("../harness/raw-client.js");
    const server = createServer({ logLevel: "silent" });
    test.after(() => server.close());
    const peer = await RawClient.open((await server.listen(0)).url);
    await peer.close(1001);
    const span = await spanOf("websocket close");
    assert.equal(span.attributes["hawser.close.code"], 1001);
    assert.equal(span.attributes["hawser.close.cause"], "going-away");
    assert.equal(span.attributes["hawser.close.initiator"], "client");
    assert.equal(span.links.length, 1);
  });

  it("an attached server makes them, too", async (test) => {
    const rig = await startRig(test, { message() {} }, { attach: createHttpServer() });
    const { peer } = await rig.connect();
    await peer.sendFrame(frame.text("x"));
    await spanOf("websocket message");
    assert.equal(named("websocket handshake").length, 1);
  });

  it("a client that came before the provider is left alone", async (test) => {
    trace.disable();
    const rig = await startRig(test, { message: (client, message) => void client.send(message) });
    const { peer } = await rig.connect();
    register();
    await peer.echo("hello");
    const { peer: later } = await rig.connect();
    await later.echo("hello");
    await until(() => named("websocket message").length > 0, "the later client's");
    assert.equal(named("websocket handshake").length, 1);
    assert.equal(named("websocket message").length, 1);
  });
});

describe("OpenTelemetry", () => {
  it("is not even loaded without a provider", () => {
    trace.disable();
    const find = findOpenTelemetry(() => assert.fail("the API was loaded"));
    assert.equal(find(), null);
  });

  it("is found once a provider is registered, and left alone when it is gone", () => {
    const find = findOpenTelemetry();
    assert.equal(find(), null);
    register();
    assert.notEqual(find(), null);
    trace.disable();
    assert.equal(find(), null);
  });

  it("is done without where its API is not installed, and not looked for again", (test) => {
    register();
    test.after(() => trace.disable());
    let looks = 0;
    const find = findOpenTelemetry(() => {
      looks++;
      throw new Error("Cannot find module '@opentelemetry/api'");
    });
    assert.equal(find(), null);
    assert.equal(find(), null);
    assert.equal(looks, 1);
  });
});
