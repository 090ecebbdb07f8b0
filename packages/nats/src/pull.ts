import type { Msg } from "@nats-io/transport-node";
import { BrokerError } from "hawser/hub";
import type { Line } from "./requests.js";

/** The first time so much is asked for, each time after that twice as much: who has few and small messages shall not hold up others. */
const FIRST_BYTES = 32 * 1024;
const MOST_BYTES = 4 * 1024 * 1024;
/** One message for so many bytes. */
const BYTES_EACH = 1024;
/** What the server counts of a message besides its payload: its subject and the one that it is acknowledged by. */
const AROUND_BYTES = 4 * 1024;

/**
 * Asks for the messages of a consumer, some at a time. Nobody knows how large they are: the server is told how many bytes it may send, and
 * keeps to that.
 */
export class Pull {
  readonly #line: Line;
  readonly #subject: string;
  readonly #take: (message: Msg) => number | undefined;
  /** What the largest message takes. */
  readonly #largest: number;
  #bytes = FIRST_BYTES;
  /** How many messages there are to come, and how many of them were asked for. */
  #rest = 0;
  #asked = 0;
  #round = 0;
  #isEmpty = true;

  /**
   * @param subject where the consumer is asked
   * @param take is given each message; it returns how many are to come that are wanted, undefined for what no consumer sent
   */
  constructor(line: Line, subject: string, take: (message: Msg) => number | undefined) {
    this.#line = line;
    this.#subject = subject;
    this.#take = take;
    this.#largest = line.maxPayload + AROUND_BYTES;
  }

  /** @param count makes the consumer, and says how many messages it has */
  begin(count: () => Promise<number>): void {
    this.#line.reserve(this.#bytes, () => {
      const fail = (error: Error): void => this.#line.fail(error);
      count().then((rest) => {
        this.#rest = rest;
        if (rest === 0) this.#line.done();
        else this.#ask();
      }, fail);
    });
  }

  heard(message: Msg): void {
    const code = message.data.length === 0 ? (message.headers?.code ?? 0) : 0;
    if (code !== 0) {
      // One that was answered in full may have more said of it.
      if (message.subject === this.#reply) this.#ended(code, message.headers!.description);
      return;
    }
    const rest = this.#take(message);
    if (rest === undefined) return;
    this.#isEmpty = false;
    this.#asked--;
    this.#rest = rest;
    if (this.#rest === 0) this.#line.done();
    else if (this.#asked === 0) this.#more(this.#bytes * 2);
  }

  /** No more of what was asked for comes. */
  #ended(code: number, description: string): void {
    // What is gone since it was counted.
    if (code === 404 || code === 408) this.#line.done();
    else if (!/exceeds maxbytes/i.test(description)) {
      this.#line.fail(new BrokerError("unavailable", `NATS stopped a read: ${code} ${description}`));
    } else if (!this.#isEmpty) this.#more(this.#bytes * 2);
    else if (this.#bytes < this.#largest) this.#more(this.#largest);
    // The server took larger messages once.
    else this.#more(this.#bytes * 2, Infinity);
  }

  #more(bytes: number, most: number = Math.max(MOST_BYTES, this.#largest)): void {
    this.#bytes = Math.min(bytes, most);
    this.#line.reserve(this.#bytes, () => this.#ask());
  }

  #ask(): void {
    this.#round++;
    this.#isEmpty = true;
    this.#asked = Math.min(this.#rest, Math.ceil(this.#bytes / BYTES_EACH));
    const what = { batch: this.#asked, max_bytes: this.#bytes, no_wait: true };
    this.#line.send(this.#subject, JSON.stringify(what), this.#reply);
  }

  get #reply(): string {
    return `${this.#line.subject}.${this.#round}`;
  }
}
