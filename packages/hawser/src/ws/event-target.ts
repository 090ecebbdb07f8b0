/** What a WebSocket has of the WHATWG standard's EventTarget, besides the events of an EventEmitter. */
import type { ClientRequest, IncomingMessage } from "node:http";
import {
  addHandler,
  attributeOf,
  type CloseEvent,
  type ErrorEvent,
  type Event,
  type MessageEvent,
  removeHandler,
  setAttribute,
} from "./events.js";
import { Emitter } from "./typed-emitter.js";

/** A message as it is emitted: by `binaryType`; text is always a Buffer. */
export type RawData = Buffer | ArrayBuffer | Buffer[];

/** What listeners of `ws.on` are called with. */
export interface WebSocketEvents {
  open: [];
  message: [data: RawData, isBinary: boolean];
  close: [code: number, reason: Buffer];
  error: [error: Error];
  ping: [data: Buffer];
  pong: [data: Buffer];
  upgrade: [response: IncomingMessage];
  redirect: [url: string, request: ClientRequest];
  "unexpected-response": [request: ClientRequest, response: IncomingMessage];
}

/** What `addEventListener` calls its listeners with. */
export interface EventMapOf<Target> {
  open: TargetedEvent<Event, Target>;
  error: TargetedEvent<ErrorEvent, Target> & { readonly error: ReturnType<typeof JSON.parse> };
  close: TargetedEvent<CloseEvent, Target>;
  message: TargetedEvent<MessageEvent, Target> & { readonly data: string | RawData };
}

type TargetedEvent<Kind extends Event, Target> = Omit<Kind, "target" | "data" | "error"> & { readonly target: Target };

export type EventListenerOf<Name extends keyof EventMapOf<Target>, Target> =
  | ((event: EventMapOf<Target>[Name]) => void)
  | { handleEvent(event: EventMapOf<Target>[Name]): void };

/** Whether both sides have sent a close frame: a `close` event says so. */
const wasClosedCleanly = (emitter: unknown): boolean => (emitter as EventTarget<unknown>).closedCleanly;

/** What is to be seen by whoever lists what a WebSocket has. */
export const SHOWN = ["onopen", "onerror", "onclose", "onmessage", "addEventListener", "removeEventListener"] as const;

/** An EventEmitter whose events can be listened to as those of a browser are. */
export abstract class EventTarget<Target> extends Emitter<WebSocketEvents> {
  static {
    for (const name of SHOWN) Object.defineProperty(this.prototype, name, { enumerable: true });
  }

  /** @internal */
  abstract readonly closedCleanly: boolean;

  get onopen(): ((event: EventMapOf<Target>["open"]) => void) | null {
    return attributeOf(this, "open") as ((event: EventMapOf<Target>["open"]) => void) | null;
  }

  set onopen(handler: ((event: EventMapOf<Target>["open"]) => void) | null) {
    setAttribute(this, wasClosedCleanly, "open", handler);
  }

  get onmessage(): ((event: EventMapOf<Target>["message"]) => void) | null {
    return attributeOf(this, "message") as ((event: EventMapOf<Target>["message"]) => void) | null;
  }

  set onmessage(handler: ((event: EventMapOf<Target>["message"]) => void) | null) {
    setAttribute(this, wasClosedCleanly, "message", handler);
  }

  get onclose(): ((event: EventMapOf<Target>["close"]) => void) | null {
    return attributeOf(this, "close") as ((event: EventMapOf<Target>["close"]) => void) | null;
  }

  set onclose(handler: ((event: EventMapOf<Target>["close"]) => void) | null) {
    setAttribute(this, wasClosedCleanly, "close", handler);
  }

  get onerror(): ((event: EventMapOf<Target>["error"]) => void) | null {
    return attributeOf(this, "error") as ((event: EventMapOf<Target>["error"]) => void) | null;
  }

  set onerror(handler: ((event: EventMapOf<Target>["error"]) => void) | null) {
    setAttribute(this, wasClosedCleanly, "error", handler);
  }

  addEventListener<Name extends keyof EventMapOf<Target>>(
    type: Name,
    listener: EventListenerOf<Name, Target>,
    options?: { once?: boolean | undefined },
  ): void {
    addHandler(this, wasClosedCleanly, type, listener, options);
  }

  removeEventListener<Name extends keyof EventMapOf<Target>>(
    type: Name,
    listener: EventListenerOf<Name, Target>,
  ): void {
    removeHandler(this, type, listener);
  }
}
