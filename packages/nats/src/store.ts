import { randomBytes } from "node:crypto";
import { MsgHdrsImpl, type Msg } from "@nats-io/transport-node";
import { BrokerError } from "hawser/hub";
import { ENVELOPE, headersOf, readStoredEnvelope } from "./envelope.js";
import { type Answer, ApiFault, answerOf, type Requests } from "./requests.js";
import { Pull } from "./pull.js";
import type { Entry } from "./stored.js";

/** JetStream's number for "there is no such message". */
const NO_MESSAGE = 10037;
/** So many messages more than were wanted are read rather than counted once more. */
const SPARE = 32;
/** A consumer that lost its reader is gone so long after the reader's time is over: a server with much to do forgets what was asked of it meanwhile. */
const FORGOTTEN_MS = 5_000;
const NS = 1_000_000;

/** One stream, as it is read on one connection. */
export class Store {
  readonly #requests: Requests;
  readonly #stream: string;
  readonly #isReplicated: boolean;

  /** @param isReplicated a server that answers may be behind the one that leads: then that one is asked */
  constructor(requests: Requests, stream: string, isReplicated: boolean) {
    this.#requests = requests;
    this.#stream = stream;
    this.#isReplicated = isReplicated;
  }

  /** The newest message of a subject, undefined for none. */
  async newest(subject: string, until: number = this.#requests.deadline()): Promise<Entry | undefined> {
    if (this.#isReplicated) return this.#fromLeader({ last_by_subj: subject }, until);
    const message = await this.#requests.askMessage(`$JS.API.DIRECT.GET.${this.#stream}.${subject}`, "", until);
    if (message.headers?.code === 404) return undefined;
    return directEntry(message);
  }

  /** The message of a number, whatever its subject. */
  at(seq: number, until: number = this.#requests.deadline()): Promise<Entry | undefined> {
    return this.#fromLeader({ seq }, until);
  }

  /** The oldest message of a subject. */
  oldest(subject: string, until: number = this.#requests.deadline()): Promise<Entry | undefined> {
    return this.#fromLeader({ seq: 1, next_by_subj: subject }, until);
  }

  /**
   * The messages of a subject from a number on, oldest first.
   * @param isEnough is asked after each
   * @param to the newest one that there has to be among them, if that is never said
   */
  async from(
    subject: string,
    seq: number,
    isEnough: (entry: Entry) => boolean,
    to: number,
    until: number = this.#requests.deadline(),
  ): Promise<Entry[]> {
    const entries: Entry[] = [];
    let hasEnough = false;
    await this.#consume(subject, seq, until, (entry) => {
      entries.push(entry);
      hasEnough = isEnough(entry);
      return hasEnough;
    });
    if (!hasEnough) checkReached(entries, to);
    return entries;
  }

  /**
   * The messages of a subject that come before a number, the newest ones, oldest first; more than asked for, perhaps.
   * @param to the newest of the subject
   */
  async before(
    subject: string,
    end: number,
    count: number,
    to: number,
    until: number = this.#requests.deadline(),
  ): Promise<Entry[]> {
    const begin = await this.#beginOf(subject, end, count, to, until);
    const entries: Entry[] = [];
    await this.#consume(subject, begin, until, (entry) => {
      if (entry.seq < end) entries.push(entry);
      return entry.seq >= Math.min(end - 1, to);
    });
    if (end > to) checkReached(entries, to);
    return entries;
  }

  /** A number that so many messages of the subject lie behind, and not many more. JetStream counts from a number on, and reads forward alone. */
  async #beginOf(subject: string, end: number, count: number, to: number, until: number): Promise<number> {
    const pending = (seq: number): Promise<number> => this.#countFrom(subject, seq, until);
    const [all, behind] = await Promise.all([pending(1), end > to ? 0 : pending(end)]);
    const enough = behind + count;
    const many = behind + 2 * count + SPARE;
    if (all <= many) return 1;
    let low = 1;
    let high = Math.min(end, to);
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      const here = await pending(middle);
      if (here < enough) high = middle;
      else low = middle;
      if (here >= enough && here <= many) break;
    }
    return low;
  }

  async #countFrom(subject: string, seq: number, until: number): Promise<number> {
    const name = consumerName();
    const { num_pending } = await this.#createConsumer(name, subject, seq, { ack_policy: "explicit" }, until);
    this.#deleteConsumer(name);
    return num_pending;
  }

  /** @param take is given each message; it returns true when it needs no more */
  async #consume(subject: string, seq: number, until: number, take: (entry: Entry) => boolean): Promise<void> {
    const name = consumerName();
    const create = async (): Promise<number> =>
      (await this.#createConsumer(name, subject, seq, { ack_policy: "none" }, until)).num_pending;
    try {
      await this.#requests.gather((line) => {
        const pull = new Pull(line, `$JS.API.CONSUMER.MSG.NEXT.${this.#stream}.${name}`, (message) => {
          const entry = deliveredEntry(message);
          return entry === undefined || !take(entry) ? entry?.newer : 0;
        });
        pull.begin(create);
        return (message) => pull.heard(message);
      }, until);
    } finally {
      this.#deleteConsumer(name);
    }
  }

  #createConsumer(name: string, subject: string, seq: number, config: object, until: number): Promise<Answer> {
    return this.#requests.api(
      `CONSUMER.CREATE.${this.#stream}.${name}`,
      {
        stream_name: this.#stream,
        config: {
          name,
          filter_subject: subject,
          deliver_policy: "by_start_sequence",
          opt_start_seq: Math.max(seq, 1),
          mem_storage: true,
          num_replicas: 1,
          inactive_threshold: Math.ceil(FORGOTTEN_MS + until - performance.now()) * NS,
          ...config,
        },
      },
      until,
    );
  }

  /** Whether that was done is of no interest: it is forgotten anyway. */
  #deleteConsumer(name: string): void {
    this.#requests.api(`CONSUMER.DELETE.${this.#stream}.${name}`, undefined).catch(() => {});
  }

  async #fromLeader(what: object, until: number): Promise<Entry | undefined> {
    try {
      const subject = `$JS.API.STREAM.MSG.GET.${this.#stream}`;
      const message = await this.#requests.askMessage(subject, JSON.stringify(what), until);
      return leaderEntry(answerOf(message).message);
    } catch (error) {
      if (error instanceof ApiFault && error.code === NO_MESSAGE) return undefined;
      throw error;
    }
  }
}

