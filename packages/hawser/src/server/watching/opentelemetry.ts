import type { IncomingMessage } from "node:http";
// As a whole: a banner for bundles that declares `createRequire` itself is common.
import * as nodeModule from "node:module";
import type { TLSSocket } from "node:tls";
import type * as OpenTelemetryApi from "@opentelemetry/api";
import type { Attributes, Context, Span, Tracer } from "@opentelemetry/api";
import type { HandlerName, HandlerResult } from "../api/client.js";
import type { HandlerSubject } from "./diagnostics.js";
import type { Refusal } from "../api/refusal.js";
import { isThenable } from "../base/thenable.js";
import { isError, textOf, UNSHOWABLE } from "../base/thrown.js";
import type { ConnectionTrace, HandshakeTrace, Tracing } from "./tracing.js";

type Api = typeof OpenTelemetryApi;

/**
 * Where `@opentelemetry/api` keeps what was registered with it, for its own copies and versions to find each other. Looking there
 * costs 10 ns, and the library is loaded only once somebody has registered something.
 */
const REGISTERED = Symbol.for("opentelemetry.js.api.1");

/**
 * What makes spans with OpenTelemetry, asked for each handshake: null while no tracer provider is registered, and where its API is not
 * installed.
 */
export function findOpenTelemetry(load: () => Api = requireApi): () => Tracing | null {
  let found: Tracing | null | undefined;
  return () => {
    const registered = (globalThis as { [REGISTERED]?: { trace?: unknown } })[REGISTERED];
    if (registered?.trace === undefined) return null;
    if (found === undefined) {
      try {
        found = new OpenTelemetry(load());
      } catch {
        found = null;
      }
    }
    return found;
  };
}

/** Not `import`: the first handshake that comes after a provider was registered is to have its span. */
function requireApi(): Api {
  try {
    // What bundlers see.
    return require("@opentelemetry/api") as Api;
  } catch {
    // In an ES module of Node there is no `require`.
  }
  return nodeModule.createRequire(import.meta.url)("@opentelemetry/api") as Api;
}

class OpenTelemetry implements Tracing {
  readonly #api: Api;

  constructor(api: Api) {
    this.#api = api;
  }

  handshake(raw: IncomingMessage, address: string, path: string): HandshakeTrace {
    const { SpanKind, trace } = this.#api;
    const tracer = trace.getTracer("hawser");
    const parent = this.#parentOf(raw);
    const attributes = {
      "client.address": address,
      "http.request.method": raw.method ?? "GET",
      "network.protocol.name": "websocket",
      // Without the query: that is where browsers, which cannot set headers, put their tokens.
      "url.path": path,
      "url.scheme": (raw.socket as Partial<TLSSocket> | undefined)?.encrypted === true ? "wss" : "ws",
    };
    const span = tracer.startSpan("websocket handshake", { kind: SpanKind.SERVER, attributes }, parent);
    return new HandshakeSpan(this.#api, tracer, span, trace.setSpan(parent, span));
  }

  #parentOf({ headers }: IncomingMessage): Context {
    const { context, propagation } = this.#api;
    try {
      return propagation.extract(context.active(), headers);
    } catch {
      // Propagators decode what a client wrote; one that throws at it must not end the process.
      return context.active();
    }
  }
}

class HandshakeSpan implements HandshakeTrace {
  readonly #api: Api;
  readonly #tracer: Tracer;
  readonly #span: Span;
  readonly #context: Context;

  constructor(api: Api, tracer: Tracer, span: Span, context: Context) {
    this.#api = api;
    this.#tracer = tracer;
    this.#span = span;
    this.#context = context;
  }

  run<Value>(call: () => Value): Value {
    return this.#api.context.with(this.#context, call);
  }

  accepted(id: string, subprotocol: string | null): ConnectionTrace {
    this.#span.setAttribute("http.response.status_code", 101);
    this.#span.setAttribute("hawser.client.id", id);
    if (subprotocol !== null) this.#span.setAttribute("hawser.subprotocol", subprotocol);
    this.#span.end();
    return new ConnectionSpans(this.#api, this.#tracer, this.#context, id);
  }

  refused({ status, reason }: Refusal): void {
    this.#span.setAttributes({
      "http.response.status_code": status,
      "hawser.refusal.reason": reason,
      "error.type": reason,
    });
    // What is wrong with a request is no error of the server's: the convention for spans of the kind SERVER.
    if (status >= 500) this.#span.setStatus({ code: this.#api.SpanStatusCode.ERROR });
    this.#span.end();
  }

  aborted(): void {
    this.#span.setAttribute("error.type", "aborted");
    this.#span.end();
  }
}

class ConnectionSpans implements ConnectionTrace {
  readonly #api: Api;
  readonly #tracer: Tracer;
  /** That of the handshake. */
  readonly #handshake: Context;
  readonly #id: string;

  constructor(api: Api, tracer: Tracer, handshake: Context, id: string) {
    this.#api = api;
    this.#tracer = tracer;
    this.#handshake = handshake;
    this.#id = id;
  }

  run(name: HandlerName, subject: HandlerSubject, call: () => HandlerResult): HandlerResult {
    if (name === "message") return this.#inSpan("websocket message", messageAttributes(subject), call);
    if (name === "close") return this.#inSpan("websocket close", closeAttributes(subject), call);
    return this.#api.context.with(this.#handshake, call);
  }

  /** In a trace of its own, linked to the handshake: a connection may last for days, and each message is a piece of work by itself. */
  #inSpan(name: string, attributes: Attributes, call: () => HandlerResult): HandlerResult {
    const { context, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } = this.#api;
    const handshake = trace.getSpanContext(this.#handshake);
    const span = this.#tracer.startSpan(
      name,
      {
        kind: name === "websocket message" ? SpanKind.CONSUMER : SpanKind.INTERNAL,
        attributes: { ...attributes, "network.protocol.name": "websocket", "hawser.client.id": this.#id },
        links: handshake === undefined ? [] : [{ context: handshake }],
      },
      ROOT_CONTEXT,
    );
    const fail = (error: unknown): never => {
      recordError(span, error);
      span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
      throw error;
    };
    let pending: Promise<unknown>;
    try {
      const result = context.with(trace.setSpan(ROOT_CONTEXT, span), call);
      if (!isThenable(result)) {
        span.end();
        return result;
      }
      pending = Promise.resolve(result);
    } catch (error) {
      return fail(error);
    }
    return pending.then(() => span.end(), fail);
  }
}

function recordError(span: Span, thrown: unknown): void {
  try {
    span.setAttribute("error.type", isError(thrown) ? thrown.name : "_OTHER");
    span.recordException(isError(thrown) ? thrown : textOf(thrown));
  } catch {
    span.recordException(UNSHOWABLE);
  }
}

function messageAttributes({ byteLength = 0, isBinary }: HandlerSubject): Attributes {
  return { "messaging.message.body.size": byteLength, "hawser.message.type": isBinary === true ? "binary" : "text" };
}

function closeAttributes({ disconnect }: HandlerSubject): Attributes {
  if (disconnect === undefined) return {};
  const { code, cause, initiator } = disconnect;
  return { "hawser.close.code": code, "hawser.close.cause": cause, "hawser.close.initiator": initiator };
}
