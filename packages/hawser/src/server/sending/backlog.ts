import { type Key, KEYED_BYTES, LatestPerKey } from "./latest-per-key.js";
import { type Account, type Hold, HOLD_BYTES } from "./memory-budget.js";
import { isWorthCopying } from "./own-memory.js";

/** What one entry costs besides the frame's bytes: the entry, and the header of a string or its hold on shared memory. Measured. */
const ENTRY_BYTES = 128;

/** Bytes of a long message that the socket is handed at a time, so that a slow client's progress can be seen while it leaves. */
export const SLICE_BYTES: number = 64 * 1024;
/** Frames are joined up to so many bytes. What is longer is handed on as it is, so that those who wait for the same share it. */
const JOIN_BYTES = 16 * 1024;

interface Entry {
  /** A short one is kept as a string of its bytes (latin1): half of what a buffer takes, and nothing around it. */
  frame: Buffer | string;
  /** On the memory that the frame lies in; null for a string. */
  readonly hold: Hold | null;
  /** Without what it shares with others. */
  readonly cost: number;
  key: Key<Entry> | null;
  /** A message not begun; control frames and the rest of a message that has begun are never dropped. */
  droppable: boolean;
  previous: Entry | null;
  next: Entry | null;
}

/** Frames that wait for one slow client, oldest first. Whatever is done with one of them takes the same time however many there are. */
export class Backlog {
  /** What it holds of the budget of all. */
  readonly account: Account;
  readonly #maxBytes: number;
  #first: Entry | null = null;
  #last: Entry | null = null;
  /** All before it are required. */
  #oldestMessage: Entry | null = null;
  #bytes = 0;
  /** What it would hold if it shared nothing with others. */
  #cost = 0;
  #messages = 0;
  /** Null: nobody asks for the latest of a key. */
  readonly #keys: LatestPerKey<Entry> | null;
  /** What somebody waits for, up to this one. */
  #mark: Entry | null = null;
  /** On what the socket has been handed and has not taken. */
  #handed: Hold[] = [];

  constructor(maxBytes: number, account: Account, isKeyed = false) {
    this.#maxBytes = maxBytes;
    this.account = account;
    this.#keys = isKeyed ? new LatestPerKey() : null;
  }

  /** Bytes of the frames. */
  get bytes(): number {
    return this.#bytes;
  }

  /** How many messages wait that have not begun. */
  get messages(): number {
    return this.#messages;
  }

  get isEmpty(): boolean {
    return this.#first === null;
  }

  /** Marks all that waits now. */
  mark(): void {
    this.#mark = this.#last;
  }

  /** Whether some of what was marked still waits. */
  get isMarked(): boolean {
    return this.#mark !== null;
  }

  /** Whether something waits, and all of it is marked. */
  get isMarkedWhole(): boolean {
    return this.#mark !== null && this.#mark === this.#last;
  }

  /**
   * Whether this frame fits, by what entries cost, `sending` being handed to the socket and not taken by the client yet. One message
   * always fits when none waits, so that a client can be sent what is larger than its backlog.
   */
  hasRoomFor(frame: Buffer, key: string | null, sending: number): boolean {
    return this.#messages === 0 || this.hasRoomBehind(frame, sending, key);
  }

  /** Whether it fits behind what is there. */
  hasRoomBehind(frame: Buffer, sending: number, key: string | null = null): boolean {
    return this.#cost + sending + frame.length + this.#costOfEntry(key) <= this.#maxBytes;
  }

  /** What it would add to the budget of all. */
  costOf(frame: Buffer, key: string | null): number {
    return (isWorthCopying(frame) ? frame.length : this.account.budget.costOf(frame.buffer)) + this.#costOfEntry(key);
  }

  pushMessage(frame: Buffer, key: string | null): void {
    const keys = key === null ? null : this.#keys;
    const entry = this.#push(frame, keys === null ? ENTRY_BYTES : ENTRY_BYTES + KEYED_BYTES, true);
    this.#messages++;
    this.#oldestMessage ??= entry;
    if (keys !== null) this.#charge(keys.add(entry, key!));
  }

  /** A control frame, or the rest of a message that has begun. */
  pushRequired(frame: Buffer): void {
    this.#push(frame, ENTRY_BYTES, false);
  }

  /** The socket has been handed this, and has not taken it all. */
  keepHanded(bytes: Buffer): void {
    this.#handed.push(this.account.hold(bytes.buffer));
  }

