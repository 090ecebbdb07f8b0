/** The subscriptions of one client that wait for their answers. */
export class JoinsUnderWay {
  readonly #joins = new Map<string, { readonly id: number; readonly waiting: (() => void)[] }>();

  get isEmpty(): boolean {
    return this.#joins.size === 0;
  }

  /** @param id of the request */
  begin(topic: string, id: number): void {
    this.#joins.set(topic, { id, waiting: [] });
  }

  /** The request that is to be answered; undefined when none waits. */
  idOf(topic: string): number | undefined {
    return this.#joins.get(topic)?.id;
  }

  /** It is answered, or nobody waits for it any longer. */
  end(topic: string): void {
    const join = this.#joins.get(topic);
    this.#joins.delete(topic);
    for (const go of join?.waiting ?? []) go();
  }

  endAll(): void {
    for (const topic of this.#joins.keys()) this.end(topic);
  }

  /** What a client publishes right behind its subscription is to reach itself as well. @returns a promise while that has to wait */
  after(topic: string, next: () => unknown): unknown {
    const join = this.#joins.get(topic);
    if (join === undefined) return next();
    return new Promise<void>((go) => join.waiting.push(go)).then(next);
  }
}
