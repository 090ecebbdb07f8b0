/** Somebody who can be subscribed to topics. */
export interface Subscriber {
  /** To which: kept by `Topics`, and nobody else writes it. Null: to none so far. */
  subscriptions: Set<string> | null;
}

/** Who is subscribed to what, both ways. A topic exists as long as somebody is. */
export class Topics<Member extends Subscriber> {
  readonly #subscribers = new Map<string, Set<Member>>();

  subscribe(subscriber: Member, topic: string): void {
    (subscriber.subscriptions ??= new Set()).add(topic);
    const set = this.#subscribers.get(topic);
    if (set === undefined) this.#subscribers.set(topic, new Set([subscriber]));
    else set.add(subscriber);
  }

  unsubscribe(subscriber: Member, topic: string): void {
    if (subscriber.subscriptions?.delete(topic)) this.#remove(topic, subscriber);
  }

  /** It is gone. */
  leaveAll(subscriber: Member): void {
    for (const topic of topicsOf(subscriber)) this.#remove(topic, subscriber);
    subscriber.subscriptions = null;
  }

  /** Empty for a topic that nobody is subscribed to. */
  subscribersOf(topic: string): ReadonlySet<Member> {
    return this.#subscribers.get(topic) ?? NOBODY;
  }

  /** How many topics there are. */
  get size(): number {
    return this.#subscribers.size;
  }

  /** Each topic and how many are subscribed. */
  sizes(): Map<string, number> {
    return new Map([...this.#subscribers].map(([topic, set]) => [topic, set.size]));
  }

  #remove(topic: string, subscriber: Member): void {
    const set = this.#subscribers.get(topic);
    if (set?.delete(subscriber) && set.size === 0) this.#subscribers.delete(topic);
  }
}

/** The topics that somebody is subscribed to. */
export function topicsOf({ subscriptions }: Subscriber): ReadonlySet<string> {
  return subscriptions ?? NO_TOPICS;
}

const NOBODY: ReadonlySet<never> = new Set<never>();
const NO_TOPICS: ReadonlySet<string> = new Set<string>();
