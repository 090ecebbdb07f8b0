import type { ContractDefinition } from "@hawser/wire";
import type { Payload } from "@hawser/wire/server";
import type { Disconnect } from "../server/api/causes.js";
import type { Client } from "../server/api/client.js";
import type { Logger } from "../server/api/logger.js";
import { withoutContext } from "../server/base/async-context.js";
import { DeadlineWheel } from "../server/base/deadlines.js";
import { UsageError } from "../server/base/usage-error.js";
import { portOf } from "../server/session/client-port.js";
import { defaultLogger } from "../server/watching/default-logger.js";
import { guardedLog } from "../server/watching/guarded-log.js";
import { SampledLog } from "../server/watching/sampled-log.js";
import type { Broker, Position, Published } from "./brokers/broker.js";
import { outsideOfContexts } from "./broker-outside.js";
import { MemoryEngine } from "./brokers/memory-engine.js";
import { MemoryBroker } from "./brokers/memory.js";
import type { Revocation } from "./control.js";
import { ControlChannel, type ControlFault } from "./control-channel.js";
import { ControlSeal } from "./control-seal.js";
import { type AfterWish, type Page, type PageWish, readAfter, readPage } from "./history.js";
import type { HubContext, PublishDetails } from "./hub-context.js";
import { EngineStatus } from "./engine-status.js";
import { HubError } from "./hub-error.js";
import { throwInHubWords, translated } from "./in-hub-words.js";
import { type HubOptions, resolveHubOptions } from "./hub-options.js";
import { type HubCounts, type HubStats, noCounts, publishFaultOf } from "./hub-stats.js";
import { type HubState, Listeners } from "./listeners.js";
import { lentBytes, ownBytes } from "./payload.js";
import { allows } from "./permissions.js";
import { PlainClients } from "./plain-clients.js";
import { PublishTimes } from "./publish-times.js";
import { Presence } from "./presence/presence.js";
import { Recovery, type RecoveryPort } from "./recovery/recovery.js";
import { callsOf } from "./session/given-calls.js";
import { HubSession } from "./session/hub-session.js";
import { type Verdict, verdictOf } from "./session/verdict.js";
import { PlainSubscriber, type Subscriber } from "./subscriber.js";
import { TopicFrame } from "./topic-frame.js";
import { statsOf } from "./stats-of.js";
import { type KnownTopic, messageFault, TopicRules } from "./topic-rules.js";

/** Options whatever their types. */
export type AnyOptions = HubOptions<ContractDefinition, never>;

/** Clients are never told to stay away for longer after a shutdown, and by chance always for a part of this. */
const MOST_WAIT_MS = 60_000;
const LEAST_WAIT_MS = 1000;

const NOBODY: Verdict = { isGood: true, user: undefined, ttlMs: undefined };

/** The hub of this process, without the types that flow from a contract: its parts, put together, and the clients that are here. */
export class HubNode {
  readonly context: HubContext;
  readonly broker: Broker;
  readonly listeners: Listeners;
  readonly counts: HubCounts = noCounts();
  readonly sessions: Map<string, HubSession> = new Map();
  readonly ready: Promise<void>;
  readonly #plain: PlainClients;
  readonly #engine: EngineStatus;
  readonly #control: ControlChannel;
  readonly #times = new PublishTimes(this.counts.publishTimes, this.counts.deliveryLags);
  readonly #options: AnyOptions;
  readonly #log: Logger;
  /** What clients can provoke must not fill the disk. */
  readonly #sampledLog: SampledLog;
  /** The gap that was told last: all clients of a topic are told the same one. */
  #lastGap: { readonly topic: string; readonly position: Position } | undefined;
  #drainSpreadMs = 0;
  #end: Promise<void> | undefined;

