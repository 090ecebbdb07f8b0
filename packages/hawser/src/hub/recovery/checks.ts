import type { Position } from "../brokers/broker.js";

/** A topic without traffic asks for its position after so long, give or take a fifth. */
export const QUIET_MS = 30_000;
/** How soon it does so after a check without an answer, at most. */
const AGAIN_MS = 5_000;

/** When a topic that hears nothing asks whether there is nothing, and whether an answer is still of use. */
export class Checks {
  readonly #random: () => number;
  #at = Infinity;
  #quietMs = QUIET_MS;
  #number = 0;
  #isAsked = false;
  #top = 0;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** When the next one is due; Infinity while one has no answer yet. */
  get at(): number {
    return this.#isAsked ? Infinity : this.#at;
  }

  get isAsked(): boolean {
    return this.#isAsked;
  }

  /** A message came: there is no need to ask for a while. */
  postpone(now: number): void {
    this.#at = now + this.#quietMs;
  }

  /** The position was confirmed. All topics of a node began at once, perhaps; they shall not ask at once. */
  confirmed(now: number): void {
    this.#quietMs = QUIET_MS * (0.8 + 0.4 * this.#random());
    this.postpone(now);
  }

  /** Asks within so long, whatever was asked before. */
  within(ms: number, now: number): void {
    this.#at = now + ms * this.#random();
  }

  soon(now: number): void {
    this.within(AGAIN_MS, now);
  }

  /** An answer that is under way is of no use any longer. */
  forget(): void {
    this.#isAsked = false;
  }

  /** One is asked for. @returns its number */
  ask(top: number): number {
    this.#isAsked = true;
    this.#top = top;
    return ++this.#number;
  }

  /** @returns whether this is the answer that is waited for */
  answered(number: number): boolean {
    const isIt = this.#isAsked && number === this.#number;
    if (isIt) this.#isAsked = false;
    return isIt;
  }

  /** Whether the engine was behind where this node was when it asked: then it went back. */
  showsLoss({ offset }: Position): boolean {
    return offset < this.#top;
  }
}
