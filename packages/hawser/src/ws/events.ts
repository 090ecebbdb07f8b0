/** The events of the WHATWG standard, as far as `ws` has them. */

let setTarget: (event: Event, target: unknown) => void;

/** What a listener that came by `addEventListener` or by an `on…` attribute is called with. */
export class Event {
  static {
    setTarget = (event, target) => (event.#target = target);
  }

  readonly #type: string;
  #target: unknown = null;

  constructor(type: string) {
    this.#type = type;
  }

  get type(): string {
    return this.#type;
  }

  get target(): unknown {
    return this.#target;
  }
}

export class CloseEvent extends Event {
  readonly #code: number;
  readonly #reason: string;
  readonly #wasClean: boolean;

  constructor(type: string, { code = 0, reason = "", wasClean = false }: Partial<CloseFacts> = {}) {
    super(type);
    this.#code = code;
    this.#reason = reason;
    this.#wasClean = wasClean;
  }

  get code(): number {
    return this.#code;
  }

  get reason(): string {
    return this.#reason;
  }

  get wasClean(): boolean {
    return this.#wasClean;
  }
}

export class ErrorEvent extends Event {
  readonly #error: unknown;
  readonly #message: string;

  constructor(type: string, { error = null, message = "" }: { error?: unknown; message?: string } = {}) {
    super(type);
    this.#error = error;
    this.#message = message;
  }

  get error(): unknown {
    return this.#error;
  }

  get message(): string {
    return this.#message;
  }
}

export class MessageEvent extends Event {
  readonly #data: unknown;

  constructor(type: string, { data = null }: { data?: unknown } = {}) {
    super(type);
    this.#data = data;
  }

  get data(): unknown {
    return this.#data;
  }
}

// What they have is to be seen, by console.log and by who copies it, as with an event of a browser.
for (const [{ prototype }, ...names] of [
  [Event, "type", "target"],
  [CloseEvent, "code", "reason", "wasClean"],
  [ErrorEvent, "error", "message"],
  [MessageEvent, "data"],
] as [{ prototype: object }, ...string[]][]) {
  for (const name of names) Object.defineProperty(prototype, name, { enumerable: true });
}

interface CloseFacts {
  readonly code: number;
  readonly reason: string;
  readonly wasClean: boolean;
}

/** A function, or an object with one, which is called with the event. */
export type EventHandler = ((event: never) => void) | { handleEvent(event: never): void };

/** The names of the events there are, each with how its event is made of what the emitter's listeners are called with. */
const makers: Readonly<Record<string, (wasClean: () => boolean, ...args: never[]) => Event>> = {
  open: () => new Event("open"),
  message: (_wasClean, data: Buffer, isBinary: boolean) =>
    new MessageEvent("message", { data: isBinary ? data : data.toString() }),
  close: (wasClean, code: number, reason: Buffer) =>
    new CloseEvent("close", { code, reason: reason.toString(), wasClean: wasClean() }),
  error: (_wasClean, error: Error) => new ErrorEvent("error", { error, message: error.message }),
};

/** Whether both sides of a socket have sent a close frame. */
type ClosedCleanly = (socket: unknown) => boolean;

/** What is kept of a listener that stands for a handler. */
interface Standing {
  readonly handler: unknown;
  /** It came by an `on…` attribute, of which there is one at a time. */
  readonly isAttribute: boolean;
}

const standing = new WeakMap<object, Standing>();

// oxlint-disable-next-line typescript/no-explicit-any -- as node:events has it
type Listener = (this: any, ...args: any[]) => void;

/** What is needed of an emitter. */
interface Emits {
  listeners(event: string): unknown[];
  on(event: string, listener: Listener): unknown;
  once(event: string, listener: Listener): unknown;
  removeListener(event: string, listener: Listener): unknown;
}

/** Adds a listener that calls the handler with an event. Of names that are no event, and of handlers that are there already, nothing comes. */
export function addHandler(
  emitter: Emits,
  closedCleanly: ClosedCleanly,
  type: string,
  handler: unknown,
  { once = false, isAttribute = false }: { once?: boolean | undefined; isAttribute?: boolean | undefined } = {},
): void {
  const make = Object.hasOwn(makers, type) ? makers[type] : undefined;
  if (make === undefined || (!isAttribute && find(emitter, type, handler, false) !== undefined)) return;
  const listener: Listener = function (this: unknown, ...args: unknown[]) {
    const event = make(() => closedCleanly(this), ...(args as never[]));
    setTarget(event, this);
    call(handler, this, event);
  };
  standing.set(listener, { handler, isAttribute });
  if (once) emitter.once(type, listener);
  else emitter.on(type, listener);
}

export function removeHandler(emitter: Emits, type: string, handler: unknown): void {
  const listener = find(emitter, type, handler, false);
  if (listener !== undefined) emitter.removeListener(type, listener);
}

/** What an `on…` attribute is set to. */
export function attributeOf(emitter: Emits, type: string): unknown {
  for (const listener of emitter.listeners(type)) {
    const known = standing.get(listener as object);
    if (known?.isAttribute === true) return known.handler;
  }
  return null;
}

export function setAttribute(emitter: Emits, closedCleanly: ClosedCleanly, type: string, handler: unknown): void {
  const listener = find(emitter, type, attributeOf(emitter, type), true);
  if (listener !== undefined) emitter.removeListener(type, listener);
  if (typeof handler === "function") addHandler(emitter, closedCleanly, type, handler, { isAttribute: true });
}

function find(emitter: Emits, type: string, handler: unknown, isAttribute: boolean): Listener | undefined {
  return emitter.listeners(type).find((listener) => {
    const known = standing.get(listener as object);
    return known !== undefined && known.handler === handler && known.isAttribute === isAttribute;
  }) as Listener | undefined;
}

function call(handler: unknown, self: unknown, event: Event): void {
  if (typeof handler === "object" && handler !== null && "handleEvent" in handler) {
    (handler as { handleEvent(event: Event): void }).handleEvent(event);
  } else Reflect.apply(handler as (event: Event) => void, self, [event]);
}
