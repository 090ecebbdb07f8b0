import { AsyncLocalStorage, AsyncResource } from "node:async_hooks";
import type { Clock } from "./clock.js";

/**
 * What a client's handlers find in `AsyncLocalStorage`: what was there at its handshake. Null: nothing was, as with most servers; so
 * that it costs such a client nothing.
 */
export type AsyncContext = AsyncResource | null;

const TYPE = "HAWSERCLIENT";
/** Properties that each resource has. Before Node 24 any other one is what a storage has there. */
const ALWAYS_THERE = ["async_id_symbol", "trigger_async_id_symbol"];
/** Since then what all storages have is in one, which each resource has as well; null: this Node has none. */
const allStorages =
  Object.getOwnPropertySymbols(new AsyncResource(TYPE)).find(({ description }) => description === "context_frame") ??
  null;

/** Whether it can be seen that there is nothing. Undocumented: where it cannot, on Bun for one, each client gets a context of its own. */
const canTell = ((): boolean => {
  const own = Object.getOwnPropertySymbols(new AsyncResource(TYPE)).map(({ description }) => description);
  if (!ALWAYS_THERE.every((name) => own.includes(name))) return false;
  // Tried where it costs nothing: before Node 24 a storage that is used slows down every promise, and these versions do not change.
  if (Number.parseInt(process.versions.node, 10) < 24) return true;
  return new AsyncResource(TYPE).runInAsyncScope(() =>
    new AsyncLocalStorage<true>().run(true, () => carries(new AsyncResource(TYPE))),
  );
})();

/** The context of whoever loaded this file: nothing in it, or, until a client has come who has none, what belongs to no client. */
let outside = new AsyncResource(TYPE);
let outsideCarries = !canTell || carries(outside);

function carries(resource: AsyncResource): boolean {
  const properties = resource as unknown as Record<symbol, unknown>;
  if (allStorages !== null) return properties[allStorages] !== undefined;
  return Object.getOwnPropertySymbols(resource).some(
    (symbol) => !ALWAYS_THERE.includes(symbol.description ?? "") && properties[symbol] !== undefined,
  );
}

/** What is in the storages now. */
export function currentContext(): AsyncContext {
  const current = new AsyncResource(TYPE);
  if (!canTell || carries(current)) return current;
  if (outsideCarries) {
    outside = current;
    outsideCarries = false;
  }
  return null;
}

/** Calls a function with what was in the storages then, whoever calls. */
export function runIn(context: AsyncContext, call: () => void): void {
  if (context !== null) context.runInAsyncScope(call);
  else outside.runInAsyncScope(allStorages === null ? () => runApart(call) : call);
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
