import type { GapWord } from "#hawser/hub/recovery/audience.js";
import type { Position, StoredMessage } from "#hawser/hub/brokers/broker.js";
import type { JoinAnswer, Wish } from "#hawser/hub/recovery/joins.js";
import type { Recovery } from "#hawser/hub/recovery/recovery.js";
import { idOf, type Truth } from "./truth.js";

export type Node = Recovery<Session, StoredMessage>;

/** One connection of a client. */
export interface Session {
  readonly client: ModelClient;
  readonly node: Node;
  /** So many frames the connection takes before its backlog is full. */
  room: number;
  isOpen: boolean;
}

/** What a client knows of a topic. */
interface Subscription {
  /** Everything up to here was received, or told to be missing. Undefined until the first answer. */
  position: Position | undefined;
  /** The message at the position, if this client received it. */
  last: string | undefined;
  /** Replayed messages that are still to come; the first of a rewind begins anywhere. */
  replay: { epoch: string; left: number; isRewind: boolean } | undefined;
  /** It was answered on this connection. */
  isJoined: boolean;
  /** How often it was told that messages are missing, or began anew. */
  told: number;
  readonly seen: Set<string>;
}

/** A publish that was acknowledged, and has to be accounted for by this client. */
interface Due {
  readonly topic: string;
  readonly subscription: Subscription;
  readonly id: string;
  readonly told: number;
}

/** A client as docs/wire.md has it: it keeps its positions, resumes from them, and fails when something does not add up. */
export class ModelClient {
  readonly name: string;
  readonly #truth: Truth;
  readonly #topics = new Map<string, Subscription>();
  readonly #due: Due[] = [];
  session: Session | undefined;

  constructor(name: string, truth: Truth) {
    this.name = name;
    this.#truth = truth;
  }

