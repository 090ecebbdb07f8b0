import { randomBytes } from "node:crypto";
import { jetstreamManager } from "@nats-io/jetstream";
import { headers, type Msg } from "@nats-io/transport-node";
import {
  type Broker,
  BrokerError,
  type BrokerEvents,
  type EngineState,
  type StoredHistory,
  type Position,
  type PresenceStore,
  type Published,
  type PublishOptions,
  type ReadOptions,
} from "hawser/hub";
import { ENVELOPE, freshStamp, headersOf, readEnvelope, writeEnvelope } from "./envelope.js";
import { brokerErrorOf } from "./faults.js";
import { LiveOrder } from "./live-order.js";
import { Link } from "./link.js";
import { Members } from "./members.js";
import { nameOf, Names, tokenOf } from "./names.js";
import type { ResolvedNatsOptions } from "./options.js";
import { Probe } from "./probe.js";
import { checkRights } from "./rights.js";
import { NobodyAnswers } from "./requests.js";
import { Session } from "./session.js";
import { openerOf } from "./opener.js";
import { roomOf, Streams } from "./streams.js";
import { Timeline } from "./timeline.js";
import { checkSize, Topics } from "./topics.js";

const FROM = "Hawser-From";
/** How often it is looked whether anything is due. */
const TICK_MS = 1_000;

/** A connection on which everything is in place. */
interface Place {
  readonly session: Session;
  /** Undefined without JetStream. */
  readonly topics: Topics | undefined;
  readonly members: Members | undefined;
}

