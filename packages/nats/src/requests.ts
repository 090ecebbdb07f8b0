import { BrokerError } from "hawser/hub";
import { InOrder } from "hawser/tools";
import {
  createInbox,
  type Msg,
  type MsgHdrs,
  type NatsConnection,
  type PublishOptions,
  type Subscription,
} from "@nats-io/transport-node";
import { Budget, Share, Sizes } from "./budget.js";

/** Of the time in which a promise has to be settled, so much is left for what is done with an answer. */
const REST = 0.075;
/** How often it is looked for answers that are overdue. */
const SWEEP_MS = 100;
/** What may wait for answers at once: nothing is queued without end. */
const MOST_WAITING = 50_000;
const MOST_WAITING_BYTES = 64 * 1024 * 1024;
/** Of stored messages that are on their way here, all reads together: the server holds 64 MB for a connection, and cuts it past that. */
const MOST_READ_BYTES = 32 * 1024 * 1024;

export interface RequestOptions {
  readonly headers?: MsgHdrs | undefined;
  /** Until when, by `deadline`. */
  readonly until?: number | undefined;
}

/** Nobody is there to answer: JetStream is off, or the stream is gone. */
export class NobodyAnswers extends BrokerError {}

/** Where stored messages come that one reader has asked for. */
export interface Line {
  /** They, and what is said of them, are sent to subjects of one token more. */
  readonly subject: string;
  readonly maxPayload: number;
  /** What was reserved before is given back. */
  reserve(bytes: number, begin: () => void): void;
  send(subject: string, data: string, reply: string): void;
  /** All are here. */
  done(): void;
  fail(error: Error): void;
}

interface Waiting {
  readonly subject: string;
  readonly until: number;
  readonly bytes: number;
  readonly answer: (message: Msg) => void;
  readonly fail: (error: Error) => void;
}

/**
 * Questions and their answers on one connection. The client library's own requests are not told of a lost connection, and each has a timer: these
 * fail at once, and share one.
 */
export class Requests {
  readonly #connection: NatsConnection;
  readonly #answerMs: number;
  readonly #inbox: string;
  readonly #subscription: Subscription;
  readonly #waiting = new InOrder<Waiting>();
  readonly #budget = new Budget(MOST_READ_BYTES);
  readonly #sizes: Sizes;
  #bytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #end: Error | undefined;
  /** When the last answer came, by `performance.now`. */
  heardAt: number = -Infinity;

