/** Looks that come sooner than this see the rate that the one before has seen: a rate of a few milliseconds says nothing. */
const SHORTEST_MS = 1000;

/** What goes through a topic on this node: integers, and a rate that is made of them when somebody looks. */
export class Activity {
  /** Messages that came from the engine, live or read. */
  messages = 0;
  /** Messages that clients were handed, one for each client, replays included. */
  deliveries = 0;
  #messagesThen = 0;
  #then: number;
  #perSecond = 0;

  /** @param now in milliseconds: a rate is one from here on */
  constructor(now: number) {
    this.#then = now;
  }

  /** Messages a second, since the last look or for the last second at least. */
  perSecond(now: number): number {
    const passed = now - this.#then;
    if (passed >= SHORTEST_MS) {
      this.#perSecond = ((this.messages - this.#messagesThen) * 1000) / passed;
      this.#messagesThen = this.messages;
      this.#then = now;
    }
    return this.#perSecond;
  }
}
