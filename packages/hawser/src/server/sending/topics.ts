/** Who is subscribed to what. A topic exists as long as somebody is. */
export class Topics<Subscriber extends object> {
  readonly #subscribers = new Map<string, Set<Subscriber>>();

  add(topic: string, subscriber: Subscriber): void {
    const set = this.#subscribers.get(topic);
    if (set === undefined) this.#subscribers.set(topic, new Set([subscriber]));
    else set.add(subscriber);
  }

  remove(topic: string, subscriber: Subscriber): void {
    const set = this.#subscribers.get(topic);
    if (set?.delete(subscriber) && set.size === 0) this.#subscribers.delete(topic);
  }

  /** Empty for a topic that nobody is subscribed to. */
  subscribersOf(topic: string): ReadonlySet<Subscriber> {
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
}

const NOBODY: ReadonlySet<never> = new Set<never>();