export class NatsBroker implements Broker {
  readonly has: { readonly history: boolean; readonly presence: boolean };
  readonly presence: PresenceStore | undefined;
  readonly #options: ResolvedNatsOptions;
  readonly #names: Names;
  readonly #node: string;
  readonly #link: Link;
  readonly #timeline: Timeline;
  readonly #probe: Probe;
  readonly #order = new LiveOrder((topic, message) => this.#events?.message(topic, message));
  readonly #wanted = new Set<string>();
  readonly #words = new Map<string, string>();
  #events: BrokerEvents | undefined;
  #place: Place | undefined;
  #state: EngineState | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: ResolvedNatsOptions) {
    const { prefix, jetstream, node } = options;
    this.#options = options;
    this.has = { history: jetstream, presence: jetstream };
    this.#names = new Names(prefix);
    this.#node = node ?? randomBytes(9).toString("base64url");
    this.#probe = new Probe(this.#names, jetstream);
    this.#timeline = new Timeline(this.#names, () => {
      if (this.#place !== undefined) this.#tell("suspect", "the topics are in another epoch");
    });
    this.presence = jetstream ? this.#presence() : undefined;
    const { open, isOwner } = openerOf(options, `hawser ${this.#node}`);
    this.#link = new Link({
      open,
      isOwner,
      session: (connection) => {
        const session: Session = new Session(connection, this.#names, this.#node, options.timeoutMs, {
          message: (topic, message) => this.#message(session, topic, message),
          told: (message) => this.#told(session, message),
          epoch: (message) => this.#epoch(session, message),
          probed: (message) => this.#probe.heard(message),
        });
        return session;
      },
      begin: async (session) => void (this.#place = await this.#begin(session)),
      ready: () => this.#tell(this.#state === undefined ? "up" : "suspect", "connected, and everything is in place"),
      down: (why) => {
        this.#place = undefined;
        this.#order.clear();
        if (this.#state !== "down") this.#tell("down", why);
      },
    });
  }

  async start(to: BrokerEvents): Promise<void> {
    if (this.#isClosed) throw new BrokerError("unavailable", "the broker is closed");
    this.#events = to;
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    try {
      await this.#link.start();
    } catch (error) {
      clearInterval(this.#timer);
      throw error;
    }
  }

  async subscribe(topics: readonly string[]): Promise<void> {
    if (this.#isClosed) throw new BrokerError("unavailable", "the broker is closed");
    for (const topic of topics) this.#wanted.add(topic);
    this.#timeline.follow(topics);
    await this.#settled(async ({ session }) => {
      session.subscribe(topics);
      await session.flush();
    });
  }

  unsubscribe(topics: readonly string[]): void {
    for (const topic of topics) this.#wanted.delete(topic);
    this.#timeline.leave(topics);
    this.#order.leave(topics);
    this.#place?.session.unsubscribe(topics);
  }

  publish(topic: string, bytes: Uint8Array, options: PublishOptions): Promise<Published> {
    return this.#settled(async (place) => {
      const isStored = options.size > 0 || options.key !== undefined;
      if (place.topics !== undefined && isStored) return place.topics.publish(topic, bytes, options);
      await this.#pass(place.session, topic, bytes, options);
      return { offset: 0, epoch: "", duplicate: false };
    });
  }

  read(topic: string, options: ReadOptions): Promise<StoredHistory> {
    return this.#settled(async (place) => {
      const history = await historyOf(place).read(topic, options);
      this.#reached(topic, history.head);
      return history;
    });
  }

  heads(topics: readonly string[]): Promise<ReadonlyMap<string, Position>> {
    return this.#settled(async (place) => {
      const heads = await historyOf(place).heads(topics);
      for (const [topic, head] of heads) this.#reached(topic, head);
      return heads;
    });
  }

  renew(topic: string, epoch: string): Promise<Position> {
    return this.#settled((place) => historyOf(place).renew(topic, epoch));
  }

  tell(bytes: Uint8Array, node?: string): Promise<void> {
    return this.#settled(async ({ session }) => {
      const header = headers();
      header.set(FROM, tokenOf(this.#node));
      checkSize(bytes, header, session.requests.maxPayload);
      session.connection.publish(this.#names.control(node), bytes, { headers: header });
      await session.flush();
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#events = undefined;
    this.#place = undefined;
    this.#order.clear();
    clearInterval(this.#timer);
    await this.#link.close();
  }

  #presence(): PresenceStore {
    const settled = <Value>(ask: (members: Members) => Promise<Value>): Promise<Value> =>
      this.#settled(({ members }) => ask(members!));
    return {
      lease: (node, ttlMs) => settled((members) => members.lease(node, ttlMs)),
      put: (topic, entry) => settled((members) => members.put(topic, entry)),
      remove: (topic, node, key) => settled((members) => members.remove(topic, node, key)),
      list: (topic, limit) => settled((members) => members.list(topic, limit)),
      count: (topic) => settled((members) => members.count(topic)),
    };
  }

  async #begin(session: Session): Promise<Place> {
    const { connection, requests } = session;
    session.subscribe(this.#wanted);
    await session.flush();
    if (session.denied !== undefined) throw session.denied;
    if (!this.#options.jetstream) {
      await this.#probe.send(session);
      return { session, topics: undefined, members: undefined };
    }
    const jsm = await jetstreamManager(connection, { timeout: this.#options.timeoutMs, checkAPI: false });
    const streams = new Streams(jsm, this.#names, this.#options, requests);
    const info = await streams.prepare().catch((error: unknown) => {
      // A cluster that has just been started has nobody who leads it yet.
      const isEarly = error instanceof NobodyAnswers && connection.info?.cluster !== undefined;
      throw isEarly ? new BrokerError("unavailable", error.message) : error;
    });
    await this.#timeline.verify(requests, info);
    const isReplicated = info.config.num_replicas > 1;
    const skewMs = await this.#probe.send(session);
    const server = {
      isReplicated,
      maxPayload: session.requests.maxPayload,
      skewMs,
      room: roomOf(info.config),
    };
    const topics = new Topics(requests, this.#names, this.#timeline, streams, server);
    const members = new Members(requests, this.#names, isReplicated, this.#words, () => Date.now() + skewMs);
    if (this.#state !== "up") await checkRights(session, this.#names, this.#node);
    // Those that were asked for meanwhile.
    session.subscribe(this.#wanted);
    await session.flush();
    return { session, topics, members };
  }

  /** Sends what is not kept. */
  async #pass(session: Session, topic: string, bytes: Uint8Array, options: PublishOptions): Promise<void> {
    const header = headers();
    header.set(ENVELOPE, writeEnvelope({ ...options, stamp: freshStamp(), size: 0 }));
    checkSize(bytes, header, session.requests.maxPayload);
    session.connection.publish(this.#names.live(topic), bytes, { headers: header });
    await session.flush();
  }

  // What comes before everything is in place is of an epoch that is not known yet: the hub will read it.
  #message(session: Session, topic: string, message: Msg): void {
    if (session !== this.#place?.session || this.#events === undefined) return;
    const header = headersOf(message.headers);
    const envelope = readEnvelope(header.get(ENVELOPE));
    const seq = Number(header.get("Nats-Sequence"));
    const before = Number(header.get("Nats-Last-Sequence"));
    const isStored = envelope !== undefined && envelope.size > 0;
    const isOurs = !isStored || (header.get("Nats-Stream") === this.#names.topics && seq > 0 && before < seq);
    if (envelope === undefined || !isOurs) {
      this.#events.foreign?.(message.subject);
      return;
    }
    const { stamp, binary, by, from } = envelope;
    // A copy: the buffer of what was received is larger, and would be kept with it.
    const content = { stamp, bytes: new Uint8Array(message.data), binary, by, from };
    if (!isStored) {
      this.#events.message(topic, { offset: 0, prev: 0, epoch: "", ...content });
      return;
    }
    const prev = before > 0 ? before : Math.min(this.#timeline.floorOf(topic).seq, seq - 1);
    this.#timeline.saw(topic, seq, stamp);
    this.#order.add(topic, { offset: seq, prev, epoch: this.#timeline.epoch, ...content });
  }

  #told(session: Session, message: Msg): void {
    if (session !== this.#place?.session) return;
    const from = nameOf(headersOf(message.headers).get(FROM) ?? "");
    if (from === undefined || from === "") this.#events?.foreign?.(message.subject);
    else this.#events?.told(new Uint8Array(message.data), from);
  }

  #epoch(session: Session, message: Msg): void {
    if (session !== this.#place?.session) return;
    const seq = Number(headersOf(message.headers).get("Nats-Sequence"));
    if (!(seq > 0) || !this.#timeline.told(message.data, seq)) this.#events?.foreign?.(message.subject);
  }

  async #settled<Value>(ask: (place: Place) => Promise<Value>): Promise<Value> {
    const place = this.#place;
    if (place === undefined) {
      throw new BrokerError("unavailable", this.#isClosed ? "the broker is closed" : "there is no connection to NATS");
    }
    try {
      return await ask(place);
    } catch (error) {
      this.#probe.doubt();
      throw brokerErrorOf(error);
    }
  }

  #reached(topic: string, { offset }: Position): void {
    if (this.#wanted.has(topic)) this.#order.reached(topic, offset);
  }

  #tick(): void {
    const place = this.#place;
    if (place === undefined) return;
    this.#probe.check(place.session);
    place.topics?.letGo(this.#options.positionMs).catch(() => {});
  }

  #tell(state: EngineState, why: string): void {
    this.#state = state === "suspect" ? "up" : state;
    this.#events?.state(state, why);
  }
}

function historyOf({ topics }: Place): Topics {
  if (topics === undefined) throw new BrokerError("unavailable", "without JetStream topics have no history");
  return topics;
}
