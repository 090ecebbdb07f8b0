/** A room of a fan-out: who publishes, and who listens in this thread. */
import type { WebSocketClient } from "../tools/web-socket-client.js";
import { DueTimes } from "./due-times.js";
import type { Payload } from "./payload.js";
import type { Counters } from "./tally.js";

const MOST_BUFFERED = 256 * 1024;
/** A message that some listener has not got after so long will not come: the next ones go out. */
const LOST_AFTER_MS = 5000;

/** In place of the rounds of a thread whose listeners are all gone. */
const NOBODY_LEFT = Number.POSITIVE_INFINITY;

/** How far the listeners of one thread are: so many messages have been received by all of them, on average. */
export class Listeners {
  #size = 0;
  #received = 0;
  #rounds = 0;
  readonly #onRound: (rounds: number) => void;

  constructor(onRound: (rounds: number) => void) {
    this.#onRound = onRound;
  }

  get size(): number {
    return this.#size;
  }

  join(): void {
    this.#size++;
  }

  leave(): void {
    this.#size--;
    this.#received = 0;
    if (this.#size === 0) this.#onRound(NOBODY_LEFT);
  }

  received(): void {
    if (++this.#received < this.#size) return;
    this.#received = 0;
    this.#onRound(++this.#rounds);
  }
}

export class Publisher {
  readonly #id: number;
  readonly #room: number;
  readonly #payload: Payload;
  readonly #counters: Counters;
  readonly #unsent = new DueTimes();
  #client: WebSocketClient | null = null;
  #inFlight = 0;
  #sent = 0;
  /** How far each thread with listeners is, and where it was when we began to count. */
  readonly #progress = new Map<number, { rounds: number; base: number }>();
  #progressAt = 0;

  constructor(id: number, room: number, payload: Payload, counters: Counters) {
    this.#id = id;
    this.#room = room;
    this.#payload = payload;
    this.#counters = counters;
  }

  get isOpen(): boolean {
    return this.#client?.isOpen === true;
  }

  get unsent(): number {
    return this.#unsent.length;
  }

  join(client: WebSocketClient): void {
    if (client.isOpen) this.#client = client;
  }

  leave(): void {
    this.#client = null;
  }

  /** So many messages are kept under way, until all listeners have each. */
  keepInFlight(count: number, threads: readonly number[]): void {
    for (const thread of threads) this.#progress.set(thread, { rounds: 0, base: 0 });
    if (threads.length === 0) return;
    this.#inFlight = count;
    this.#pump();
  }

  onProgress(thread: number, rounds: number): void {
    const progress = this.#progress.get(thread);
    if (progress === undefined) return;
    if (rounds === NOBODY_LEFT) this.#progress.delete(thread);
    else progress.rounds = rounds;
    this.#pump();
  }

  /** To be called now and then. */
  checkStall(): void {
    const now = this.#counters.now();
    if (this.#inFlight === 0 || now - this.#progressAt < LOST_AFTER_MS) return;
    for (const progress of this.#progress.values()) progress.base = progress.rounds;
    this.#sent = 0;
    this.#pump();
  }

  publishDue(due: number): void {
    const micros = Math.round(due * 1000);
    if ((this.#client?.bufferedBytes ?? 0) > MOST_BUFFERED || this.#unsent.length > 0) this.#unsent.push(micros);
    else this.#publish(micros);
  }

  onDrain(): void {
    while (this.#unsent.length > 0 && (this.#client?.bufferedBytes ?? 0) <= MOST_BUFFERED)
      this.#publish(this.#unsent.shift() ?? 0);
  }

  stop(): void {
    this.#inFlight = 0;
    this.#unsent.drain();
  }

  #pump(): void {
    if (this.#progress.size === 0) return;
    const completed = Math.min(...[...this.#progress.values()].map(({ rounds, base }) => rounds - base));
    while (this.isOpen && this.#sent - completed < this.#inFlight) {
      this.#sent++;
      this.#progressAt = this.#counters.now();
      this.#publish(Math.round(this.#progressAt * 1000));
    }
  }

  #publish(micros: number): void {
    if (this.#client === null) return;
    this.#client.send(this.#payload.stamped(micros, this.#id), this.#payload.isBinary);
    this.#counters.countSent(this.#payload.size);
    this.#counters.published[this.#room] = (this.#counters.published[this.#room] ?? 0) + 1;
  }
}
