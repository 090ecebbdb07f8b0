import { freshId } from "../../server/base/fresh-id.js";
import { type Clock, systemClock } from "../../server/base/clock.js";
import {
  type Broker,
  BrokerError,
  type BrokerEvents,
  type EngineState,
  type History,
  type Position,
  type PresenceStore,
  type Published,
  type PublishOptions,
  type ReadOptions,
} from "../../hub/brokers/broker.js";
import { type EngineAddress, MOST_FRAME_BYTES } from "./engine-listener.js";
import { FrameFault, type FieldReader } from "./frame-reader.js";
import type { FrameWriter } from "./frame-writer.js";
import { kinds } from "./kinds.js";
import { Link } from "./link.js";
import { Pending } from "./pending.js";
import {
  readEntry,
  readHistory,
  readMessage,
  readPosition,
  readPublished,
  writeEntry,
  writePublish,
  writeReadOptions,
} from "./values.js";

/** What a worker has asked for may wait for the supervisor up to here; more is refused. */
const MOST_WAITING_BYTES = 32 * 1024 * 1024;
/** A message with its topic and key has to fit into a frame. */
const MOST_MESSAGE_BYTES = MOST_FRAME_BYTES - 64 * 1024;
/** Topics in one frame, when all are subscribed again. */
const BATCH = 1000;
/** After so long without a word from the supervisor it is asked for one. */
const PING_MS = 5000;
const START_MS = 2000;

const SETTLED = 0;

const nothing = (): void => {};