  /** The socket has taken all that it was handed. */
  forgetHanded(): void {
    for (const hold of this.#handed) hold.release();
    this.#handed = [];
  }

  /** Removes what is to be handed to the socket next: the oldest frames joined, or a slice of a long one. */
  shift(): Buffer {
    const entry = this.#first!;
    const { frame } = entry;
    const bytes = typeof frame !== "string" && frame.length > JOIN_BYTES ? this.#slice(entry, frame) : this.#join();
    this.keepHanded(bytes);
    return bytes;
  }

  /** Drops the message that waits longest. @returns false when there is none */
  dropOldest(): boolean {
    if (this.#oldestMessage === null) return false;
    this.#remove(this.#oldestMessage);
    return true;
  }

  /** Drops messages, the newest first, until it is enough. */
  dropNewest(isEnough: () => boolean): void {
    for (let entry = this.#last; entry !== null && !isEnough(); entry = entry.previous) {
      if (entry.droppable) this.#remove(entry);
    }
  }

  /** Drops every message of which a later one, or the one with `key` that is to come, has the same key. */
  dropSuperseded(key: string | null): void {
    const keys = this.#keys;
    if (keys === null) return;
    const latest = key === null ? undefined : keys.latestOf(key);
    for (const entry of keys.superseded) this.#remove(entry);
    if (latest !== undefined) this.#remove(latest);
  }

  /** Drops all messages that have not begun. */
  dropAll(): void {
    while (this.dropOldest());
  }

  /** Gives back its share of the budget: the client is gone. */
  release(): void {
    this.forgetHanded();
    while (this.#first !== null) this.#remove(this.#first);
  }

  /** @param cost besides the frame's bytes */
  #push(frame: Buffer, cost: number, droppable: boolean): Entry {
    const isCopied = isWorthCopying(frame);
    const entry: Entry = {
      frame: isCopied ? frame.toString("latin1") : frame,
      hold: isCopied ? null : this.account.hold(frame.buffer),
      cost: cost + (isCopied ? frame.length : 0),
      key: null,
      droppable,
      previous: this.#last,
      next: null,
    };
    if (this.#last === null) this.#first = entry;
    else this.#last.next = entry;
    this.#last = entry;
    this.#bytes += frame.length;
    if (!isCopied) this.#cost += HOLD_BYTES + frame.length;
    this.#charge(entry.cost);
    return entry;
  }

  #remove(entry: Entry): void {
    if (entry.droppable) this.#begin(entry);
    const { frame, previous, next } = entry;
    if (previous === null) this.#first = next;
    else previous.next = next;
    if (entry === this.#mark) this.#mark = previous;
    if (next === null) this.#last = previous;
    else next.previous = previous;
    this.#bytes -= frame.length;
    if (typeof frame !== "string") this.#cost -= HOLD_BYTES + frame.length;
    this.#charge(-entry.cost);
    entry.hold?.release();
  }

  /** It is no message any more that could be dropped. */
  #begin(entry: Entry): void {
    entry.droppable = false;
    this.#messages--;
    if (entry === this.#oldestMessage) this.#oldestMessage = messageAfter(entry);
    if (entry.key !== null) this.#charge(-this.#keys!.remove(entry, entry.key));
  }

  #costOfEntry(key: string | null): number {
    return ENTRY_BYTES + (key === null ? 0 : (this.#keys?.costOf(key) ?? 0));
  }

  #charge(bytes: number): void {
    this.#cost += bytes;
    this.account.charge(bytes);
  }

  #join(): Buffer {
    let bytes = 0;
    let count = 0;
    for (let entry = this.#first; entry !== null; entry = entry.next) {
      if (count > 0 && bytes + entry.frame.length > JOIN_BYTES) break;
      bytes += entry.frame.length;
      count++;
    }
    // Not of Node's pool, which it would keep for as long as it stays with the socket.
    const joined = Buffer.allocUnsafeSlow(bytes);
    for (let at = 0; count > 0; count--) {
      const entry = this.#first!;
      const { frame } = entry;
      if (typeof frame === "string") joined.write(frame, at, "latin1");
      else joined.set(frame, at);
      at += frame.length;
      this.#remove(entry);
    }
    return joined;
  }

  /** The beginning of a long frame; its rest stays in front, and is not to be dropped. */
  #slice(entry: Entry, frame: Buffer): Buffer {
    if (frame.length <= SLICE_BYTES) {
      this.#remove(entry);
      return frame;
    }
    if (entry.droppable) this.#begin(entry);
    entry.frame = frame.subarray(SLICE_BYTES);
    this.#bytes -= SLICE_BYTES;
    this.#cost -= SLICE_BYTES;
    return frame.subarray(0, SLICE_BYTES);
  }
}

function messageAfter(entry: Entry): Entry | null {
  let after = entry.next;
  while (after !== null && !after.droppable) after = after.next;
  return after;
}
