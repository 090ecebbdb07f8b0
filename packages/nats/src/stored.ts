import { type StoredHistory, type Position, type ReadOptions, type StoredMessage } from "hawser/hub";
import type { Envelope } from "./envelope.js";

/** A message of a topic as it stands in the stream. */
export interface Entry {
  readonly subject: string;
  /** Its number in the stream. */
  readonly seq: number;
  /** When it was stored, by the server's clock, in milliseconds since 1970. */
  readonly at: number;
  /** How many newer ones the topic had when it was read. */
  readonly newer: number;
  /** Undefined for what no node wrote. */
  readonly envelope: Envelope | undefined;
  readonly bytes: Uint8Array;
}

/** A message that a node wrote. */
export interface Written extends Entry {
  readonly envelope: Envelope;
}

/** What was read of a topic. */
export interface Stored {
  readonly epoch: string;
  /** The newest message that a node wrote. */
  readonly head: Written | undefined;
  /** Oldest first and without a hole: in reverse those before `after`, else those from `after` on, itself included. Perhaps not up to the head. */
  readonly entries: readonly Entry[];
  /** Nothing up to here has to be there any longer: who is here and finds nothing newer has missed nothing. It is the position of an empty topic. */
  readonly floor: number;
  /** By the server's clock. */
  readonly now: number;
}

/**
 * What a reader is given of it. The stream keeps at least what it has to, and often more: a message counts as gone when `size` newer ones were
 * published, or its time is over. So a topic is the same whatever others it shares the stream with.
 */
export function historyOf(stored: Stored, { after, limit, reverse = false }: ReadOptions): StoredHistory {
  const { epoch, head, floor } = stored;
  const position = head === undefined ? { epoch, offset: floor } : positionOf(head, epoch);
  if (after !== undefined && after.epoch !== epoch) {
    return { head: position, messages: [], complete: false, diverged: false };
  }
  const written = stored.entries.filter(isWritten);
  const begin = firstVisible(written, stored);
  const visible = written.slice(begin).map((entry, i) => {
    const prev = written[begin + i - 1]?.seq ?? Math.min(floor, entry.seq - 1);
    return messageOf(entry, epoch, prev);
  });
  const gone = written[begin - 1]?.seq ?? floor;
  if (reverse) {
    const messages = visible.slice(Math.max(0, visible.length - limit)).toReversed();
    return { head: position, messages, complete: messages.length === limit || gone === 0, diverged: false };
  }
  const from = after?.offset ?? 0;
  const at = written.find(({ seq }) => seq === from);
  const diverged = from > position.offset || (at !== undefined && isAnother(at, after));
  const messages = visible.filter(({ offset }) => offset > from);
  const isProvable = at !== undefined || from === floor || from === position.offset;
  return {
    head: position,
    messages: messages.slice(0, limit),
    complete: !diverged && isProvable && gone <= from,
    diverged,
  };
}

export function positionOf({ seq, envelope }: Written, epoch: string): Position {
  return { epoch, offset: seq, stamp: envelope.stamp };
}

export function messageOf({ seq, envelope, bytes }: Written, epoch: string, prev: number): StoredMessage {
  const { stamp, binary, by, from } = envelope;
  return { offset: seq, prev, epoch, stamp, bytes, binary, by, from };
}

export function isWritten(entry: Entry): entry is Written {
  return entry.envelope !== undefined;
}

/** Whether a message counts among those that are kept, as far as its own number and age say. */
export function mayBeVisible({ at, newer, envelope }: Entry, size: number, now: number): boolean {
  return envelope !== undefined && newer < Math.min(size, envelope.size) && at + envelope.ttlMs > now;
}

function isAnother({ envelope }: Written, after: Position | undefined): boolean {
  return after?.stamp !== undefined && after.stamp !== envelope.stamp;
}

/** From the newest back: each message says how many there may be from it on, and for how long it is there. */
function firstVisible(entries: readonly Written[], { head, now }: Stored): number {
  const last = entries.at(-1);
  if (last === undefined) return 0;
  let room = Math.min((head ?? last).envelope.size - last.newer, last.envelope.size);
  let first = entries.length;
  for (const [i, { at, envelope }] of [...entries.entries()].toReversed()) {
    room = Math.min(room, envelope.size) - 1;
    if (room < 0 || at + envelope.ttlMs <= now) break;
    first = i;
  }
  return first;
}
