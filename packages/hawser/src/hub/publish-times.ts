import type { DurationCounter } from "../server/base/durations.js";
import type { StoredMessage } from "./brokers/broker.js";

/** Publishes that are timed in a stretch of time: all of them up to two thousand a second, and a sample in a flood. */
const STRETCH_MS = 50;
const TIMED = 100;
/** A message that has not come after so long is counted with what it took so far, and the next one is waited for. */
const LONGEST_MS = 60_000;

/** A message of this node's that has not come back yet. */
interface Awaited {
  readonly topic: string;
  readonly offset: number;
  readonly begunAt: number;
}

/** How long the engine takes to answer a publish, and how long the message takes to come back for this node's own subscribers. */
export class PublishTimes {
  readonly #times: DurationCounter;
  readonly #lags: DurationCounter;
  readonly #read: () => number;
  #since = -Infinity;
  #left = 0;
  #awaited: Awaited | null = null;

  /** @param read a clock in milliseconds with fractions, which is never 0 */
  constructor(times: DurationCounter, lags: DurationCounter, read: () => number = () => performance.now()) {
    this.#times = times;
    this.#lags = lags;
    this.#read = read;
  }

  /** @returns when it begins; 0: it is not timed */
  begin(): number {
    const now = this.#read();
    if (now - this.#since >= STRETCH_MS) {
      this.#since = now;
      this.#left = TIMED;
    }
    if (this.#left === 0) return 0;
    this.#left--;
    return now;
  }

  /**
   * The engine has answered.
   * @param offset of the message
   * @param top where the topic's subscribers are on this node; undefined where there are none, or it has no offsets
   */
  answered(begunAt: number, topic: string, offset: number, top: number | undefined): void {
    if (begunAt === 0) return;
    const now = this.#read();
    const took = now - begunAt;
    this.#times.add(took);
    if (top === undefined || offset === 0) return;
    if (offset <= top) this.#lags.add(took);
    else {
      if (this.#awaited !== null && now - this.#awaited.begunAt > LONGEST_MS) this.#end(this.#awaited);
      this.#awaited ??= { topic, offset, begunAt };
    }
  }

  /** Whether `came` has to be called. */
  get isWaiting(): boolean {
    return this.#awaited !== null;
  }

  /** A message has come, live or read. */
  came(topic: string, { offset }: StoredMessage): void {
    const awaited = this.#awaited;
    if (awaited !== null && topic === awaited.topic && offset >= awaited.offset) this.#end(awaited);
  }

  #end({ begunAt }: Awaited): void {
    this.#lags.add(this.#read() - begunAt);
    this.#awaited = null;
  }
}