  /** @param timeoutMs every promise of the broker is settled within */
  constructor(connection: NatsConnection, timeoutMs: number) {
    this.#connection = connection;
    this.#answerMs = timeoutMs * (1 - REST);
    // A leader answers in base64.
    this.#sizes = new Sizes((this.maxPayload * 4) / 3);
    this.#inbox = createInbox();
    this.#subscription = connection.subscribe(`${this.#inbox}.*`, {
      callback: (error, message) => {
        if (error === null) this.#answered(message);
      },
    });
  }

  /** The most bytes of a message, its headers among them. */
  get maxPayload(): number {
    return this.#connection.info?.max_payload ?? 1024 * 1024;
  }

  /** When a request that begins now has to have its answer, by `performance.now`. */
  deadline(): number {
    return performance.now() + this.#answerMs;
  }

  /** @throws BrokerError */
  ask(
    subject: string,
    data: Uint8Array | string,
    { headers, until = this.deadline() }: RequestOptions = {},
  ): Promise<Msg> {
    return new Promise((resolve, reject) => {
      const number = this.#add({
        subject,
        until,
        bytes: data.length,
        answer: (message) => {
          this.#remove(number);
          if (message.data.length === 0 && message.headers?.code === 503) {
            reject(new NobodyAnswers("unavailable", `NATS has nobody who answers ${subject}`));
          } else resolve(message);
        },
        fail: reject,
      });
      this.#send(subject, data, number, headers);
    });
  }

  /** A question to the API of JetStream. @throws BrokerError, ApiFault */
  async api(subject: string, body: object | undefined, until?: number): Promise<Answer> {
    const data = body === undefined ? "" : JSON.stringify(body);
    return answerOf(await this.ask(`$JS.API.${subject}`, data, { until }));
  }

  /** A question that one stored message is the answer to. Nobody knows how large it is: it waits until there is room for it. @throws BrokerError */
  async askMessage(subject: string, data: string, until: number): Promise<Msg> {
    const share = new Share(this.#sizes.most);
    await this.#room(share, subject, until);
    try {
      const message = await this.ask(subject, data, { until });
      this.#sizes.saw(message.data.length);
      return message;
    } finally {
      this.#budget.end(share);
    }
  }

  /**
   * Receives any number of stored messages.
   * @param begin has them sent, and returns what is given each
   */
  gather(begin: (line: Line) => (message: Msg) => void, until: number = this.deadline()): Promise<void> {
    return new Promise((resolve, reject) => {
      let share: Share | undefined;
      let isOver = false;
      const end = (): void => {
        isOver = true;
        this.#remove(number);
        subscription.unsubscribe();
        if (share !== undefined) this.#budget.end(share);
      };
      const fail = (error: Error): void => {
        if (isOver) return;
        end();
        reject(error);
      };
      const number = this.#add({ subject: "a consumer", until, bytes: 0, answer: () => {}, fail });
      // A consumer's messages come with the subject that they were stored with: it takes a subscription to tell whose they are.
      const subject = `${this.#inbox}.many.${number}`;
      const take = begin({
        subject,
        maxPayload: this.maxPayload,
        reserve: (bytes, go) => {
          if (isOver) return;
          if (share !== undefined) this.#budget.end(share);
          share = new Share(bytes);
          if (this.#budget.take(share, go)) go();
        },
        send: (to, text, reply) => {
          if (!isOver) this.#publish(to, text, { reply }, fail);
        },
        done: () => {
          if (isOver) return;
          end();
          resolve();
        },
        fail,
      });
      const callback = (error: Error | null, message: Msg): void => {
        if (error !== null || isOver) return;
        this.heardAt = performance.now();
        take(message);
      };
      const subscription = this.#connection.subscribe(`${subject}.*`, { callback });
    });
  }

  /**
   * Waits for something that comes by another way.
   * @param begin is given what to call when it has come, and returns what to do when it is no longer waited for
   */
  expect(what: string, until: number, begin: (come: () => void) => () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const stop = begin(() => {
        this.#remove(number);
        stop();
        resolve();
      });
      const fail = (error: Error): void => {
        stop();
        reject(error);
      };
      const number = this.#add({ subject: what, until, bytes: 0, answer: () => {}, fail });
    });
  }

  /** The user may not publish to this subject. */
  denied(subject: string, error: Error): void {
    for (const [number, waiting] of this.#waiting) {
      if (waiting.subject !== subject) continue;
      this.#remove(number);
      waiting.fail(error);
    }
  }

  /** No answer comes any longer. */
  end(why: string): void {
    this.#end = new BrokerError("unavailable", why);
    clearInterval(this.#timer);
    for (const [number, { fail }] of this.#waiting) {
      this.#remove(number);
      fail(this.#end);
    }
    this.#subscription.unsubscribe();
  }

  /** @returns its number */
  #add(waiting: Waiting): number {
    if (this.#end !== undefined) throw this.#end;
    if (this.#waiting.size >= MOST_WAITING || this.#bytes + waiting.bytes > MOST_WAITING_BYTES) {
      throw new BrokerError("unavailable", "too much waits for NATS already");
    }
    this.#bytes += waiting.bytes;
    this.#timer ??= setInterval(() => this.#sweep(), SWEEP_MS);
    return this.#waiting.add(waiting);
  }

  #send(subject: string, data: Uint8Array | string, number: number, headers: MsgHdrs | undefined): void {
    const options = { reply: `${this.#inbox}.${number}`, ...(headers === undefined ? {} : { headers }) };
    this.#publish(subject, data, options, (error) => {
      this.#remove(number);
      throw error;
    });
  }

  #publish(subject: string, data: Uint8Array | string, options: PublishOptions, fail: (error: Error) => void): void {
    try {
      this.#connection.publish(subject, data, options);
    } catch (error) {
      fail(new BrokerError("unavailable", `NATS: ${String(error)}`));
    }
  }

  /** Waits until the share is there. */
  #room(share: Share, subject: string, until: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const begin = (): void => {
        this.#remove(number);
        resolve();
      };
      if (this.#budget.take(share, begin)) {
        resolve();
        return;
      }
      const fail = (error: Error): void => {
        this.#budget.end(share);
        reject(error);
      };
      const number = this.#add({ subject, until, bytes: 0, answer: () => {}, fail });
    });
  }

  #answered(message: Msg): void {
    this.heardAt = performance.now();
    this.#waiting.get(Number(message.subject.slice(this.#inbox.length + 1)))?.answer(message);
  }

  #remove(number: number): void {
    this.#bytes -= this.#waiting.delete(number)?.bytes ?? 0;
  }

  #sweep(): void {
    const now = performance.now();
    for (const [number, { until, subject, fail }] of this.#waiting) {
      if (until > now) continue;
      this.#remove(number);
      fail(new BrokerError("unavailable", `NATS did not answer ${subject} in time`));
    }
    if (this.#waiting.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

/** JetStream answered that it does not do it. */
export class ApiFault extends Error {
  override readonly name = "ApiFault";
  /** JetStream's own number. */
  readonly code: number;

  constructor(code: number, description: string) {
    super(description);
    this.code = code;
  }
}

/** What is of use of JetStream's answers. */
export interface Answer {
  /** Of a publish: the number of the message in the stream. */
  readonly seq: number;
  readonly duplicate?: boolean;
  /** Of a consumer that was made: how many messages it has. */
  readonly num_pending: number;
  /** Of a stream. */
  readonly state: { readonly last_seq: number };
  readonly message: {
    readonly subject: string;
    readonly seq: number;
    readonly hdrs?: string;
    readonly data?: string;
    readonly time: string;
  };
}

/** The JSON of an answer. @throws ApiFault */
export function answerOf(message: Msg): Answer {
  const answer = message.json<Answer & { error?: { err_code?: number; code?: number; description?: string } }>();
  const { error } = answer;
  if (error !== undefined)
    throw new ApiFault(error.err_code ?? error.code ?? 0, error.description ?? "no reason given");
  return answer;
}