/** A broker on the memory of the supervisor, for one of its workers. */
export class WorkerBroker implements Broker {
  readonly has = { history: true, presence: true, trusted: true } as const;
  readonly presence: PresenceStore = {
    lease: (node, ttlMs) =>
      this.#ask(kinds.lease, (frame) => frame.text(node).number(ttlMs), (fields) => fields.byte() === 1), // oxfmt-ignore
    put: (topic, entry) => this.#ask(kinds.put, (frame) => writeEntry(frame.text(topic), entry), nothing),
    remove: (topic, node, key) => this.#ask(kinds.remove, (frame) => frame.text(topic).text(node).text(key), nothing),
    list: (topic, limit) =>
      this.#ask(kinds.list, (frame) => frame.text(topic).number(limit), (fields) => fields.list(readEntry)), // oxfmt-ignore
    count: (topic) =>
      this.#ask(
        kinds.members,
        (frame) => frame.text(topic),
        (fields) => fields.number(),
      ),
  };
  readonly #clock: Clock;
  readonly #link: Link;
  readonly #pending: Pending;
  /**
   * What this worker is subscribed to, or may be: with the number of the subscription that has no answer yet, or SETTLED. What comes before the answer
   * was on its way since before the topic was unsubscribed.
   */
  readonly #topics = new Map<string, number>();
  #subscriptions = SETTLED;
  #events: BrokerEvents | undefined;
  #state: EngineState = "down";
  #wasUp = false;
  /** On the connection that there is, all subscriptions are in place. */
  #isInPlace = false;
  #heardSince = false;
  #stopPings: (() => void) | undefined;
  #onUp = nothing;

  constructor(address: EngineAddress, node: string = freshId(), clock: Clock = systemClock) {
    this.#clock = clock;
    this.#pending = new Pending(clock, () => this.#tell("down", "the supervisor does not answer"));
    this.#link = new Link(address, node, {
      opened: () => this.#onOpened(),
      frame: (fields) => this.#onFrame(fields),
      lost: (why) => this.#onLost(why),
    });
  }

  /** @throws BrokerError when the supervisor was not reached within two seconds: it is tried further */
  start(to: BrokerEvents): Promise<void> {
    this.#events = to;
    this.#stopPings = this.#clock.every(PING_MS, () => this.#ping());
    this.#link.connect();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#onUp = nothing;
        reject(new BrokerError("unavailable", this.#link.why));
      }, START_MS);
      this.#onUp = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async subscribe(topics: readonly string[]): Promise<void> {
    const number = ++this.#subscriptions;
    for (const topic of topics) if (this.#topics.get(topic) !== SETTLED) this.#topics.set(topic, number);
    const settle = (): void => {
      for (const topic of topics) if (this.#topics.get(topic) === number) this.#topics.set(topic, SETTLED);
    };
    await this.#ask(kinds.subscribe, (frame) => frame.texts(topics), settle);
  }

  unsubscribe(topics: readonly string[]): void {
    for (const topic of topics) this.#topics.delete(topic);
    if (!this.#link.isOpen) return;
    this.#link.outgoing.frames.begin(kinds.unsubscribe, 0).texts(topics);
    this.#link.outgoing.end();
  }

  publish(topic: string, bytes: Uint8Array, options: PublishOptions): Promise<Published> {
    if (bytes.byteLength > MOST_MESSAGE_BYTES) {
      return Promise.reject(new BrokerError("limit", `a message has ${MOST_MESSAGE_BYTES} bytes at most`));
    }
    return this.#ask(kinds.publish, (frame) => writePublish(frame.text(topic), bytes, options), readPublished);
  }

  read(topic: string, options: ReadOptions): Promise<History> {
    return this.#ask(kinds.read, (frame) => writeReadOptions(frame.text(topic), options), readHistory);
  }

  heads(topics: readonly string[]): Promise<ReadonlyMap<string, Position>> {
    return this.#ask(
      kinds.heads,
      (frame) => frame.texts(topics),
      (fields) => new Map(topics.map((topic) => [topic, readPosition(fields)])),
    );
  }

  renew(topic: string, epoch: string): Promise<Position> {
    return this.#ask(kinds.renew, (frame) => frame.text(topic).text(epoch), readPosition);
  }

  tell(bytes: Uint8Array, node?: string): Promise<void> {
    return this.#ask(kinds.tell, (frame) => frame.data(bytes).text(node), nothing);
  }

  async close(): Promise<void> {
    this.#events = undefined;
    this.#stopPings?.();
    this.#link.close();
    this.#pending.rejectAll(this.#link.why);
    this.#topics.clear();
  }

  #ask<Value>(kind: number, write: (frame: FrameWriter) => void, read: (fields: FieldReader) => Value): Promise<Value> {
    const { isOpen, outgoing, why } = this.#link;
    if (this.#events === undefined || !isOpen) return Promise.reject(new BrokerError("unavailable", why));
    if (outgoing.waitingBytes > MOST_WAITING_BYTES) {
      return Promise.reject(new BrokerError("unavailable", "too much waits for the supervisor"));
    }
    return new Promise((resolve, reject) => {
      const id = this.#pending.add(read, resolve, reject);
      write(outgoing.frames.begin(kind, id));
      outgoing.end();
    });
  }

  #onFrame(fields: FieldReader): void {
    this.#heardSince = true;
    // It was slow, and not gone. What it had to say came in order.
    if (this.#state === "down" && this.#isInPlace) this.#tell("suspect", "the supervisor answers again");
    switch (fields.kind) {
      case kinds.message: {
        const topic = fields.text();
        const message = readMessage(fields);
        fields.end();
        if (this.#topics.get(topic) === SETTLED) this.#events?.message(topic, message);
        return;
      }
      case kinds.told: {
        const [bytes, from] = [fields.data(), fields.text()];
        fields.end();
        return this.#events?.told(bytes, from);
      }
      case kinds.done:
        return this.#pending.done(fields);
      case kinds.failed:
        return this.#pending.failed(fields);
      default:
        throw new FrameFault(`a frame of the unknown kind ${fields.kind}`);
    }
  }

  #onOpened(): void {
    const topics = [...this.#topics.keys()];
    // On this connection nothing is left of what was before.
    for (const topic of topics) this.#topics.set(topic, SETTLED);
    const batches: Promise<void>[] = [];
    for (let from = 0; from < topics.length; from += BATCH) {
      const batch = topics.slice(from, from + BATCH);
      batches.push(this.#ask(kinds.subscribe, (frame) => frame.texts(batch), nothing));
    }
    Promise.all(batches).then(
      () => this.#onReady(),
      // Either the connection was lost, and this comes again; or it was too slow.
      (error: Error) => this.#link.drop(error.message),
    );
  }

  #onReady(): void {
    const isFirst = !this.#wasUp;
    this.#wasUp = true;
    this.#isInPlace = true;
    this.#tell(isFirst ? "up" : "suspect", "memory of the supervisor");
    this.#onUp();
  }

  #onLost(why: string): void {
    this.#isInPlace = false;
    this.#tell("down", why);
    this.#pending.rejectAll(why);
  }

  #tell(state: EngineState, why: string): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#events?.state(state, why);
  }

  #ping(): void {
    if (!this.#heardSince && this.#link.isOpen) this.#ask(kinds.ping, nothing, nothing).catch(nothing);
    this.#heardSince = false;
  }
}
