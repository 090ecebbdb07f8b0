import type { StreamInfo } from "@nats-io/jetstream";
import { type Era, freshEpoch, type Newest, newestEra, readEra, succeed } from "./epochs.js";
import type { Names } from "./names.js";
import { type Requests } from "./requests.js";
import { Store } from "./store.js";

/** So many epochs that were left are kept in mind: a backup may bring them back. */
const FORMER_EPOCHS = 64;

/** Timeouts are no more exact than that. */
const MUCH_MS = 100;

export interface Seen {
  readonly seq: number;
  /** Undefined where it is not known. */
  readonly stamp: string | undefined;
}

/**
 * In which epoch the topics are. All of them are in one: the stream that holds them is one. No message is told and no read answered before the
 * epoch is known to be the one of this connection.
 */
export class Timeline {
  readonly #names: Names;
  readonly #onChange: () => void;
  #newest: Newest = { seq: 0, era: undefined };
  readonly #former = new Set<string>();
  /** The newest message of the stream that this node knows of. */
  #seen: Seen = { seq: 0, stamp: undefined };
  /** Where quiet topics are that somebody here follows: the stream may have let go of their last message. */
  readonly #positions = new Map<string, Seen | undefined>();
  #asked: { readonly requests: Requests; readonly until: number; readonly newest: Promise<Newest> } | undefined;

  /** @param onChange another epoch holds from now on */
  constructor(names: Names, onChange: () => void) {
    this.#names = names;
    this.#onChange = onChange;
  }

  get epoch(): string {
    return this.#newest.era?.epoch ?? "";
  }

  get era(): Era | undefined {
    return this.#newest.era;
  }

  follow(topics: Iterable<string>): void {
    for (const topic of topics) if (!this.#positions.has(topic)) this.#positions.set(topic, undefined);
  }

  leave(topics: Iterable<string>): void {
    for (const topic of topics) this.#positions.delete(topic);
  }

  /** A message of the stream. */
  saw(topic: string, seq: number, stamp: string | undefined): void {
    if (seq > this.#seen.seq) this.#seen = { seq, stamp };
    if (this.#positions.has(topic) && seq > (this.#positions.get(topic)?.seq ?? 0)) {
      this.#positions.set(topic, { seq, stamp });
    }
  }

  /** The position of a topic none of whose messages is left. */
  floorOf(topic: string): Seen {
    const floor = this.#newest.era?.floor ?? 0;
    const known = this.#positions.get(topic);
    return known !== undefined && known.seq <= floor ? known : { seq: floor, stamp: undefined };
  }

  /** Finds out which epoch it is on a new connection, and ends it if the engine has gone back. */
  async verify(requests: Requests, info: StreamInfo, until: number = requests.deadline()): Promise<void> {
    let newest = await newestEra(requests, this.#names, until);
    const { era } = newest;
    const { first_seq: first, last_seq: last } = info.state;
    if (era === undefined || era.stream !== info.created) {
      const next = { epoch: freshEpoch(), stream: info.created, floor: Math.max(0, first - 1), mark: last };
      newest = await succeed(requests, this.#names, newest, { ...next, markedAt: Date.now() }, until);
    } else if (await this.#wentBack(requests, info, newest, until)) {
      const floor = Math.min(era.floor, last);
      newest = await succeed(requests, this.#names, newest, { ...era, epoch: freshEpoch(), floor }, until);
      this.#seen = { seq: 0, stamp: undefined };
    }
    this.#adopt(newest, true);
  }

  /** A record that came live. */
  told(bytes: Uint8Array, seq: number): boolean {
    const era = readEra(bytes);
    if (era === undefined) return false;
    if (seq > this.#newest.seq) this.#adopt({ seq, era });
    return true;
  }

  /** Reads it again: what was read before is of the epoch that holds afterwards. */
  async refresh(requests: Requests, until: number = requests.deadline()): Promise<string> {
    this.#adopt(await this.#ask(requests, until));
    return this.epoch;
  }

  /** Those who ask in the same turn share a question, if it gives up in time for all of them and for none much too early. */
  #ask(requests: Requests, until: number): Promise<Newest> {
    const asked = this.#asked;
    if (asked?.requests === requests && asked.until <= until && until - asked.until < MUCH_MS) return asked.newest;
    const newest = newestEra(requests, this.#names, until);
    this.#asked = { requests, until, newest };
    queueMicrotask(() => (this.#asked = undefined));
    return newest;
  }

  /** Ends an epoch, unless it has ended already. */
  async renew(requests: Requests, epoch: string, until: number = requests.deadline()): Promise<void> {
    const newest = await newestEra(requests, this.#names, until);
    if (newest.era === undefined || newest.era.epoch !== epoch) {
      this.#adopt(newest);
      return;
    }
    this.#adopt(await succeed(requests, this.#names, newest, { ...newest.era, epoch: freshEpoch() }, until));
  }

  /** Moves the floor up to the mark, and the mark up to the newest message, if that is due. @returns where the floor is then, 0 if it was not moved */
  async advance(requests: Requests, newestSeq: () => Promise<number>, periodMs: number): Promise<number> {
    const newest = this.#newest;
    const { era } = newest;
    if (era === undefined || Date.now() - era.markedAt < periodMs) return 0;
    const next = { ...era, floor: era.mark, mark: await newestSeq(), markedAt: Date.now() };
    this.#adopt(await succeed(requests, this.#names, newest, next));
    return this.#newest.era?.markedAt === next.markedAt ? next.floor : 0;
  }

  async #wentBack(requests: Requests, info: StreamInfo, { seq, era }: Newest, until: number): Promise<boolean> {
    const { era: known, seq: knownSeq } = this.#newest;
    if (this.#former.has(era!.epoch)) return true;
    if (known === undefined || known.stream !== info.created) return false;
    if (seq < knownSeq) return true;
    if (known.epoch !== era!.epoch) return false;
    if (info.state.last_seq < this.#seen.seq) return true;
    if (this.#seen.stamp === undefined) return false;
    const there = await new Store(requests, this.#names.topics, true).at(this.#seen.seq, until);
    return there !== undefined && there.envelope?.stamp !== this.#seen.stamp;
  }

  #adopt(newest: Newest, isNewConnection = false): void {
    if (newest.era === undefined || (newest.seq < this.#newest.seq && !isNewConnection)) return;
    const before = this.#newest.era;
    this.#newest = newest;
    // What is known of a topic holds as long as it is looked after: a node that was away for long knows nothing.
    if (isNewConnection && before?.floor !== newest.era?.floor) this.#forgetPositions();
    if (before === undefined || before.epoch === newest.era?.epoch) return;
    this.#former.add(before.epoch);
    if (this.#former.size > FORMER_EPOCHS) this.#former.delete(this.#former.values().next().value!);
    this.#seen = { seq: 0, stamp: undefined };
    this.#forgetPositions();
    this.#onChange();
  }

  #forgetPositions(): void {
    for (const topic of this.#positions.keys()) this.#positions.set(topic, undefined);
  }
}