function leaderEntry({ subject, seq, hdrs, data, time }: Answer["message"]): Entry {
  const headers = hdrs === undefined ? undefined : MsgHdrsImpl.decode(Buffer.from(hdrs, "base64"));
  const bytes = new Uint8Array(Buffer.from(data ?? "", "base64"));
  return {
    subject,
    seq,
    at: Date.parse(time),
    newer: 0,
    envelope: readStoredEnvelope(headersOf(headers).get(ENVELOPE)),
    bytes,
  };
}

function directEntry(message: Msg): Entry {
  const headers = headersOf(message.headers);
  const subject = headers.get("Nats-Subject") ?? "";
  const seq = Number(headers.get("Nats-Sequence"));
  const at = Date.parse(headers.get("Nats-Time-Stamp") ?? "");
  const bytes = new Uint8Array(message.data);
  return { subject, seq, at, newer: 0, envelope: readStoredEnvelope(headers.get(ENVELOPE)), bytes };
}

/**
 * A message that a consumer sends says in its reply subject which one it is:
 * `$JS.ACK.[domain.account.]stream.consumer.delivered.seq.consumer seq.nanoseconds.newer[.random]`.
 */
function deliveredEntry(message: Msg): Entry | undefined {
  const tokens = (message.reply ?? "").split(".");
  const begin = tokens.length > 9 ? 7 : 5;
  const [seq, , nanoseconds, newer] = tokens.slice(begin).map(Number);
  if (tokens[1] !== "ACK" || newer === undefined) return undefined;
  const envelope = readStoredEnvelope(headersOf(message.headers).get(ENVELOPE));
  const bytes = new Uint8Array(message.data);
  return { subject: message.subject, seq: seq!, at: nanoseconds! / NS, newer, envelope, bytes };
}

function consumerName(): string {
  return randomBytes(9).toString("base64url");
}

function checkReached(entries: readonly Entry[], to: number): void {
  if ((entries.at(-1)?.seq ?? 0) >= to) return;
  throw new BrokerError("unavailable", "a server of NATS that is behind the others has answered");
}
