import type { Client, HandlerName, HandlerResult } from "../api/client.js";
import type { Handlers } from "../api/options.js";
import { isThenable } from "../base/thenable.js";
import type { Message } from "../sending/message.js";
import { handlerChannels, type HandlerSubject, traceHandler } from "../watching/diagnostics.js";
import type { HandlerTimes } from "../watching/handler-times.js";
import type { ConnectionTrace } from "../watching/tracing.js";

/** A client as the one whose handlers are called. */
export interface HandlerOwner<Data> {
  readonly client: Client<Data>;
  /** Null: nobody traces. */
  readonly trace: ConnectionTrace | null;
  /** A handler has returned a promise; `onHandlerSettled` follows. */
  onHandlerPending(): void;
  onHandlerSettled(): void;
  /** A handler threw, or its promise was rejected. */
  onHandlerError(name: HandlerName, error: unknown): void;
  /** Its handler has closed the server: it is not waited for. */
  shutDown(reason: string, isNow: true): void;
}

type Handler<Data, What> = (client: Client<Data>, about: What) => HandlerResult;
/** What a handler gets besides the client. */
type About<Data, Name extends HandlerName> = Parameters<NonNullable<Handlers<Data>[Name]>>[1];

/** Those that the application has given. */
export type GivenHandlers<Data> = { readonly [Name in HandlerName]: Handlers<Data>[Name] | undefined };

/** Calls the handlers of a server: they are timed, told of to those who watch, and waited for when they return a promise. */
export class HandlerRunner<Data> {
  readonly handlers: GivenHandlers<Data>;
  readonly times: HandlerTimes;
  /** Whose handler is running now, up to where it waits for the first time. */
  caller: HandlerOwner<Data> | null = null;
  /** What diagnostics channels are told it is. */
  readonly #server: object;

  constructor({ open, message, drain, close }: GivenHandlers<Data>, times: HandlerTimes, server: object) {
    // An object of their own: V8 keeps one with as many properties as the options have as a hash table.
    this.handlers = { open, message, drain, close };
    this.times = times;
    this.#server = server;
  }

  /**
   * Messages have arrived: called once for all messages of a read, it costs each of them nothing.
   * @returns whether their handlers are timed, or anybody is told of them. If not, `call` is enough
   */
  beginRead(owner: HandlerOwner<Data>, arrivedAt: number): boolean {
    return this.times.beginRead(arrivedAt) || owner.trace !== null || handlerChannels.message.hasSubscribers;
  }

  runMessage(owner: HandlerOwner<Data>, message: Message): void {
    const { byteLength, isBinary } = message;
    const begunAt = this.times.beginMessage();
    this.run(owner, "message", message, { byteLength, isBinary }, begunAt);
  }

  /** Calls a handler, before the eyes of those who watch. Does nothing when there is no such handler. */
  run<Name extends HandlerName>(
    owner: HandlerOwner<Data>,
    name: Name,
    about: About<Data, Name>,
    subject: HandlerSubject = {},
    begunAt: number = this.times.begin(),
  ): void {
    const handler = this.handlers[name] as Handler<Data, About<Data, Name>> | undefined;
    if (handler === undefined) return;
    const isWatched = owner.trace !== null || handlerChannels[name].hasSubscribers;
    const called: typeof handler = isWatched
      ? (client, what) => this.#watch(owner, name, subject, () => handler(client, what))
      : handler;
    const { caller } = this;
    this.caller = owner;
    this.call(owner, name, called, about, begunAt);
    this.caller = caller;
  }

  /**
   * Calls a handler and sees to what comes of it: an error, a promise, or nothing.
   * @param begunAt 0: it is not timed
   */
  call<What>(
    owner: HandlerOwner<Data>,
    name: HandlerName,
    handler: Handler<Data, What>,
    about: What,
    begunAt: number,
  ): void {
    let result: HandlerResult;
    try {
      result = handler(owner.client, about);
      if (!isThenable(result)) {
        this.times.end(name, begunAt);
        return;
      }
    } catch (error) {
      this.times.end(name, begunAt);
      owner.onHandlerError(name, error);
      return;
    }
    this.#waitFor(owner, name, result, begunAt);
  }

  #waitFor(owner: HandlerOwner<Data>, name: HandlerName, result: PromiseLike<unknown>, begunAt: number): void {
    this.times.pending++;
    owner.onHandlerPending();
    const settled = (): void => {
      this.times.pending--;
      this.times.end(name, begunAt);
      owner.onHandlerSettled();
    };
    const failed = (error: unknown): void => {
      owner.onHandlerError(name, error);
      settled();
    };
    try {
      // Promise.resolve: what has a `then` may be anybody's.
      void Promise.resolve(result).then(settled, failed);
    } catch (error) {
      // A promise with a `then` or a `constructor` of its own.
      failed(error);
    }
  }

  #watch(
    owner: HandlerOwner<Data>,
    name: HandlerName,
    subject: HandlerSubject,
    call: () => HandlerResult,
  ): HandlerResult {
    const told = handlerChannels[name].hasSubscribers
      ? () => traceHandler({ server: this.#server, client: owner.client, handler: name, ...subject }, call)
      : call;
    return owner.trace === null ? told() : owner.trace.run(name, subject, told);
  }
}
