import type { BrokerEvents, Position, StoredMessage } from "#hawser/hub/brokers/broker.js";
import type { MemoryEngine } from "#hawser/hub/brokers/memory-engine.js";

/** What the engine did, in all its lives: the order of the messages of each topic, and which publishes were carried out. */
export class Truth {
  /** By stamp: the stamp of the message before, "" for the first. */
  readonly #before = new Map<string, string>();
  /** By topic: the stamp of the newest. */
  readonly #newest = new Map<string, string>();
  /** Publishes with a key that this engine carried out. */
  readonly #keys = new Set<string>();
  /** Messages that the engine lost, by id and by position. */
  readonly #lost = new Set<string>();
  readonly events: BrokerEvents = {
    message: (topic, message) => this.#saw(topic, message),
    told: () => {},
    state: () => {},
  };
  engine: MemoryEngine;
  /** The first thing that was found wrong. */
  failure: Error | undefined;

  constructor(engine: MemoryEngine, topics: readonly string[]) {
    this.engine = engine;
    this.watch(engine, topics);
  }

  /** A new engine, with nothing in it. */
  watch(engine: MemoryEngine, topics: readonly string[]): void {
    this.engine = engine;
    this.#newest.clear();
    this.#keys.clear();
    for (const topic of topics) engine.subscribe(topic, this.events);
  }

  /** The engine has lost these messages of the topic. */
  lost(topic: string, messages: readonly StoredMessage[]): void {
    if (messages.length > 0) this.#newest.set(topic, this.engine.topic(topic).top.stamp);
    for (const { bytes, epoch, offset } of messages) this.#lost.add(idOf(bytes)).add(nameOf({ epoch, offset }));
  }

  /** Whether the engine lost this message: then nobody has to have seen it. Who has seen it has to be told. */
  isLost(id: string): boolean {
    return this.#lost.has(id);
  }

  /** Whether the engine lost a message that had this position. */
  isAmbiguous(position: Position): boolean {
    return this.#lost.has(nameOf(position));
  }

  fail(what: string): void {
    this.failure ??= new Error(what);
  }

  isNext(stamp: string, last: string): boolean {
    return this.#before.get(stamp) === last;
  }

  #saw(topic: string, { stamp, bytes }: StoredMessage): void {
    this.#before.set(stamp, this.#newest.get(topic) ?? "");
    this.#newest.set(topic, stamp);
    const [, key] = Buffer.from(bytes).toString().split(" ");
    if (key === undefined) return;
    if (this.#keys.has(key)) this.fail(`${topic}: message ${idOf(bytes)} repeats the key ${key}`);
    this.#keys.add(key);
  }
}

/** A message is its id, and the key it was published with. */
export function idOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString().split(" ")[0]!;
}

function nameOf({ epoch, offset }: Position): string {
  return `${offset} in ${epoch}`;
}
