import { AsyncResource } from "node:async_hooks";
import type { Clock } from "./clock.js";

/**
 * What a client's handlers find in `AsyncLocalStorage`: what was there at its handshake. Null: nothing was, as with most servers; so
 * that it costs such a client nothing.
 */
export type AsyncContext = AsyncResource | null;

/** Whether anything was in the storages when a resource was made. No documented way tells. */
export type CarriesStores = (resource: AsyncResource) => boolean;

const TYPE = "HAWSERCLIENT";

/** The context of whoever loaded this file: nothing is in it, or, until a client has come who has none, what belongs to no client. */
let outside = new AsyncResource(TYPE);
let isOutsideEmpty = false;

/** What is in the storages now. @param carries null: it cannot be told, and each client gets a context of its own */
export function currentContext(carries: CarriesStores | null): AsyncContext {
  const current = new AsyncResource(TYPE);
  if (carries === null || carries(current)) return current;
  if (!isOutsideEmpty) {
    if (carries(outside)) outside = current;
    isOutsideEmpty = true;
  }
  return null;
}

/** Calls a function with what was in the storages then, whoever calls. */
export function runIn(context: AsyncContext, call: () => void): void {
  if (context === null) outside.runInAsyncScope(runApart, undefined, call);
  else context.runInAsyncScope(call);
}

/**
 * Calls a function with what is in the storages now. What it enters with `enterWith` does not outlast it: before Node 24 a store stays in
 * the resource whose callback runs, which may be a parser that serves the next client, too. Since then a scope is enough to end it.
 */
export function runApart(call: () => void): void {
  new AsyncResource(TYPE).runInAsyncScope(call);
}

/** Calls what makes something that all clients share: it is to belong to none of them, and to keep nobody's context in memory. */
export function runOutside<Value>(call: () => Value): Value {
  return outside.runInAsyncScope(call);
}

/** The same clock, with timers that run in no client's context. */
export function withoutContext(clock: Clock): Clock {
  return {
    now: () => clock.now(),
    every: (periodMs, callback) => runOutside(() => clock.every(periodMs, callback)),
  };
}
