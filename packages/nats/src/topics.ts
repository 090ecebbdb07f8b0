import { createHash } from "node:crypto";
import { headers, type MsgHdrs } from "@nats-io/transport-node";
import {
  BrokerError,
  type StoredHistory,
  type Position,
  type Published,
  type PublishOptions,
  type ReadOptions,
} from "hawser/hub";
import { ENVELOPE, freshStamp, writeEnvelope } from "./envelope.js";
import type { Names } from "./names.js";
import { answerOf, type Requests } from "./requests.js";
import { Store } from "./store.js";
import { type Entry, historyOf, isWritten, mayBeVisible, positionOf, type Stored, type Written } from "./stored.js";
import type { Streams } from "./streams.js";
import type { Seen, Timeline } from "./timeline.js";

/** A topic that keeps less than the stream keeps of each is trimmed after so many messages more. */
const SLACK = 16;
/** So many topics have their messages counted for that. */
const MOST_COUNTED = 10_000;

/** The topics with history, on one connection. */
export class Topics {
  readonly #requests: Requests;
  readonly #names: Names;
  readonly #timeline: Timeline;
  readonly #streams: Streams;
  readonly #store: Store;
  readonly #maxPayload: number;
  /** By how much the server's clock is ahead of this one. */
  readonly #skewMs: number;
  /** How many messages of a topic the stream keeps. */
  #room: number;
  #makingRoom: Promise<void> | undefined;
  readonly #published = new Map<string, number>();

  constructor(
    requests: Requests,
    names: Names,
    timeline: Timeline,
    streams: Streams,
    server: { isReplicated: boolean; maxPayload: number; skewMs: number; room: number },
  ) {
    this.#requests = requests;
    this.#names = names;
    this.#timeline = timeline;
    this.#streams = streams;
    this.#store = new Store(requests, names.topics, server.isReplicated);
    this.#maxPayload = server.maxPayload;
    this.#skewMs = server.skewMs;
    this.#room = server.room;
  }

