/** What happens to a client past its backlog. */
export type OverflowPolicy =
  /** It is closed with 1013: what it missed it could not know. */
  | "close"
  /** The message that does not fit is not sent. */
  | "drop-newest"
  /** The messages that wait longest make room. */
  | "drop-oldest"
  /** Messages that a later one of the same key supersedes make room; when that is not enough it is closed. */
  | "latest-per-key";

/** Bytes that wait for all slow clients together. */
export interface BacklogBudget {
  used: number;
  readonly max: number;
}

interface Entry {
  readonly frame: Buffer;
  /** The topic or the key the sender gave; null: none. */
  readonly key: string | null;
  /** A message not begun; control frames and the rest of a message that has begun are never dropped. */
  readonly droppable: boolean;
}

/** Frames that wait for one slow client, oldest first. */
export class Backlog {
  readonly #budget: BacklogBudget;
  readonly #maxBytes: number;
  #entries: Entry[] = [];
  #bytes = 0;
  #messages = 0;

  constructor(maxBytes: number, budget: BacklogBudget) {
    this.#maxBytes = maxBytes;
    this.#budget = budget;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get isEmpty(): boolean {
    return this.#entries.length === 0;
  }

  /**
   * Whether so many more bytes fit, `sending` being handed to the socket and not taken by the client yet. One message always fits
   * when none waits, so that a client can be sent what is larger than its backlog; but not past what all may use together.
   */
  hasRoom(bytes: number, sending: number): boolean {
    if (this.#budget.used + bytes > this.#budget.max) return false;
    return this.#messages === 0 || this.#bytes + sending + bytes <= this.#maxBytes;
  }

  pushMessage(frame: Buffer, key: string | null): void {
    this.#push({ frame, key, droppable: true });
    this.#messages++;
  }

  /** A control frame, or the rest of a message that has begun. */
  pushRequired(frame: Buffer): void {
    this.#push({ frame, key: null, droppable: false });
  }

  /** Takes out what leaves next: the oldest frames, up to `limit` bytes of them and one at least, which may be cut. */
  take(limit: number): Buffer {
    const taken: Buffer[] = [];
    let bytes = 0;
    let count = 0;
    for (const { frame, droppable } of this.#entries) {
      if (count > 0 && bytes + frame.length > limit) break;
      count++;
      bytes += frame.length;
      taken.push(frame);
      if (droppable) this.#messages--;
    }
    this.#entries.splice(0, count);
    this.#account(-bytes);
    if (bytes <= limit) return taken.length === 1 ? taken[0]! : Buffer.concat(taken, bytes);
    // A frame longer than the limit is the only one here; its rest stays in front.
    const [frame] = taken as [Buffer];
    this.#entries.unshift({ frame: frame.subarray(limit), key: null, droppable: false });
    this.#account(frame.length - limit);
    return frame.subarray(0, limit);
  }

  /** Drops messages, the oldest first, for as long as there is no room. @returns how many */
  dropOldest(bytes: number, sending: number): number {
    let dropped = 0;
    const kept = this.#entries.filter((entry) => {
      if (!entry.droppable || this.hasRoom(bytes, sending)) return true;
      this.#account(-entry.frame.length);
      this.#messages--;
      dropped++;
      return false;
    });
    this.#entries = kept;
    return dropped;
  }

  /** Drops every message of which a later one, or the one with `key` that is to come, has the same key. @returns how many */
  dropSuperseded(key: string | null): number {
    const seen = new Set<string>(key === null ? [] : [key]);
    const kept: Entry[] = [];
    for (const entry of this.#entries.toReversed()) {
      if (entry.key !== null && seen.has(entry.key)) {
        this.#account(-entry.frame.length);
        this.#messages--;
        continue;
      }
      if (entry.key !== null) seen.add(entry.key);
      kept.push(entry);
    }
    const dropped = this.#entries.length - kept.length;
    this.#entries = kept.toReversed();
    return dropped;
  }

  /** Drops all messages that have not begun. @returns how many, and their bytes */
  dropAll(): { messages: number; bytes: number } {
    const before = { messages: this.#messages, bytes: this.#bytes };
    this.#entries = this.#entries.filter((entry) => !entry.droppable);
    this.#messages = 0;
    this.#account(this.#entries.reduce((sum, entry) => sum + entry.frame.length, 0) - this.#bytes);
    return { messages: before.messages, bytes: before.bytes - this.#bytes };
  }

  /** Gives back its share of the budget: the client is gone. */
  release(): void {
    this.#entries = [];
    this.#account(-this.#bytes);
  }

  #push(entry: Entry): void {
    this.#entries.push(entry);
    this.#account(entry.frame.length);
  }

  #account(bytes: number): void {
    this.#bytes += bytes;
    this.#budget.used += bytes;
  }
}

/** Makes room for a message of `bytes`, or says that there is none. `dropped` counts the messages that had to go. */
export type Overflow = (
  backlog: Backlog,
  bytes: number,
  sending: number,
  key: string | null,
) => { verdict: "queue" | "drop" | "close"; dropped: number };

const closeClient: Overflow = () => ({ verdict: "close", dropped: 0 });

const dropNewest: Overflow = () => ({ verdict: "drop", dropped: 0 });

const dropOldest: Overflow = (backlog, bytes, sending) => {
  const dropped = backlog.dropOldest(bytes, sending);
  return { verdict: backlog.hasRoom(bytes, sending) ? "queue" : "drop", dropped };
};

const keepLatestPerKey: Overflow = (backlog, bytes, sending, key) => {
  const dropped = backlog.dropSuperseded(key);
  return { verdict: backlog.hasRoom(bytes, sending) ? "queue" : "close", dropped };
};

export const overflowPolicies: Readonly<Record<OverflowPolicy, Overflow>> = {
  close: closeClient,
  "drop-newest": dropNewest,
  "drop-oldest": dropOldest,
  "latest-per-key": keepLatestPerKey,
};
