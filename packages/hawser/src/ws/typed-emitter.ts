import { EventEmitter } from "node:events";

/** Adds a listener, or takes one away. Of events that nobody declared the arguments are anybody's guess. */
interface ListenerMethod<Events extends Record<keyof Events, unknown[]>> {
  <Name extends keyof Events, Self>(
    this: Self,
    event: Name,
    listener: (this: Self, ...args: Events[Name]) => void,
  ): Self;
  // oxlint-disable-next-line typescript/no-explicit-any -- as node:events and the types of `ws` have it
  <Self>(this: Self, event: string | symbol, listener: (this: Self, ...args: any[]) => void): Self;
}

/** An EventEmitter whose events have types, and whose listeners find it as `this`. */
export interface TypedEmitter<Events extends Record<keyof Events, unknown[]>> extends Omit<
  EventEmitter,
  "on" | "once" | "off" | "addListener" | "removeListener" | "prependListener" | "prependOnceListener"
> {
  on: ListenerMethod<Events>;
  once: ListenerMethod<Events>;
  off: ListenerMethod<Events>;
  addListener: ListenerMethod<Events>;
  removeListener: ListenerMethod<Events>;
  prependListener: ListenerMethod<Events>;
  prependOnceListener: ListenerMethod<Events>;
}

/** The class of Node's, by its types. */
export const Emitter: new <Events extends Record<keyof Events, unknown[]>>() => TypedEmitter<Events> = EventEmitter;
