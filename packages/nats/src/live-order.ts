import type { StoredMessage } from "hawser/hub";

/** For so long a message is waited for that others have overtaken. Then the hub reads it. */
const PATIENCE_MS = 250;
/** So many messages wait at most, all topics together. */
const MOST_HELD = 2_000;

interface Line {
  /** The newest message that was handed on, or read. */
  last: number;
  /** Those that came before their time, by the number of the one that they follow. */
  readonly held: Map<number, StoredMessage>;
}

/**
 * Brings messages of a topic into order. nats-server stores what several connections publish in one order, and sends it out in nearly the same one:
 * to read what is only late would cost three questions each time.
 */
export class LiveOrder {
  readonly #hand: (topic: string, message: StoredMessage) => void;
  readonly #lines = new Map<string, Line>();
  /** Topics with messages that wait. */
  readonly #waiting = new Set<string>();
  #held = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(hand: (topic: string, message: StoredMessage) => void) {
    this.#hand = hand;
  }

  add(topic: string, message: StoredMessage): void {
    const line = this.#lineOf(topic);
    if (message.prev > line.last) this.#hold(topic, line, message);
    else this.#handOn(topic, line, message);
  }

  /** Somebody has read the topic up to here: what comes goes on from it. */
  reached(topic: string, offset: number): void {
    const line = this.#lineOf(topic);
    if (offset <= line.last) return;
    line.last = offset;
    const late = [...line.held.values()].filter((message) => message.prev <= offset);
    for (const message of late.toSorted((a, b) => a.offset - b.offset)) {
      if (!line.held.delete(message.prev)) continue;
      this.#held--;
      this.#handOn(topic, line, message);
    }
  }

  leave(topics: Iterable<string>): void {
    for (const topic of topics) {
      this.#held -= this.#lines.get(topic)?.held.size ?? 0;
      this.#lines.delete(topic);
      this.#waiting.delete(topic);
    }
  }

  /** Another connection: what waits is of the one before. */
  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#lines.clear();
    this.#waiting.clear();
    this.#held = 0;
  }

  #lineOf(topic: string): Line {
    const known = this.#lines.get(topic);
    if (known !== undefined) return known;
    const line = { last: 0, held: new Map<number, StoredMessage>() };
    this.#lines.set(topic, line);
    return line;
  }

  #hold(topic: string, line: Line, message: StoredMessage): void {
    if (!line.held.has(message.prev)) this.#held++;
    line.held.set(message.prev, message);
    this.#waiting.add(topic);
    if (this.#held > MOST_HELD) this.#giveUp();
    else this.#timer ??= setTimeout(() => this.#giveUp(), PATIENCE_MS);
  }

  #handOn(topic: string, line: Line, message: StoredMessage): void {
    this.#hand(topic, message);
    line.last = Math.max(line.last, message.offset);
    if (line.held.size === 0) return;
    for (let next = line.held.get(line.last); next !== undefined; next = line.held.get(line.last)) {
      line.held.delete(line.last);
      this.#held--;
      line.last = next.offset;
      this.#hand(topic, next);
    }
    if (line.held.size > 0) return;
    this.#waiting.delete(topic);
    if (this.#waiting.size > 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Those that wait are handed on as they are. */
  #giveUp(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const topic of waiting) {
      const line = this.#lines.get(topic);
      const held = [...(line?.held.values() ?? [])].toSorted((a, b) => a.offset - b.offset);
      line?.held.clear();
      this.#held -= held.length;
      for (const message of held) {
        line!.last = Math.max(line!.last, message.offset);
        this.#hand(topic, message);
      }
    }
  }
}
