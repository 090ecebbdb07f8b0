import { type Request, writeMembers, writeOk } from "@hawser/wire/server";
import type { DeadlineWheel, Timed } from "../../server/base/deadlines.js";
import { freshId } from "../../server/base/fresh-id.js";
import type { PresenceEntry, PresenceStore } from "../brokers/broker.js";
import type { Requester } from "../session/requester.js";
import type { KnownTopic } from "../topic-rules.js";
import { namesOf, PresenceTopic, type Watcher } from "./presence-topic.js";

/** For so long a node's members are there when it says nothing, and how often it says something. */
const LEASE_MS = 15_000;
const RENEW_MS = 5_000;
/** Changes are collected for so long. */
const COLLECT_MS = 1_000;

/** Who asks who is there. */
export interface Asking extends Requester, Watcher {}

/** Somebody who is there. */
interface Connection {
  readonly key: string;
}

export interface PresenceSettings {
  readonly presenceGraceMs: number;
  readonly presenceNames: number;
}

export interface PresencePort {
  readonly store: PresenceStore | undefined;
  readonly wheel: DeadlineWheel;
  /** Tells other nodes in which topics something has changed. */
  tell(topics: readonly string[]): void;
  onError(error: unknown): void;
}

/**
 * Who is in which topic. What is true stands with the engine: this node writes its own members there, renews one lease for all of them, and reads
 * a topic again when something in it has changed and somebody watches.
 */
export class Presence implements Timed {
  readonly node: string = freshId();
  readonly #port: PresencePort;
  readonly #settings: PresenceSettings;
  readonly #topics = new Map<string, PresenceTopic>();
  readonly #watched = new Map<object, Set<PresenceTopic>>();
  /** Connections that were lost, by when their grace is over. */
  readonly #leaving: { readonly at: number; readonly topic: PresenceTopic; readonly key: string }[] = [];
  /** Topics with changes that other nodes have not been told of, and when they are to be. */
  readonly #changed = new Set<string>();
  #tellOthersAt = Infinity;
  /** Keys that the engine could not be told of: `put` or `remove` is tried again. */
  readonly #unsaid = new Map<string, { readonly topic: PresenceTopic; readonly key: string }>();
  #renewAt = Infinity;
  #isStopped = false;
  #localMembers = 0;
  readonly #reading = new Map<PresenceTopic, Promise<void>>();
  /** Topics whose watchers are to be told something. */
  readonly #due = new Set<PresenceTopic>();
  wheelAt = 0;
  wheelPrevious: Timed | null = null;
  wheelNext: Timed | null = null;

  constructor(port: PresencePort, settings: PresenceSettings) {
    this.#port = port;
    this.#settings = settings;
  }

  /** Members that are here, by this node: a key in two topics counts twice. */
  get localMembers(): number {
    return this.#localMembers;
  }