  get topics(): string[] {
    return [...this.#topics.keys()];
  }

  /** Connects, and resumes all topics. */
  connect(node: Node): void {
    if (this.session !== undefined) return;
    this.session = { client: this, node, room: Infinity, isOpen: true };
    for (const [topic, { position }] of this.#topics) this.#join(topic, { position });
  }

  /** The connection is lost. */
  cut(): void {
    const { session } = this;
    if (session === undefined) return;
    this.session = undefined;
    session.isOpen = false;
    for (const [topic, subscription] of this.#topics) {
      subscription.isJoined = false;
      subscription.replay = undefined;
      session.node.leave(topic, session);
    }
  }

  /** Subscribes to a topic, or again from where it is. */
  subscribe(topic: string, last?: number): void {
    if (this.session === undefined) return;
    let subscription = this.#topics.get(topic);
    if (subscription === undefined) {
      subscription = {
        position: undefined,
        last: undefined,
        replay: undefined,
        isJoined: false,
        told: 0,
        seen: new Set(),
      };
      this.#topics.set(topic, subscription);
    }
    subscription.isJoined = false;
    subscription.replay = undefined;
    this.#join(topic, subscription.position === undefined ? { last } : { position: subscription.position });
  }

  /** Subscribes again where the answer was that the engine cannot be asked. */
  resubscribeUnanswered(): void {
    for (const [topic, { isJoined }] of this.#topics) if (!isJoined) this.subscribe(topic);
  }

  unsubscribe(topic: string): void {
    if (!this.#topics.delete(topic) || this.session === undefined) return;
    this.session.node.leave(topic, this.session);
  }

  /** A publish begins: who is subscribed by now has to have it, or to be told. */
  expect(topic: string, id: string): (() => void) | undefined {
    const subscription = this.#topics.get(topic);
    if (subscription?.isJoined !== true) return undefined;
    const { told } = subscription;
    return () => this.#due.push({ topic, subscription, id, told });
  }

  receive(topic: string, { offset, prev, stamp, bytes }: StoredMessage): void {
    const subscription = this.#topics.get(topic);
    if (subscription === undefined) {
      this.#fail(topic, "received a message of a topic that it is not subscribed to");
      return;
    }
    const { position, last, replay, seen } = subscription;
    if (offset === 0) return;
    if (replay !== undefined && --replay.left === 0) subscription.replay = undefined;
    if (replay?.isRewind === true) {
      replay.isRewind = false;
      subscription.position = { epoch: replay.epoch, offset };
    } else {
      if (position === undefined) {
        this.#fail(topic, `received ${offset} before it had a position`);
        return;
      }
      if (offset <= position.offset) this.#fail(topic, `received ${offset} after ${position.offset}`);
      if (prev !== position.offset)
        this.#fail(topic, `received ${offset}, with ${prev} before it, at ${position.offset}`);
      if (last !== undefined && !this.#truth.isNext(stamp, last)) {
        this.#fail(topic, `received ${offset} of another line than the ${position.offset} before it`);
      }
      subscription.position = { epoch: position.epoch, offset };
    }
    if (seen.has(stamp)) this.#fail(topic, `received ${offset} twice`);
    seen.add(stamp);
    subscription.last = stamp;
    seen.add(`id ${idOf(bytes)}`);
  }

  gap(topic: string, position: Position, _word: GapWord): void {
    const subscription = this.#topics.get(topic);
    if (subscription === undefined) {
      this.#fail(topic, "was told of a gap in a topic that it is not subscribed to");
      return;
    }
    const { position: old } = subscription;
    if (old?.epoch === position.epoch && position.offset < old.offset) {
      this.#fail(topic, `a gap leads from ${old.offset} back to ${position.offset} in the same epoch`);
    }
    subscription.told++;
    subscription.replay = undefined;
    this.#adopt(subscription, position);
  }

  sentAfterEnd(): void {
    this.#fail("-", "is sent something after its connection ended");
  }

  /** After the last fault, with time enough: every topic is at its newest position, and everything acknowledged is accounted for. */
  checkEnd(): void {
    for (const [topic, { position, isJoined, last }] of this.#topics) {
      if (this.session !== undefined && !isJoined) this.#fail(topic, "was not answered");
      if (this.session === undefined || position === undefined) continue;
      const { head } = this.#truth.engine.topic(topic);
      if (position.epoch !== head.epoch || position.offset !== head.offset) {
        this.#fail(topic, `is at ${position.offset} in ${position.epoch}, not at ${head.offset} in ${head.epoch}`);
      }
      if (last !== undefined && last !== head.stamp) this.#fail(topic, "has another newest message than the engine");
    }
    for (const { topic, subscription, id, told } of this.#due) {
      const hasLeft = this.#topics.get(topic) !== subscription || this.session === undefined;
      if (hasLeft || subscription.told !== told || this.#truth.isLost(id)) continue;
      if (!subscription.seen.has(`id ${id}`)) this.#fail(topic, `neither has message ${id} nor was told`);
    }
  }

  #join(topic: string, wish: Wish): void {
    const session = this.session!;
    session.node.join(topic, session, wish, (answer) => this.#answered(topic, session, wish, answer));
  }

  #answered(topic: string, session: Session, wish: Wish, answer: JoinAnswer): void {
    const subscription = this.#topics.get(topic);
    if (!session.isOpen || subscription === undefined) {
      this.#fail(topic, "was answered after it had left");
      return;
    }
    if (answer.kind === "unavailable") return;
    subscription.isJoined = true;
    if (answer.kind === "joined without history") return;
    const { position, replay, missed } = answer;
    if (missed || wish.position === undefined) {
      if (missed && replay > 0) this.#fail(topic, "missed messages, and is replayed some all the same");
      subscription.told++;
      if (!missed) subscription.seen.clear();
      if (replay > 0) subscription.replay = { epoch: position.epoch, left: replay, isRewind: true };
      else this.#adopt(subscription, position);
      return;
    }
    // What a client resumes from has no stamp. That the engine has lost it is known to nodes that had it, and there may be none left.
    if (this.#truth.isAmbiguous(wish.position)) {
      subscription.last = undefined;
      subscription.told++;
    }
    if (position.epoch !== wish.position.epoch) this.#fail(topic, "resumed in another epoch");
    if (replay > 0) subscription.replay = { epoch: position.epoch, left: replay, isRewind: false };
    else if (position.offset !== wish.position.offset) this.#fail(topic, "resumed elsewhere, without a word");
  }

  #adopt(subscription: Subscription, { epoch, offset }: Position): void {
    subscription.position = { epoch, offset };
    subscription.last = undefined;
  }

  // Not thrown: it would be in the middle of what is tested.
  #fail(topic: string, what: string): void {
    this.#truth.fail(`client ${this.name}, topic ${topic}: ${what}`);
  }
}