  constructor(options: AnyOptions) {
    const resolved = resolveHubOptions(options);
    const clock = withoutContext(resolved.clock);
    const wheel = new DeadlineWheel(clock);
    this.#options = options;
    this.#engine = new EngineStatus(() => clock.now());
    this.#log = guardedLog(options.logger ?? defaultLogger("info"));
    this.#sampledLog = new SampledLog(this.#log, clock);
    this.listeners = new Listeners((error) => this.onError("a listener", undefined, error));
    const bytes = resolved.limits.historyBytes;
    this.broker = outsideOfContexts(options.broker ?? new MemoryBroker(new MemoryEngine(clock, { bytes })));
    const rules = new TopicRules(options.contract, options.defaultTopic ?? {}, this.broker.has.history);
    rules.sayWhatIsNotKept(this.#log);
    const recovery = new Recovery<Subscriber, TopicFrame>(this.broker, wheel, this.#recoveryPort(rules), { bytes });
    const presence = new Presence(
      {
        store: this.broker.has.presence ? this.broker.presence : undefined,
        wheel,
        tell: (topics) => this.#tellChanged(topics),
        onError: (error) => this.onError("presence", undefined, error),
      },
      resolved,
    );
    const { clusterSecret, dangerouslyTrustCluster } = options;
    this.#control = new ControlChannel({
      broker: this.broker,
      node: presence.node,
      seal: clusterSecret === undefined ? undefined : new ControlSeal(clusterSecret, Date.now),
      isTrusted: this.broker.has.trusted === true || dangerouslyTrustCluster !== undefined,
      revoke: (whom) => this.#revoke(whom),
      changedElsewhere: (topics) => presence.changedElsewhere(topics),
      refused: (why, from) => this.#controlRefused(why, from),
    });
    this.context = {
      options: resolved,
      wheel,
      rules,
      recovery,
      presence,
      authenticate: options.authenticate,
      calls: callsOf(options),
      counts: this.counts,
      allows: (action, user, { topic }) => allows(options, action, user, topic),
      detailsOf: (user, known) => this.#detailsOf(user, known),
      publish: (topic, known, payload, details) => this.#publish(topic, known, payload, details),
      page: (topic, wish) => readPage(this.broker, topic, wish),
      drainWait: () => this.#drainWait(),
      onError: (what, client, error) => this.onError(what, client, error),
    };
    this.#plain = new PlainClients({
      wheel,
      graceMs: resolved.tokenGraceMs,
      identify: (client) => this.#identify(client),
      leave: (subscriber, topic) => this.#leave(subscriber, topic, false),
    });
    this.ready = this.broker.start(recovery.events);
    this.ready.then(
      () => {
        // Where there is nothing to be lost a broker says nothing; one that has started may still be looking for its engine.
        if (this.#engine.isUnknown) this.#setState("up", "started");
      },
      (error) => {
        this.onError("the broker", undefined, error);
        this.#setState("degraded", "the engine could not be reached");
      },
    );
  }

  get state(): HubState {
    return this.#engine.state;
  }

  get stats(): HubStats {
    return statsOf(this.context, this.#engine, this.sessions.size);
  }

  // What servers tell of their clients.

  opened(client: Client): void {
    const port = portOf(client);
    const verdict = this.#identify(client);
    const session = new HubSession(client, port, verdict.isGood ? verdict.user : undefined, this.context);
    port.attached = session;
    this.sessions.set(client.id, session);
  }

  /** A client of no hub. Who it is by its handshake, where that is known, holds here as well: until when, and for who revokes. */
  openedPlain(client: Client): void {
    if (this.#options.identify !== undefined) this.#plain.subscriberOf(client);
  }

  /** The session of a client of `hawser.v1`. */
  sessionOf(client: Client): HubSession | undefined {
    const { attached } = portOf(client);
    return attached instanceof HubSession ? attached : undefined;
  }

  drained(client: Client): void {
    const { attached } = portOf(client);
    if (attached === null) return;
    this.context.recovery.drained(attached as Subscriber);
    if (attached instanceof HubSession) this.context.presence.drained(attached);
  }

  closed(client: Client, { wasClean }: Disconnect): void {
    const subscriber = portOf(client).attached as Subscriber | null;
    if (subscriber === null) return;
    for (const topic of subscriber.topics) this.#leave(subscriber, topic, !wasClean);
    subscriber.removeAllTopics();
    subscriber.onClosed();
    if (subscriber instanceof HubSession) this.sessions.delete(client.id);
    else if (subscriber instanceof PlainSubscriber) this.#plain.closed(subscriber);
  }

  // What the application asks for.

  /** Publishes what the contract allows. @throws HubError */
  async publish(topic: string, payload: Payload, details: Omit<PublishDetails, "binary">): Promise<Published> {
    const known = this.context.rules.get(topic);
    const fault = messageFault(known.definition, payload);
    if (fault !== undefined) throw new HubError(fault.code, fault.sentence);
    const content = payload.binary ? payload.bytes : payload.json;
    try {
      return await this.#publish(topic, known, content, { binary: payload.binary, ...details });
    } catch (error) {
      return throwInHubWords(error);
    }
  }

  /** @throws HubError */
  async history(topic: string, wish: PageWish): Promise<Page> {
    this.#checkHistory(topic);
    return translated(readPage(this.broker, topic, wish));
  }

  /** @throws HubError */
  async historyAfter(topic: string, wish: AfterWish): Promise<Page> {
    this.#checkHistory(topic);
    return translated(readAfter(this.broker, topic, wish));
  }

  async members(topic: string, most: number): Promise<ReadonlyMap<string, string | undefined>> {
    this.context.rules.get(topic);
    return translated(this.context.presence.members(topic, most));
  }

  async count(topic: string): Promise<number> {
    this.context.rules.get(topic);
    return translated(this.context.presence.count(topic));
  }

  async revoke(whom: Revocation): Promise<void> {
    if (Object.values(whom).every((part) => part === undefined)) {
      throw new UsageError("revoke takes a user, a client or a topic");
    }
    // Here it holds even where the others cannot be told.
    this.#revoke(whom);
    await translated(this.#control.tell({ revoke: whom, node: this.context.presence.node }));
  }

  /** Puts a plain client into a topic. */
  join(client: Client, topic: string, last: number | undefined): Promise<void> {
    const known = this.context.rules.get(topic);
    const { recovery, presence } = this.context;
    const subscriber = this.#plain.subscriberOf(client);
    if (subscriber.topics.has(topic) || !client.isOpen) return Promise.resolve();
    subscriber.addTopic(topic);
    return new Promise((resolve, reject) => {
      recovery.join(topic, subscriber, { last }, (answer) => {
        if (answer.kind === "unavailable") {
          this.leave(client, topic);
          reject(new HubError("unavailable", `the topic ${topic} cannot be had at the moment`));
          return;
        }
        presence.enter(subscriber, topic, known, this.#detailsOf(subscriber.user, known));
        resolve();
      });
    });
  }

  leave(client: Client, topic: string): void {
    const subscriber = portOf(client).attached;
    if (!(subscriber instanceof PlainSubscriber)) return;
    subscriber.removeTopic(topic);
    this.#leave(subscriber, topic, false);
  }

  close(): Promise<void> {
    return (this.#end ??= this.#close());
  }

  onError(what: string, id: string | undefined, err: unknown, text: string = `the hub: ${what} failed`): void {
    const fields = { event: "hub-error", what, id: id ?? null, err };
    this.#sampledLog.error(`hub-error ${what}`, fields, text);
  }

  async #close(): Promise<void> {
    const { recovery, presence, wheel } = this.context;
    recovery.stop();
    await presence.stop();
    wheel.stop();
    this.#sampledLog.end();
    await this.broker.close();
  }

  #recoveryPort(rules: TopicRules): RecoveryPort<Subscriber, TopicFrame> {
    return {
      deliver(frame, clients) {
        const full: Subscriber[] = [];
        for (const client of clients) if (!client.offer(frame)) full.push(client);
        return full;
      },
      send: (client, frame) => client.offer(frame),
      gap: (client, topic, position, word) => {
        const isTold = client.offerGap(topic, position, word);
        if (isTold && (this.#lastGap?.topic !== topic || this.#lastGap.position !== position)) {
          this.#lastGap = { topic, position };
          this.listeners.tell("gap", topic, word, { epoch: position.epoch, offset: position.offset });
        }
        return isTold;
      },
      frame: (topic, message) => {
        if (this.#times.isWaiting) this.#times.came(topic, message);
        return new TopicFrame(topic, message);
      },
      rule: (topic) => rules.find(topic)?.definition.history,
      told: (bytes, from) => this.#control.told(bytes, from),
      foreign: (where) => {
        this.counts.foreign++;
        const text = `the hub passes over ${where}: no node of this version wrote that`;
        this.onError("what no node wrote", undefined, new Error(where), text);
      },
      state: (state, why) => this.#setState(state === "down" ? "degraded" : "up", why),
    };
  }

  #checkHistory(topic: string): void {
    const { definition } = this.context.rules.get(topic);
    if (definition.history === undefined) throw new HubError("unsupported", `the topic ${topic} has no history`);
  }

  #leave(subscriber: Subscriber, topic: string, isLost: boolean): void {
    this.context.recovery.leave(topic, subscriber);
    this.context.presence.leave(subscriber, topic, isLost);
  }

  /** Who a client is by its handshake. */
  #identify(client: Client): Verdict {
    const user: unknown = this.#options.identify?.(client as Client<never>);
    return user === undefined ? NOBODY : verdictOf(user, Date.now());
  }

  async #publish(
    topic: string,
    { definition }: KnownTopic,
    payload: string | Uint8Array,
    { binary, key, by, from }: PublishDetails,
  ): Promise<Published> {
    const { size = 0, ttlMs = 0 } = definition.history ?? {};
    const { recovery } = this.context;
    const begunAt = this.#times.begin();
    try {
      const bytes = this.broker.has.copies === true ? lentBytes(payload) : ownBytes(payload);
      const published = await this.broker.publish(topic, bytes, { binary, size, ttlMs, key, by, from });
      this.#times.answered(begunAt, topic, published.offset, recovery.topics.get(topic)?.position?.offset);
      if (!published.duplicate) {
        this.counts.published++;
        recovery.acknowledged(topic, published);
      }
      return published;
    } catch (error) {
      this.counts.publishFailures[publishFaultOf(error)]++;
      throw error;
    }
  }

  #detailsOf(user: unknown, { topic }: KnownTopic): string | undefined {
    // It is asked for in the middle of a topic's work, which must not fail with it.
    try {
      const details: unknown = this.#options.member?.(user as never, topic);
      return details === undefined ? undefined : JSON.stringify(details);
    } catch (error) {
      this.onError("member", undefined, error);
      return undefined;
    }
  }

  #revoke({ user, client, topic }: Revocation): void {
    const sessions = client === undefined ? this.sessions.values() : [this.sessions.get(client)];
    for (const session of sessions) {
      if (session !== undefined && (user === undefined || session.isOf(user))) session.revoke(topic);
    }
    this.#plain.revoke(user, client, topic);
  }

  #tellChanged(presence: readonly string[]): void {
    this.#control
      .tell({ presence, node: this.context.presence.node })
      .catch((error) => this.onError("telling other nodes", undefined, error));
  }

  #controlRefused(why: ControlFault, from: string): void {
    this.counts.controlRefused++;
    const fields = { event: "hub-control-refused", why, from };
    this.#sampledLog.warn("hub-control-refused", fields, "a control message was not obeyed: it may be nobody's here");
  }

  #setState(state: HubState, why: string): void {
    if (!this.#engine.set(state, why)) return;
    const fields = { event: "hub-state", state, why };
    if (state === "up") this.#log.info(fields, "the hub's engine can be reached again");
    else this.#log.error(fields, "the hub's engine cannot be reached");
    this.listeners.tell("state", state, why);
  }

  // All that are here come back at a rate that the others can take.
  #drainWait(): number {
    if (this.#drainSpreadMs === 0) {
      const spread = (this.sessions.size / this.context.options.returnsPerSecond) * 1000;
      this.#drainSpreadMs = Math.min(MOST_WAIT_MS, Math.max(LEAST_WAIT_MS, spread));
    }
    return Math.round(Math.random() * this.#drainSpreadMs);
  }
}