  async publish(topic: string, bytes: Uint8Array, options: PublishOptions): Promise<Published> {
    const { size, key } = options;
    const until = this.#requests.deadline();
    if (size >= this.#room) await this.#makeRoom(size);
    const stamp = freshStamp();
    const header = headersFor(topic, options, stamp);
    checkSize(bytes, header, this.#maxPayload);
    const subject = size > 0 ? this.#names.stored(topic) : this.#names.keyed(topic);
    const ack = answerOf(await this.#requests.ask(subject, bytes, { headers: header, until }));
    const duplicate = ack.duplicate === true && key !== undefined;
    if (size === 0) return { offset: 0, epoch: "", duplicate };
    if (!duplicate) this.#timeline.saw(topic, ack.seq, stamp);
    this.#trim(topic, size);
    return { offset: ack.seq, epoch: this.#timeline.epoch, duplicate };
  }

  async read(topic: string, options: ReadOptions): Promise<StoredHistory> {
    const until = this.#requests.deadline();
    const { after, reverse = false } = options;
    const subject = this.#names.stored(topic);
    const head = await this.#head(subject, until);
    const entries = head === undefined ? [] : await this.#entries(subject, options, head, until);
    // Last: whatever was read, it is of the epoch that holds now.
    const epoch = await this.#timeline.refresh(this.#requests, until);
    const floor = this.#timeline.floorOf(topic);
    const stored: Stored = { epoch, head, entries, floor: floor.seq, now: this.#now };
    const history = historyOf(stored, options);
    if (head !== undefined) this.#timeline.saw(topic, head.seq, head.envelope.stamp);
    if (head === undefined) return { ...history, head: positionAt(floor, epoch) };
    if (!reverse && (await this.#isElsewhere(subject, after, history, stored, until))) {
      return { ...history, messages: [], complete: false, diverged: true };
    }
    return history;
  }

  async heads(topics: readonly string[]): Promise<ReadonlyMap<string, Position>> {
    const until = this.#requests.deadline();
    const heads = await Promise.all(topics.map((topic) => this.#head(this.#names.stored(topic), until)));
    const epoch = await this.#timeline.refresh(this.#requests, until);
    return new Map(
      topics.map((topic, i) => {
        const head = heads[i];
        if (head !== undefined) this.#timeline.saw(topic, head.seq, head.envelope.stamp);
        return [topic, head === undefined ? positionAt(this.#timeline.floorOf(topic), epoch) : positionOf(head, epoch)];
      }),
    );
  }

  async renew(topic: string, epoch: string): Promise<Position> {
    await this.#timeline.renew(this.#requests, epoch);
    return (await this.heads([topic])).get(topic)!;
  }

  /** Lets go of what is older than positions are kept for. */
  async letGo(periodMs: number): Promise<void> {
    const newest = async (): Promise<number> => {
      const { state } = await this.#requests.api(`STREAM.INFO.${this.#names.topics}`, undefined);
      return state.last_seq;
    };
    const floor = await this.#timeline.advance(this.#requests, newest, periodMs);
    if (floor > 0) await this.#requests.api(`STREAM.PURGE.${this.#names.topics}`, { seq: floor + 1 });
  }

  get #now(): number {
    return Date.now() + this.#skewMs;
  }

  /** One more than is wanted: the one before says whether anything is missing in between. */
  async #entries(
    subject: string,
    { after, limit, reverse = false }: ReadOptions,
    head: Written,
    until: number,
  ): Promise<readonly Entry[]> {
    if (reverse) {
      const end = after?.offset ?? Infinity;
      return limit === 0 ? [] : this.#store.before(subject, end, limit + 1, head.seq, until);
    }
    const from = after?.offset ?? 0;
    if (from > head.seq) return [];
    let rest = limit + 1;
    const isEnough = (entry: Entry): boolean => mayBeVisible(entry, head.envelope.size, this.#now) && --rest === 0;
    return this.#store.from(subject, from, isEnough, head.seq, until);
  }

  async #head(subject: string, until: number): Promise<Written | undefined> {
    const newest = await this.#store.newest(subject, until);
    if (newest === undefined || isWritten(newest)) return newest;
    const all = await this.#store.from(subject, 1, () => false, newest.seq, until);
    return all.findLast(isWritten);
  }

  /** Messages are let go from the oldest on. One that lies behind the oldest, and is not there, never was in this topic. */
  async #isElsewhere(
    subject: string,
    after: Position | undefined,
    { head, complete, diverged }: StoredHistory,
    { entries, floor }: Stored,
    until: number,
  ): Promise<boolean> {
    if (after === undefined || complete || diverged || after.epoch !== head.epoch || after.offset <= floor)
      return false;
    if (entries.some(({ seq }) => seq === after.offset)) return false;
    const oldest = await this.#store.oldest(subject, until);
    return oldest !== undefined && oldest.seq < after.offset;
  }

  #makeRoom(size: number): Promise<void> {
    this.#makingRoom ??= this.#streams
      .makeRoom(size)
      .then((room) => void (this.#room = room))
      .finally(() => (this.#makingRoom = undefined));
    return this.#makingRoom.then(() => (size >= this.#room ? this.#makeRoom(size) : undefined));
  }

  #trim(topic: string, size: number): void {
    if (this.#room <= 2 * (size + SLACK)) return;
    const published = (this.#published.get(topic) ?? 0) + 1;
    if (this.#published.size >= MOST_COUNTED) this.#published.clear();
    this.#published.set(topic, published);
    if (published < size + SLACK) return;
    this.#published.delete(topic);
    const what = { filter: this.#names.stored(topic), keep: size + 1 };
    // The next node that publishes as much does it otherwise.
    this.#requests.api(`STREAM.PURGE.${this.#names.topics}`, what).catch(() => {});
  }
}

function headersFor(topic: string, options: PublishOptions, stamp: string): MsgHdrs {
  const { binary, size, ttlMs, key, by, from } = options;
  const header = headers();
  header.set(ENVELOPE, writeEnvelope({ stamp, size, ttlMs, binary, by, from }));
  // Several topics share a stream, and with it the keys.
  if (key !== undefined) header.set("Nats-Msg-Id", messageId(topic, key));
  return header;
}

/** One for each topic and key, whatever is in them. */
function messageId(topic: string, key: string): string {
  return createHash("sha256")
    .update(`${Buffer.byteLength(topic)} ${topic}${key}`)
    .digest("base64url");
}

function positionAt({ seq, stamp }: Seen, epoch: string): Position {
  return { epoch, offset: seq, stamp };
}

export function checkSize(bytes: Uint8Array, header: MsgHdrs, maxPayload: number): void {
  // Around each header line stand its name, a colon and the end of the line.
  let length = bytes.byteLength + 16;
  for (const [name, values] of header) length += name.length + values[0]!.length + 4;
  if (length > maxPayload) {
    throw new BrokerError("limit", `the message is larger than the max_payload of NATS, ${maxPayload} bytes`);
  }
}
