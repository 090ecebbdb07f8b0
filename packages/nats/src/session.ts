import type { Msg, NatsConnection, Subscription } from "@nats-io/transport-node";
import type { Names } from "./names.js";
import { Requests } from "./requests.js";

export interface SessionPort {
  /** Something was published to a topic. It must not throw. */
  message(topic: string, message: Msg): void;
  told(message: Msg): void;
  epoch(message: Msg): void;
  probed(message: Msg): void;
}

/** One connection, from when it is there to when it is lost, with what is subscribed on it. */
export class Session {
  readonly connection: NatsConnection;
  readonly requests: Requests;
  /** Why it is over. */
  readonly over: Promise<string>;
  readonly #port: SessionPort;
  readonly #names: Names;
  readonly #topics = new Map<string, Subscription>();
  readonly #others: Subscription[] = [];
  readonly #statuses: AsyncIterable<{ readonly type: string; readonly error?: Error }>;
  #flushed: Promise<void> | undefined;
  #end: (why: string) => void = () => {};
  #isOver = false;
  #lastError = "";
  /** A right that the user lacks. */
  denied: Error | undefined;
  /** When a topic, or the probe, was last heard of, by `performance.now`. */
  heardAt: number = performance.now();

  constructor(connection: NatsConnection, names: Names, node: string, timeoutMs: number, port: SessionPort) {
    this.connection = connection;
    this.#names = names;
    this.#port = port;
    this.requests = new Requests(connection, timeoutMs);
    this.over = new Promise((resolve) => (this.#end = resolve));
    this.#statuses = connection.status() as AsyncIterable<{ type: string; error?: Error }>;
    void this.#watch();
    void connection.closed().then((error) => this.end(error instanceof Error ? error.message : this.#lastError));
    this.#listen(names.control(), (message) => port.told(message));
    this.#listen(names.control(node), (message) => port.told(message));
    this.#listen(names.epochTold, (message) => port.epoch(message));
    this.#listen(names.probeHeard, (message) => {
      this.heardAt = performance.now();
      port.probed(message);
    });
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  subscribe(topics: Iterable<string>): void {
    for (const topic of topics) {
      if (this.#topics.has(topic)) continue;
      const callback = (error: Error | null, message: Msg): void => {
        if (error !== null) return;
        this.heardAt = performance.now();
        this.#port.message(topic, message);
      };
      this.#topics.set(topic, this.connection.subscribe(this.#names.live(topic), { callback }));
    }
  }

  unsubscribe(topics: Iterable<string>): void {
    for (const topic of topics) {
      this.#topics.get(topic)?.unsubscribe();
      this.#topics.delete(topic);
    }
  }

  /** What was sent up to now has been seen by the server. Those who ask in the same turn share a question. @throws BrokerError */
  flush(): Promise<void> {
    if (this.#flushed === undefined) {
      this.#flushed = this.#flush();
      queueMicrotask(() => (this.#flushed = undefined));
    }
    return this.#flushed;
  }

  /** It is over: nothing of it is told any longer, and what waits is rejected. */
  end(why: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stopWatching();
    this.requests.end(`the connection to NATS was lost: ${why}`);
    for (const subscription of [...this.#others, ...this.#topics.values()]) subscription.unsubscribe();
    this.#topics.clear();
    this.#end(why);
  }

  async #flush(): Promise<void> {
    const { requests, connection } = this;
    await requests.expect("a ping", requests.deadline(), (come) => {
      // That it fails is told by the end of the connection.
      connection.flush().then(come, () => {});
      return () => {};
    });
  }

  #listen(subject: string, take: (message: Msg) => void): void {
    const callback = (error: Error | null, message: Msg): void => {
      if (error === null) take(message);
    };
    this.#others.push(this.connection.subscribe(subject, { callback }));
  }

  async #watch(): Promise<void> {
    for await (const { type, error } of this.#statuses) {
      if (this.#isOver) return;
      if (type === "disconnect") this.end(this.#lastError || "the server hung up");
      else if (type === "staleConnection") this.#lastError = "the server does not answer pings";
      else if (type === "error" && error !== undefined) this.#failed(error);
    }
  }

  #failed(error: Error): void {
    this.#lastError = error.message;
    if (error.name !== "PermissionViolationError") return;
    this.denied ??= error;
    const { subject } = error as Error & { subject?: string };
    this.requests.denied(subject ?? "", error);
  }

  // Each iterator is kept by the connection until it is stopped.
  #stopWatching(): void {
    (this.#statuses as { stop?: () => void }).stop?.();
  }
}
