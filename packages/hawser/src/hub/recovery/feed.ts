import type { Activity } from "./activity.js";
import { Audience, type Chain, type GapWord } from "./audience.js";
import type { History, Position, StoredMessage } from "../brokers/broker.js";
import type { Held, HeldMessage } from "./held.js";
import { Ring, type RingRule } from "./ring.js";
import type { TopicPort } from "./topic-port.js";

/** An epoch that was left is not entered again, though the engine may come back from a backup with it. */
const FORMER_EPOCHS = 8;

/** So many acknowledged messages are waited for; past that, the newest one stands for those before it. */
const MOST_OWED = 1000;

/** A message that the engine has acknowledged to this node, and that has not come. */
interface Owed {
  readonly offset: number;
  /** Reads that had begun when it was acknowledged: a later one has to know of it. */
  readonly begun: number;
}

/** How a message stands to the position. `unknown`: of another epoch, or too old to say whether it was here before. */
export type Kind = "next" | "hole" | "duplicate" | "contradiction" | "unknown";

/** The position of a topic on this node, the messages that lead up to it, and the clients that follow it. */
export class Feed<Client, Frame> implements Chain<Frame> {
  readonly ring: Ring<Frame>;
  readonly audience: Audience<Client, Frame>;
  readonly hasHistory: boolean;
  readonly #topic: string;
  readonly #port: TopicPort<Client, Frame>;
  readonly #activity: Activity;
  #epoch = "";
  #top = 0;
  /** Stamp of the message at the top, where it is known. */
  #stamp: string | undefined;
  #formerEpochs: readonly string[] = [];
  /** After the top, in the order of their offsets. */
  readonly #owed: Owed[] = [];

  constructor(topic: string, rule: RingRule | undefined, port: TopicPort<Client, Frame>, activity: Activity) {
    this.#topic = topic;
    this.#port = port;
    this.#activity = activity;
    this.hasHistory = rule !== undefined;
    this.ring = new Ring(topic, rule ?? { size: 0, ttlMs: 0 }, port.share);
    this.audience = new Audience(topic, port, activity);
  }

  get epoch(): string {
    return this.#epoch;
  }

  get top(): number {
    return this.#top;
  }

