import { channel, type Channel, tracingChannel, type TracingChannel } from "node:diagnostics_channel";
import type { Disconnect } from "../api/causes.js";
import type { Client, HandlerName, HandlerResult } from "../api/client.js";
import { isThenable } from "../base/thenable.js";

export type DiagnosticsChannel =
  | "hawser:listening"
  | "hawser:handshake"
  | "hawser:connect"
  | "hawser:refused"
  | "hawser:aborted"
  | "hawser:disconnect"
  | "hawser:handler-error"
  | "hawser:http-error"
  | "hawser:shutdown-started"
  | "hawser:shutdown-finished";

/** Every channel of `node:diagnostics_channel`, with the fields of its messages; docs/diagnostics.md is held equal to it by a test. */
export const diagnosticsChannels: Readonly<Record<DiagnosticsChannel, readonly string[]>> = {
  "hawser:listening": ["server", "url", "host", "port"],
  "hawser:handshake": ["server", "request", "address", "path"],
  "hawser:connect": ["server", "request", "client"],
  "hawser:refused": ["server", "request", "address", "path", "status", "reason"],
  "hawser:aborted": ["server", "request"],
  "hawser:disconnect": ["server", "client", "disconnect"],
  "hawser:handler-error": ["server", "client", "handler", "error"],
  "hawser:http-error": ["server", "address", "status", "reason"],
  "hawser:shutdown-started": ["server", "clients", "graceMs", "reason"],
  "hawser:shutdown-finished": ["server", "report"],
};

/** What a handler is called for, without what is in a message. */
export interface HandlerSubject {
  readonly byteLength?: number;
  readonly isBinary?: boolean;
  readonly disconnect?: Disconnect;
}

/** The message of a tracing channel: the same object from a call's start to its end, where subscribers may keep what is theirs. */
interface HandlerCall extends HandlerSubject {
  readonly server: object;
  readonly client: Pick<Client, "id">;
  readonly handler: HandlerName;
  error?: unknown;
}

/** The tracing channels (`tracing:hawser:message:start` and so on), one for each handler, with the fields of their messages. */
export const tracingChannels: Readonly<Record<`hawser:${HandlerName}`, readonly string[]>> = {
  "hawser:open": ["server", "client", "handler"],
  "hawser:message": ["server", "client", "handler", "byteLength", "isBinary"],
  "hawser:drain": ["server", "client", "handler"],
  "hawser:close": ["server", "client", "handler", "disconnect"],
};

// Kept here: a channel that nobody holds may be collected, with those who subscribe to it before it is made again.
const channels = new Map(Object.keys(diagnosticsChannels).map((name) => [name, channel(name)])) as ReadonlyMap<
  DiagnosticsChannel,
  Channel
>;

export const handlerChannels: Readonly<Record<HandlerName, TracingChannel<object, HandlerCall>>> = {
  open: tracingChannel("hawser:open"),
  message: tracingChannel("hawser:message"),
  drain: tracingChannel("hawser:drain"),
  close: tracingChannel("hawser:close"),
};

/** Tells those who listen, if any: the message is made for them alone. What a subscriber throws, Node reports as an uncaught exception; it does not come back here. */
export function tell(
  name: DiagnosticsChannel,
  message: () => { readonly server: object; readonly [field: string]: unknown },
): void {
  const listeners = channels.get(name)!;
  if (listeners.hasSubscribers) listeners.publish(message());
}

/**
 * Calls a handler between `start` and `end`, and follows its promise to `asyncStart` and `asyncEnd`, as `TracingChannel.tracePromise`
 * does; which would also make a promise of what is none, and a client wait for it.
 */
export function traceHandler(call: HandlerCall, handler: () => HandlerResult): HandlerResult {
  const { start, end, asyncStart, asyncEnd, error: failed } = handlerChannels[call.handler];
  const fail = (error: unknown): never => {
    call.error = error;
    failed.publish(call);
    throw error;
  };
  const settled = <Value>(settle: () => Value): Value => {
    try {
      return settle();
    } finally {
      asyncStart.publish(call);
      asyncEnd.publish(call);
    }
  };
  return start.runStores(call, () => {
    try {
      const result = handler();
      if (!isThenable(result)) return result;
      return Promise.resolve(result).then(
        () => settled(() => undefined),
        (error: unknown) => settled(() => fail(error)),
      );
    } catch (error) {
      return fail(error);
    } finally {
      end.publish(call);
    }
  });
}