  /** Those of one topic; undefined where it is not kept who is there. */
  localMembersOf(name: string, known: KnownTopic | undefined): number | undefined {
    if (known === undefined || !isOn(known) || this.#port.store === undefined) return undefined;
    return this.#topics.get(name)?.local.size ?? 0;
  }

  /** Somebody has joined a topic. */
  enter(connection: Connection, name: string, known: KnownTopic, details: string | undefined): void {
    if (!isOn(known) || this.#port.store === undefined) return;
    const { key } = connection;
    const topic = this.#topic(name, known);
    const before = topic.local.size;
    if (topic.enter(key, connection, details)) this.#say(topic, key);
    this.#localMembers += topic.local.size - before;
  }

  /** Somebody has left a topic, or is lost with its connection. Its watch ends. */
  leave(connection: Connection & object, name: string, isLost: boolean): void {
    const topic = this.#topics.get(name);
    if (topic === undefined) return;
    this.#unwatch(connection, topic);
    const { key } = connection;
    const hasGrace = isLost && this.#settings.presenceGraceMs > 0;
    const { wasHere, isGone } = topic.leave(key, connection, hasGrace);
    if (isGone) this.#gone(topic, key);
    else if (wasHere && hasGrace) {
      const at = this.#now + this.#settings.presenceGraceMs;
      this.#leaving.push({ at, topic, key });
      this.#wake(at);
    }
    this.#forgetIfEmpty(topic);
  }

  /** Somebody is gone who may have watched topics without being in them. */
  forget(watcher: object): void {
    for (const topic of this.#watched.get(watcher) ?? []) {
      this.#unwatch(watcher, topic);
      this.#forgetIfEmpty(topic);
    }
  }

  drained(watcher: Watcher): void {
    for (const topic of this.#watched.get(watcher) ?? []) topic.drained(watcher);
  }

  /** `who` and `count`. */
  ask(asking: Asking, request: Extract<Request, { verb: "who" | "count" }>, known: KnownTopic): void {
    const { id, verb, watch } = request;
    const { store } = this.#port;
    if (!isOn(known) || store === undefined) {
      return asking.refuse(id, "unsupported", "who is in this topic is not kept");
    }
    const topic = this.#topic(request.topic, known);
    const answer = (): void => {
      const most = verb === "who" ? (request.max ?? Infinity) : 0;
      asking.answer(id, verb === "who" ? writeMembers(id, topic.answer(most)) : writeOk(id, { n: topic.count }));
    };
    if (watch === true) {
      topic.watch(asking, verb === "who");
      this.#watched.set(asking, (this.#watched.get(asking) ?? new Set()).add(topic));
      this.#lookAgain(topic);
    } else if (watch === false) this.#unwatch(asking, topic);
    if (topic.isKnown && topic.isWatched) return answer();
    if (!asking.mayBegin(id)) return;
    asking.begin(id);
    this.#read(topic)
      .finally(() => asking.ended())
      .then(answer, (error) => asking.fail(id, "presence", error))
      .finally(() => this.#forgetIfEmpty(topic));
  }

  /** Members by key, at most so many. */
  async members(name: string, limit: number): Promise<ReadonlyMap<string, string | undefined>> {
    const entries = (await this.#port.store?.list(name, limit)) ?? [];
    return namesOf(entries);
  }

  /** Each key once; of more than are told by name, those on several nodes more than once. */
  async count(name: string): Promise<number> {
    const { store } = this.#port;
    if (store === undefined) return 0;
    const entries = await store.list(name, this.#settings.presenceNames + 1);
    return entries.length > this.#settings.presenceNames ? store.count(name) : namesOf(entries).size;
  }

  /** Another node has said that something changed. */
  changedElsewhere(names: readonly string[]): void {
    for (const name of names) {
      const topic = this.#topics.get(name);
      if (topic !== undefined) this.#tellLater(topic, Math.max(this.#now, topic.toldAt + COLLECT_MS));
    }
  }

  /** The members of this node have their grace to be back on another one. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#port.wheel.remove(this);
    if (this.#renewAt === Infinity) return;
    try {
      await this.#port.store?.lease(this.node, this.#settings.presenceGraceMs);
    } catch {
      // Then it ends by itself.
    }
  }

  checkDeadlines(now: number): number {
    const staying = this.#leaving.findIndex(({ at }) => at > now);
    // At once: thousands may be lost together, and to take the first out of so many costs as much as to move all others.
    for (const { topic, key } of this.#leaving.splice(0, staying < 0 ? Infinity : staying)) {
      if (topic.release(key)) this.#gone(topic, key);
      this.#forgetIfEmpty(topic);
    }
    if (now >= this.#renewAt) this.#renew(now);
    if (now >= this.#tellOthersAt) {
      this.#tellOthersAt = Infinity;
      this.#port.tell([...this.#changed]);
      this.#changed.clear();
    }
    let next = Math.min(this.#leaving[0]?.at ?? Infinity, this.#renewAt, this.#tellOthersAt);
    for (const topic of this.#due) {
      if (now >= topic.tellAt) this.#tellWatchers(topic, now);
      else next = Math.min(next, topic.tellAt);
    }
    return next;
  }

  get #now(): number {
    return this.#port.wheel.time.now;
  }

  #topic(name: string, { definition }: KnownTopic): PresenceTopic {
    let topic = this.#topics.get(name);
    if (topic === undefined) {
      topic = new PresenceTopic(name, this.#settings.presenceNames, definition.presence === "count");
      this.#topics.set(name, topic);
    }
    return topic;
  }

  #forgetIfEmpty(topic: PresenceTopic): void {
    if (!topic.isEmpty || this.#topics.get(topic.name) !== topic) return;
    this.#topics.delete(topic.name);
    this.#due.delete(topic);
  }

  #unwatch(watcher: object, topic: PresenceTopic): void {
    const topics = this.#watched.get(watcher);
    if (topics?.delete(topic) !== true) return;
    if (topics.size === 0) this.#watched.delete(watcher);
    topic.unwatch(watcher as Watcher);
  }

  /** A key has left a topic. */
  #gone(topic: PresenceTopic, key: string): void {
    this.#localMembers--;
    this.#say(topic, key);
  }

  /** Has the engine know whether a key is here, and everybody who watches. */
  #say(topic: PresenceTopic, key: string): void {
    const store = this.#port.store!;
    const member = topic.local.get(key);
    // Before the first member: what a lease ends is gone.
    if (this.#renewAt === Infinity) this.#renew(this.#now);
    const entry = { node: this.node, key, info: member?.details };
    const said = member === undefined ? store.remove(topic.name, this.node, key) : store.put(topic.name, entry);
    said.catch(() => {
      this.#unsaid.set(`${key} ${topic.name}`, { topic, key });
    });
    this.#changed.add(topic.name);
    if (this.#tellOthersAt === Infinity) {
      this.#tellOthersAt = this.#now + COLLECT_MS;
      this.#wake(this.#tellOthersAt);
    }
    this.#tellLater(topic, this.#now + COLLECT_MS);
  }

  #renew(now: number): void {
    const isFirst = this.#renewAt === Infinity;
    const hasMembers = [...this.#topics.values()].some(({ local }) => local.size > 0);
    this.#renewAt = isFirst || hasMembers || this.#leaving.length > 0 ? now + RENEW_MS : Infinity;
    this.#wake(this.#renewAt);
    this.#port.store!.lease(this.node, this.#renewAt === Infinity ? 0 : LEASE_MS).then(
      (wasHeld) => {
        if (isFirst || this.#isStopped) return;
        for (const { topic, key } of wasHeld ? this.#unsaid.values() : this.#all()) this.#say(topic, key);
        this.#unsaid.clear();
      },
      (error) => this.#port.onError(error),
    );
  }

  *#all(): Iterable<{ topic: PresenceTopic; key: string }> {
    for (const topic of this.#topics.values()) for (const key of topic.local.keys()) yield { topic, key };
  }

  #tellLater(topic: PresenceTopic, at: number): void {
    if (!topic.isWatched || topic.tellAt <= at) return;
    topic.tellAt = at;
    this.#due.add(topic);
    this.#wake(at);
  }

  #tellWatchers(topic: PresenceTopic, now: number): void {
    topic.tellAt = Infinity;
    topic.toldAt = now;
    this.#due.delete(topic);
    this.#read(topic).catch((error) => this.#port.onError(error));
    this.#lookAgain(topic);
  }

  /** The members of a node that is gone leave without a word. */
  #lookAgain(topic: PresenceTopic): void {
    this.#tellLater(topic, this.#now + LEASE_MS);
  }

  /** Reads who is there. Those who ask at the same time share one read. */
  #read(topic: PresenceTopic): Promise<void> {
    let reading = this.#reading.get(topic);
    if (reading === undefined) {
      reading = this.#readNow(topic).finally(() => this.#reading.delete(topic));
      this.#reading.set(topic, reading);
    }
    return reading;
  }

  async #readNow(topic: PresenceTopic): Promise<void> {
    const store = this.#port.store!;
    const most = this.#settings.presenceNames;
    const entries: readonly PresenceEntry[] = await store.list(topic.name, most + 1);
    const isLarge = entries.length > most;
    const count = isLarge ? await store.count(topic.name) : undefined;
    if (!this.#isStopped) topic.update(entries, count);
  }

  #wake(at: number): void {
    if (!this.#isStopped) this.#port.wheel.schedule(this, at);
  }
}

function isOn({ definition }: KnownTopic): boolean {
  return definition.presence === true || definition.presence === "count";
}