  get position(): Position {
    return { epoch: this.#epoch, offset: this.#top, stamp: this.#stamp };
  }

  wasIn(epoch: string): boolean {
    return this.#formerEpochs.includes(epoch);
  }

  kindOf({ epoch, offset, prev, stamp }: StoredMessage): Kind {
    if (epoch !== this.#epoch) return "unknown";
    if (offset > this.#top) return prev === this.#top && !(this.#nextOwed < offset) ? "next" : "hole";
    const known = offset === this.#top ? this.#stamp : this.ring.stampAt(offset);
    if (known === undefined) return "unknown";
    return known === stamp ? "duplicate" : "contradiction";
  }

  /**
   * The engine has taken a message of this node's. If it is lost again, nothing else may show it.
   * @returns whether it is the first that is still to come
   */
  owe({ epoch, offset }: Position, begun: number): boolean {
    if (epoch !== this.#epoch || offset <= (this.#owed.at(-1)?.offset ?? this.#top)) return false;
    if (this.#owed.length === MOST_OWED) this.#owed.pop();
    return this.#owed.push({ offset, begun }) === 1;
  }

  /** Whether a message that was acknowledged has not come yet. */
  get isOwed(): boolean {
    return this.#owed.length > 0;
  }

  /** Whether this is the position, or one that led up to it. */
  isAt({ epoch, offset, stamp }: Position): boolean {
    if (epoch !== this.#epoch || offset > this.#top) return false;
    if (offset === this.#top) return stamp === undefined || this.#stamp === undefined || stamp === this.#stamp;
    return stamp !== undefined && stamp === this.ring.stampAt(offset);
  }

  /** A message of a topic without history. */
  pass(message: StoredMessage): void {
    this.#count();
    this.audience.pass(this.#port.frame(this.#topic, message));
  }

  /** The next message: it is kept, and delivered to all who are live. */
  accept(message: StoredMessage, now: number): void {
    this.#count();
    const prev = this.#top;
    const frame = this.#port.frame(this.#topic, message);
    this.#top = message.offset;
    this.#stamp = message.stamp;
    this.#countOff();
    this.ring.push(message, frame, now);
    this.ring.trim(now);
    this.audience.deliver(frame, this.#epoch, prev);
  }

  /** Messages are missing between the position and this one. */
  gap(epoch: string, offset: number, word: GapWord): void {
    const from = this.position;
    if (epoch !== this.#epoch) this.#formerEpochs = [...this.#formerEpochs, this.#epoch].slice(-FORMER_EPOCHS);
    this.ring.clear();
    this.#moveTo({ epoch, offset });
    if (this.audience.size > 0) this.#port.counts.gaps[word]++;
    this.audience.gap(from, { epoch, offset }, word);
  }

  /**
   * The first position, and the newest messages, or `isAll` that the engine has.
   * @returns false if they do not chain up, and are not to be taken as far as they do
   */
  begin(history: History, isAll: boolean, takesAny: boolean, now: number): boolean {
    const messages = unbroken(history);
    if (messages.length < history.messages.length && !takesAny) return false;
    this.#moveTo(history.head);
    this.#prepend(messages, now);
    this.ring.isWhole = isAll || this.#top === 0;
    return true;
  }

  /**
   * Delivers what comes after the position, as the engine has it; where some of it is gone, after a gap.
   * @returns what the engine's position is to this one: the same by now (`whole`), further on, with a hole in between (`broken`), or none that
   * this one leads to
   * @param begun the number of the read
   */
  repair(history: History, begun: number, now: number): "whole" | "more" | "broken" | "diverged" | "another epoch" {
    const { head, messages, complete, diverged } = history;
    const top = this.#top;
    const next = messages[0]?.prev ?? head.offset;
    if (head.epoch !== this.#epoch) return "another epoch";
    if (diverged || head.offset < top || next < top || this.#isLost(history, begun)) return "diverged";
    if (!complete) this.gap(this.#epoch, next, "expired");
    for (const message of messages) {
      if (this.kindOf(message) !== "next") break;
      this.accept(message, now);
      this.#port.counts.repaired++;
    }
    this.#learnStamp(head);
    if (this.#top === head.offset) return "whole";
    return this.#top > top ? "more" : "broken";
  }

  /** Goes on in another epoch: what this node and the engine both have is kept, and what is new since then is delivered. */
  reset(history: History, held: Held, now: number): void {
    const { head } = history;
    const messages = unbroken(history);
    const common = messages.findLastIndex(({ stamp }) => stamp === this.#stamp || this.ring.has(stamp)) + 1;
    const live = messages.findIndex(({ stamp }) => held.hasStamp(stamp));
    const begin = common > 0 ? common : live >= 0 ? live : messages.length;
    this.gap(head.epoch, messages[begin]?.prev ?? head.offset, "reset");
    this.#stamp = messages[begin - 1]?.stamp;
    this.#learnStamp(head);
    this.#prepend(messages.slice(0, begin), now);
    this.ring.isWhole = true;
    for (const message of messages.slice(begin)) this.accept(message, now);
  }

  /**
   * Goes on with what came live, as far as it chains up.
   * @param begun how many reads had begun when the last one did that was answered: it says nothing about what came later
   * @returns what is not accounted for
   */
  merge(held: readonly HeldMessage[], begun: number, now: number): HeldMessage[] {
    const rest: HeldMessage[] = [];
    for (const entry of held) {
      const kind = this.kindOf(entry.message);
      // What came before the read began, and has no place after what it says, is an old one.
      const isOld = entry.begun < begun && kind !== "next" && kind !== "hole";
      if (kind === "duplicate" || isOld) continue;
      if (kind === "next" && rest.length === 0) this.accept(entry.message, now);
      else rest.push(entry);
    }
    return rest;
  }

  /**
   * Goes on with what came live, after a gap: what is missing before it cannot be had.
   * @returns false if the engine gave away offsets again that this node has messages for: then there is no going on in this epoch
   */
  goOnWith(held: readonly HeldMessage[], epoch: string, now: number): boolean {
    let isTold = false;
    for (const { message } of held) {
      if (message.epoch !== epoch) continue;
      if (this.kindOf(message) === "contradiction") return false;
      if (epoch !== this.#epoch) this.gap(epoch, message.prev, "reset");
      else if (message.offset <= this.#top) continue;
      // The position itself may be one that the engine no longer has: a message that seems to be the next one proves nothing.
      else if (!isTold || this.kindOf(message) !== "next") this.gap(epoch, Math.max(message.prev, this.#top), "lost");
      isTold = true;
      this.accept(message, now);
    }
    return true;
  }

  /** Puts what the engine has of older messages before those that are here, if the two chain up. The caller trims the ring. */
  extend(history: History, now: number): void {
    const { first } = this.ring;
    const older = unbroken(history).filter(({ offset }) => offset < (first?.offset ?? this.#top + 1));
    if (older.length > 0 && older.at(-1)!.offset !== (first?.prev ?? this.#top)) return;
    this.#prepend(older, now);
    this.ring.isWhole = true;
  }

  #count(): void {
    this.#activity.messages++;
    this.#port.counts.messages++;
  }

  /** What the engine says of the position itself, where there was no message to say it. */
  #learnStamp(head: Position): void {
    if (head.offset === this.#top) this.#stamp ??= head.stamp;
  }

  #prepend(older: readonly StoredMessage[], now: number): void {
    this.ring.prepend(older, (message) => this.#port.frame(this.#topic, message), now);
  }

  get #nextOwed(): number {
    return this.#owed[0]?.offset ?? Infinity;
  }

  /** Whether what was acknowledged before this read began is not in it, where it should be. */
  #isLost({ head, messages, complete }: History, begun: number): boolean {
    if (!this.isOwed || !complete) return false;
    const read = new Set(messages.map(({ offset }) => offset));
    const end = messages.at(-1)?.offset ?? 0;
    return this.#owed.some((owed) => {
      const isMissing = owed.offset > head.offset || (owed.offset < end && !read.has(owed.offset));
      return isMissing && owed.begun < begun;
    });
  }

  #moveTo({ epoch, offset, stamp }: Position): void {
    if (epoch !== this.#epoch) this.#owed.length = 0;
    this.#epoch = epoch;
    this.#top = offset;
    this.#stamp = stamp;
    this.#countOff();
  }

  /** What was owed up to the top has come, or is told as a gap. */
  #countOff(): void {
    while (this.#nextOwed <= this.#top) this.#owed.shift();
  }
}

/** The newest messages as a chain, oldest first: less what lies before a hole. */
function unbroken({ head, messages }: History): StoredMessage[] {
  let expected = head.offset;
  const end = messages.findIndex(({ offset, prev }) => {
    const isNext = offset === expected;
    expected = prev;
    return !isNext;
  });
  return (end < 0 ? messages : messages.slice(0, end)).toReversed();
}
